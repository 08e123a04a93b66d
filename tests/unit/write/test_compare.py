"""What may be overwritten, and what never."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcicd.errors import OutsideError, Refused
from mlcicd.write import disk
from mlcicd.write.apply import apply
from mlcicd.write.compare import compare
from mlcicd.write.state import State

OWNED = (".ci/mlcicd*.yml",)
NAME = ".ci/mlcicd.yml"


def kinds(files: dict[str, str], root: Path) -> dict[str, str]:
    return {change.path: change.kind for change in compare(files, root, OWNED)}


def put(root: Path, text: str, name: str = NAME) -> None:
    apply(compare({name: text}, root), State(), root)


def test_first_line_names_source_and_command(tmp_path: Path) -> None:
    put(tmp_path, "a: 1\n")
    first, rest = (tmp_path / NAME).read_text().split("\n", 1)
    assert "mlcicd.yaml" in first
    assert "mlcicd generate" in first
    assert rest == "a: 1\n"


def test_new_same_changed_and_stale(tmp_path: Path) -> None:
    assert kinds({NAME: "a: 1\n"}, tmp_path) == {NAME: "new"}
    put(tmp_path, "a: 1\n")
    put(tmp_path, "b: 1\n", ".ci/mlcicd-old.yml")
    assert kinds({NAME: "a: 1\n"}, tmp_path) == {NAME: "same", ".ci/mlcicd-old.yml": "stale"}
    changes = compare({NAME: "a: 2\n"}, tmp_path, OWNED)
    assert [change.kind for change in changes] == ["stale", "changed"]
    assert "-a: 1" in changes[1].diff
    assert "+a: 2" in changes[1].diff
    apply(changes, State(), tmp_path)
    assert not (tmp_path / ".ci/mlcicd-old.yml").exists()
    assert kinds({NAME: "a: 2\n"}, tmp_path) == {NAME: "same"}


def test_what_the_state_names_is_stale_wherever_it_is(tmp_path: Path) -> None:
    put(tmp_path, "a: 1\n", "elsewhere.yml")
    assert [change.kind for change in compare({}, tmp_path, known=["elsewhere.yml", "gone.yml"])] == ["stale"]


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda path: path.write_text("a: 1\n"), "was not written by mlcicd: rename it"),
        (lambda path: path.write_bytes(b"# ok\n\xff\xfe"), "is not UTF-8 text (line 2)"),
        (lambda path: (path.unlink(), path.mkdir()), "is a folder or a link, and a file belongs there: move it away"),
        (lambda path: (path.rename(path.with_name("x")), path.symlink_to("x")), "is a folder or a link"),
        (lambda path: path.chmod(0o444), "is read-only: `chmod u+w .ci/mlcicd.yml`"),
        (
            lambda path: path.write_text("# Generated from mlcicd.yaml, form 2\na: 1\n"),
            "a first line that this mlcicd did not write",
        ),
        (
            lambda path: path.write_text(path.read_text().replace(" digest ", " my note digest ")),
            "a first line that this mlcicd did not write",
        ),
        (lambda path: path.write_bytes(path.read_bytes() + b"b: 1\r\r\n  c\n"), "a carriage return inside line 3"),
        (
            lambda path: path.write_text("# Ejected from mlcicd 0.1.0: x\na: 1\n"),
            "`mlcicd eject`: to have it made again",
        ),
        (lambda path: path.write_text("a\n<<<<<<< x\na: 1\n=======\n>>>>>>> y\n"), "merge conflict markers (line 2)"),
        (lambda path: path.write_text("<<<<<<< x\n=======\n"), "merge conflict markers (line 1): resolve them"),
    ],
)
def test_what_is_not_ours_stops_everything(edit, why: str, tmp_path: Path) -> None:
    put(tmp_path, "a: 1\n")
    edit(tmp_path / NAME)
    before = sorted(path.name for path in (tmp_path / ".ci").iterdir())
    changes = compare({NAME: "a: 2\n", ".ci/mlcicd-2.yml": "x: 1\n"}, tmp_path)
    assert changes[1].kind == "refused"
    with pytest.raises(Refused) as caught:
        apply(changes, State(), tmp_path)
    assert f"{NAME}: {why}" in caught.value.detail.replace("was handed over to you by ", "").replace("has ", "")
    assert "mlcicd generate" in caught.value.hint
    assert sorted(path.name for path in (tmp_path / ".ci").iterdir()) == before


def test_an_edited_file_that_is_no_longer_made_is_not_removed(tmp_path: Path) -> None:
    put(tmp_path, "a: 1\n", ".ci/mlcicd-old.yml")
    path = tmp_path / ".ci/mlcicd-old.yml"
    path.write_text(path.read_text() + "# mine\n")
    with pytest.raises(Refused) as caught:
        apply(compare({}, tmp_path, OWNED), State(), tmp_path)
    assert "delete its first line to keep it" in caught.value.detail
    path.write_text(path.read_text().split("\n", 1)[1])
    assert compare({}, tmp_path, OWNED, known=[".ci/mlcicd-old.yml"]) == []


@pytest.mark.parametrize(
    "turn",
    [
        lambda raw: raw.replace(b"\n", b"\r\n"),
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n"),
    ],
    ids=["line ends", "byte order mark", "both"],
)
def test_what_a_checkout_or_an_editor_puts_around_a_text_is_no_edit(turn, tmp_path: Path) -> None:
    put(tmp_path, "a: 1\nb: 2\n")
    path = tmp_path / NAME
    path.write_bytes(turn(path.read_bytes()))
    assert kinds({NAME: "a: 1\nb: 2\n"}, tmp_path) == {NAME: "same"}
    assert kinds({NAME: "a: 2\n"}, tmp_path) == {NAME: "changed"}


def test_two_sides_that_nobody_edited_are_made_anew(tmp_path: Path) -> None:
    put(tmp_path, "a: 1\n")
    ours = (tmp_path / NAME).read_text()
    put(tmp_path, "a: 2\n")
    theirs = (tmp_path / NAME).read_text()
    both = f"<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> other\n"
    (tmp_path / NAME).write_text(both)
    assert kinds({NAME: "a: 3\n"}, tmp_path) == {NAME: "changed"}
    (tmp_path / NAME).write_text(both.replace("a: 2", "a: 9"))
    assert kinds({NAME: "a: 3\n"}, tmp_path) == {NAME: "refused"}


def test_nothing_is_left_beside_the_files(tmp_path: Path) -> None:
    put(tmp_path, "a: 1\n")
    assert [path.name for path in (tmp_path / ".ci").iterdir()] == ["mlcicd.yml"]


def test_a_disk_that_refuses_is_explained_and_nothing_is_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a: 1\n")
    before = (tmp_path / NAME).read_bytes()
    real = disk._save

    def refuse(path: Path, content: str) -> None:
        if "other" in path.name:
            raise PermissionError(13, "Permission denied", str(path))
        real(path, content)

    monkeypatch.setattr(disk, "_save", refuse)
    changes = compare({NAME: "a: 2\n", ".ci/other.yml": "a: 2\n"}, tmp_path)
    with pytest.raises(OutsideError, match=r"other\.yml.*: cannot be written: Permission denied") as caught:
        apply(changes, State(), tmp_path)
    assert caught.value.hint
    assert [path.name for path in (tmp_path / ".ci").iterdir()] == ["mlcicd.yml"]
    assert (tmp_path / NAME).read_bytes() == before


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_folder_on_the_way_that_is_none_stops_everything(kind: str, tmp_path: Path) -> None:
    root, outside = tmp_path / "repository", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    folder = root / ".ci"
    folder.touch() if kind == "file" else folder.symlink_to(outside)
    with pytest.raises(Refused) as caught:
        put(root, "a: 1\n")
    assert f"{NAME}: is below .ci, which is no folder" in caught.value.detail
    assert list(outside.iterdir()) == []
