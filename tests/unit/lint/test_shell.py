"""Scripts taken apart into commands: what is one, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcicd.lint.document import read
from mlcicd.lint.shell import commands, script


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dvc pull && dvc repro || true", [("dvc", "pull"), ("dvc", "repro"), ("true",)]),
        ("a; b\nc | d |& e &", [("a",), ("b",), ("c",), ("d",), ("e",)]),
        ("pip install \\\n  torch \\\r\n  numpy", [("pip", "install", "torch", "numpy")]),
        ("echo 'a && b' \"c; d\"  # e && f", [("echo", "a && b", "c; d")]),
        ("echo a#b #c", [("echo", "a#b")]),
        ("cat <<END > f\ndvc pull\nEND\nls", [("cat", "<<END", ">", "f"), ("ls",)]),
        ("cat <<-'END'\n\tdvc pull\n\tEND\nls", [("cat", "<<-'END'"), ("ls",)]),
        ('echo "report<<EOF" >> f\ncat r >> f', [("echo", "report<<EOF", ">>", "f"), ("cat", "r", ">>", "f")]),
        ("X=1 sudo -E bash -", [("bash", "-")]),
        ("uv run --frozen python -m pytest -q", [("pytest", "-q")]),
        ("if ! pytest; then exit 1; fi", [("pytest",), ("exit", "1"), ("fi",)]),
        ("echo ${{ a || b && 'c;d' }}", [("echo", "${{ a || b && 'c;d' }}")]),
        ("ls 2>&1 >log", [("ls", "2>", "1", ">log")]),
        ("echo 'unclosed; ls\nls", [("echo", "'unclosed"), ("ls",), ("ls",)]),
        ("", []),
        ("\n# only a comment\n", []),
    ],
)
def test_commands(text: str, expected: list[tuple[str, ...]]) -> None:
    assert [command.argv for command in commands(text)] == expected


@pytest.mark.parametrize(
    ("yaml", "shown"),
    [
        ("run: dvc pull && dvc repro --force", "dvc repro --force"),
        ("run: 'dvc pull && dvc repro'", "dvc repro"),
        ('run: "dvc pull && dvc repro"', "dvc repro"),
        ("run: |\n  dvc pull\n  dvc repro -q\n", "dvc repro -q"),
        ("run: >-\n  dvc pull &&\n  dvc repro -q\n", "dvc repro -q"),
        ("run: dvc pull &&\n  dvc repro -q", "dvc repro -q"),
    ],
)
def test_the_place_of_a_command_in_the_file(yaml: str, shown: str) -> None:
    doc = read("w.yml", yaml, "workflow")
    found = script(doc.root.get("run"), "step 1", doc.root, doc.root)
    part = found.part(found.commands[1])
    assert part is not None
    assert doc.text[part.start : part.end] == shown


def test_what_the_file_writes_by_escapes_has_no_place_but_is_read() -> None:
    doc = read("w.yml", 'run: "echo \\"a\\" && dvc\\x20repro"', "workflow")
    found = script(doc.root.get("run"), "step 1", doc.root, doc.root)
    assert found.commands[1].runs("dvc", "repro")
    assert found.part(found.commands[1]) is None


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab \n\r\t'\"\\|&;()<>#${}=-", max_size=80))
def test_any_text_has_commands_in_order(text: str) -> None:
    found = commands(text)
    assert all(command.words and 0 <= command.start < command.end <= len(text) for command in found)
    assert [command.start for command in found] == sorted(command.start for command in found)
