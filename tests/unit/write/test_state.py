"""`mlcicd.lock`: what it says, and what happens when it says nonsense."""

from __future__ import annotations

import base64
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from mlcicd import yamlio
from mlcicd.errors import UsageError
from mlcicd.write import state
from mlcicd.write.meaning import ABSENT
from mlcicd.write.review import Edit
from mlcicd.write.state import Record, State
from tests.unit.write.repository import PIPELINE, WORKFLOW, Repository

TEXT = "a: 1\nb: ü\n"
KNOWN = State(
    files={"b.yml": state.record("b.yml", TEXT), "a.py": state.record("a.py", "x = 1\n")},
    edits={
        "b.yml": (
            Edit(at='jobs.a.steps["x y" after "z"]', made=ABSENT, now={"run": "make: it", "if": True}),
            Edit(at="a", made=None, now=[1, "1"]),
            Edit(at="gone", made="x", now=ABSENT),
        )
    },
)


def put(root: Path, text: str) -> None:
    (root / state.FILE).write_text(text, encoding="utf-8")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    put(tmp_path, state.show(KNOWN))
    assert state.read(tmp_path) == (KNOWN,)
    assert KNOWN.files["b.yml"].text == TEXT
    assert KNOWN.files["a.py"].text is None


def test_it_is_made_for_people_and_for_git(repo: Repository) -> None:
    lines = repo.text("mlcicd.lock").splitlines()
    assert lines[0].startswith("# Written by `mlcicd generate`; commit it")
    assert [line.split(":")[0].strip() for line in lines[2:]] == ["version", "files", WORKFLOW, PIPELINE]
    assert len(repo.text("mlcicd.lock")) < 6000
    assert yamlio.load_foreign(repo.text("mlcicd.lock"))["version"] == 1


def test_a_text_that_is_known_is_not_packed_again() -> None:
    """Libraries pack to different bytes, and a machine must not change the file that another wrote."""
    otherwise = Record(
        digest=state.record("x.yml", TEXT).digest, packed=base64.b64encode(zlib.compress(TEXT.encode(), 0)).decode()
    )
    assert otherwise.text == TEXT
    assert state.record("x.yml", TEXT, otherwise) is otherwise


def test_both_sides_of_a_conflict_are_read(tmp_path: Path) -> None:
    ours = state.show(KNOWN)
    other = State(files={"b.yml": state.record("b.yml", "a: 2\n")})
    theirs = state.show(other)
    put(tmp_path, f"<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> other\n")
    assert state.read(tmp_path) == (KNOWN, other)
    assert state.accepted((KNOWN, KNOWN), "b.yml") == KNOWN.edits["b.yml"]


def test_a_text_that_was_taken_out_is_put_back(repo: Repository) -> None:
    before = repo.text(state.FILE)
    repo.put(re.sub(r', text: "[^"]*"', "", before), state.FILE)
    error = repo.refused("generate", "--check")
    assert f"makes another than {state.FILE} remembers (only its digest is known)" in error.detail
    repo.generate()
    assert repo.text(state.FILE) == before
    repo.generate("--check")


def test_a_text_that_is_no_yaml_is_told(repo: Repository) -> None:
    other = State(files={path: state.record(path, "a: [\n") for path in (WORKFLOW, PIPELINE)})
    repo.put(state.show(other), state.FILE)
    assert "cannot be read as YAML" in repo.refused("generate", "--check").detail


LAUGHS = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)
PACKED = state.record("b.yml", TEXT).packed
BOMB = base64.b64encode(zlib.compress(b"a" * 50_000_000, 9)).decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "line 1"),
        ("#" * (state.MAX_FILE + 1), "is larger than"),
        ("", "not as mlcicd writes it"),
        ("[]", "not as mlcicd writes it"),
        ("version: 1\n", "not as mlcicd writes it"),
        ("version: 1\nfiles: []\n", None),
        ("version: 1\nfiles: [a]\n", "not as mlcicd writes it"),
        ("version: 1\nfiles: {a.yml: 3}\n", "not as mlcicd writes it"),
        ("version: 1\nfiles: {../../a.yml: {digest: x}}\n", "is no path in the repository"),
        ("version: 1\nfiles: {/etc/passwd: {digest: x}}\n", "is no path in the repository"),
        ("version: 1\nfiles: {3: {digest: x}}\n", "not as mlcicd writes it"),
        ("version: 1\nfiles: {}\nedits: {a.yml: [{now: 1}]}\n", "not as mlcicd writes it"),
        ("version: 1\nfiles: {}\nedits: {a.yml: 3}\n", "not as mlcicd writes it"),
        (f'version: 1\nfiles: {{a.yml: {{digest: x, text: "{PACKED}"}}}}\n', "the text of a.yml is not the one"),
        (f'version: 1\nfiles: {{a.yml: {{digest: x, text: "{PACKED[:-8]}"}}}}\n', "cut off"),
        ('version: 1\nfiles: {a.yml: {digest: x, text: "no base64"}}\n', "cannot be unpacked"),
        (f'version: 1\nfiles: {{a.yml: {{digest: x, text: "{BOMB}"}}}}\n', "too large"),
        ("version: 2\nfiles: {}\n", "has version 2, and this mlcicd knows 1"),
        ("<<<<<<< HEAD\nversion: 1\n", "merge conflict markers"),
        (f"{LAUGHS}version: *a8\nfiles: {{}}\n", "line 1: anchors and aliases are not used here"),
        (f"{LAUGHS}version: 1\nfiles: {{a.yml: {{digest: *a8}}}}\n", "anchors and aliases are not used here"),
        (f"{LAUGHS}version: 1\nfiles: {{}}\nedits: {{a.yml: [{{at: x, now: *a8}}]}}\n", "anchors and aliases"),
        (f"{LAUGHS}? *a8\n: 1\n", "anchors and aliases are not used here"),
        ('{"version":&a 1, "files":*a}\n', "anchors and aliases are not used here"),
        ("[" * 200_000, "nested too deeply"),
        ("version: [1]\nfiles: {}\n", "list where int belongs"),
        ("version: 1\nfiles: {a.yml: {digest: [x]}}\n", "list where str belongs"),
        ("version: 1\nfiles: {a.yml: {digest: x, text: 1}}\n", "int where str belongs"),
        ("version: 1\nfiles: {}\nedits: {a.yml: [{at: [x]}]}\n", "list where str belongs"),
    ],
)
def test_nonsense_is_told_with_the_next_step(text: str, said: str | None, tmp_path: Path) -> None:
    put(tmp_path, text)
    if said is None:
        assert state.read(tmp_path) == (State(),)
        return
    with pytest.raises(UsageError) as caught:
        state.read(tmp_path)
    assert caught.value.message.startswith(f"{state.FILE}: ")
    assert said in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "is a folder or a link"),
        (lambda path: path.symlink_to("x"), "is a folder or a link"),
        (lambda path: path.write_bytes(b"\xff"), "is not UTF-8"),
        (lambda path: (path.touch(), path.chmod(0o444)), "is read-only: `chmod u+w mlcicd.lock`"),
    ],
)
def test_what_stands_in_its_place(make: Any, said: str, tmp_path: Path) -> None:
    make(tmp_path / state.FILE)
    with pytest.raises(UsageError) as caught:
        state.read(tmp_path)
    assert said in caught.value.message
