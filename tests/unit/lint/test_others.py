from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlcicd.lint import others
from mlcicd.lint.document import Document, read
from mlcicd.lint.merge import SAME, merge
from mlcicd.lint.model import Finding, Severity
from mlcicd.lint.rules import RULES

TEXT = "name: x\non: push\njobs:\n  a:\n    steps:\n      - run: |\n          echo é😀 ${{ github.head_ref }}\n"
Ask = Callable[..., others.Told]


@pytest.fixture
def bin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with programs; the interpreter's own is hidden."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    return folder


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    def call(*kinds: str, only: tuple[str, ...] = ()) -> others.Told:
        documents: dict[str, Document] = {}
        paths = {}
        for kind in kinds or ("workflow",):
            paths[kind] = tmp_path / f"{kind}.yml"
            paths[kind].write_text(TEXT)
            documents[kind] = read(kind, TEXT, kind)  # type: ignore[arg-type]
        return others.ask(documents, paths, only)

    return call


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    head = f"#!{shutil.which('python3', path=os.defpath)}\nimport sys, time, json, os\n"
    version = "if '--version' in sys.argv: print('1.2.3'); sys.exit()\n"
    path.write_text(head + version + script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def zizmor(folder: Path, *findings: object) -> None:
    found = json.dumps(findings)
    program(
        folder,
        "zizmor",
        f"files = [one for one in sys.argv[1:] if one[0] == '/']\n"
        f"for file in files: print('INFO audit: completed ' + file, file=sys.stderr)\n"
        f"print({found!r}.replace('FILE', files[0]))\n",
    )


def place(row: int, start: int, end: int, *, kind: str = "Primary", end_row: int | None = None) -> dict[str, object]:
    return {
        "symbolic": {"kind": kind, "key": {"Local": {"verbatim_path": "FILE"}}, "annotation": f"the {kind}"},
        "concrete": {
            "location": {
                "start_point": {"row": row, "column": start},
                "end_point": {"row": row if end_row is None else end_row, "column": end},
            }
        },
    }


def audit(*places: object, severity: str = "High", ignored: bool = False) -> dict[str, object]:
    return {
        "ident": "template-injection",
        "desc": "code injection",
        "url": "the manual",
        "determinations": {"severity": severity},
        "ignored": ignored,
        "locations": places,
    }


def test_nothing_installed_is_told(bin: Path, ask: Ask) -> None:
    told = ask("workflow", "gitlab")
    assert not told.findings
    assert [line.split(":")[0] for line in told.lines] == ["zizmor is not installed", "actionlint is not installed"]


def test_nothing_to_ask_is_not_told(bin: Path, ask: Ask) -> None:
    assert ask("gitlab") == others.Told()
    assert ask("workflow", only=("M5",)) == others.Told()


def test_a_finding_of_zizmor_in_our_shape(bin: Path, ask: Ask) -> None:
    before = len("          echo é😀 ".encode())
    zizmor(bin, audit(place(3, 2, 0, kind="Related"), place(6, before, before + 22)))
    told = ask("workflow")
    [one] = told.findings
    assert (one.rule, one.severity, one.path) == ("zizmor/template-injection", "error", "workflow")
    assert (one.line, one.column, one.end_column) == (7, 19, 41)
    assert one.source_line[one.column - 1 : one.end_column - 1] == "${{ github.head_ref }}"
    assert (one.message, one.remedy) == ("code injection: the Primary", "see the manual")
    assert told.lines[0] == "zizmor 1.2.3 ran too"
    assert told.ran == ("zizmor",)


def test_a_finding_over_several_lines_ends_with_its_first(bin: Path, ask: Ask) -> None:
    zizmor(bin, audit(place(3, 2, 1, end_row=6)))
    [one] = ask("workflow").findings
    assert (one.line, one.column, one.end_column) == (4, 3, 5)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("High", "error"), ("Medium", "warning"), ("Low", "warning"), ("Informational", "note"), ("Unknown", "note")],
)
def test_severities(bin: Path, ask: Ask, theirs: str, ours: str) -> None:
    zizmor(bin, audit(place(0, 0, 1), severity=theirs))
    assert [one.severity for one in ask("action").findings] == [ours]


def test_what_zizmor_was_told_to_ignore_stays_so(bin: Path, ask: Ask) -> None:
    zizmor(bin, audit(place(0, 0, 1), ignored=True))
    assert not ask("workflow").findings


def test_a_file_that_zizmor_skips_is_told(bin: Path, ask: Ask) -> None:
    program(bin, "zizmor", "print('[]')")
    [one] = ask("workflow").findings
    assert (one.rule, one.severity) == ("zizmor/unread", "warning")


def test_findings_of_actionlint_in_our_shape(
    bin: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = [
        {"message": "m", "filepath": "workflow.yml", "line": 1, "column": 7, "kind": "syntax-check", "end_column": 7},
        {"message": "m", "filepath": "workflow.yml", "line": 6, "column": 41, "kind": "expression", "end_column": 41},
        {"message": "m", "filepath": "workflow.yml", "line": 99, "column": 1, "kind": "shellcheck"},
    ]
    monkeypatch.chdir(tmp_path)
    program(bin, "actionlint", f"print({json.dumps(found)!r}); sys.exit(1)")
    told = ask("workflow", "action")
    assert [(one.rule, one.severity) for one in told.findings] == [
        ("actionlint/syntax-check", "error"),
        ("actionlint/expression", "error"),
        ("actionlint/shellcheck", "warning"),
    ]
    places = [(one.line, one.column, one.end_column) for one in told.findings]
    assert places == [(1, 7, 8), (6, 7, 15), (99, 1, 2)]


def said(rule: str, line: int, severity: Severity = "warning", message: str = "m") -> Finding:
    return Finding(rule=rule, severity=severity, path="a", line=line, column=1, end_column=2, message=message)


def test_the_same_said_twice_is_said_once() -> None:
    ours = [said("M16", 3), said("M16", 4), said("M5", 3, "error")]
    theirs = [said("zizmor/unpinned-uses", 3, "error"), said("zizmor/unpinned-uses", 9), said("zizmor/x", 3)]
    merged = merge(ours, theirs)
    assert [(one.rule, one.line, one.severity, one.also) for one in merged] == [
        ("M16", 3, "error", ("zizmor/unpinned-uses",)),
        ("M16", 4, "warning", ()),
        ("M5", 3, "error", ()),
        ("zizmor/unpinned-uses", 9, "warning", ()),
        ("zizmor/x", 3, "warning", ()),
    ]


def test_of_a_broad_rule_its_words_decide() -> None:
    untrusted = said("actionlint/expression", 1, message="x is potentially untrusted")
    wrong = said("actionlint/expression", 1, message="undefined variable")
    merged = merge([said("M5", 1)], [untrusted, wrong])
    assert [(one.rule, one.also) for one in merged] == [
        ("M5", ("actionlint/expression",)),
        ("actionlint/expression", ()),
    ]


def test_what_is_joined_exists() -> None:
    assert {ours for _, _, ours in SAME} <= {rule.id for rule in RULES}


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            "print('INFO\\nfatal: no\\nit broke\\nstack', file=sys.stderr); sys.exit(3)",
            "ended with 3: fatal: no it broke",
        ),
        ("print('it broke', file=sys.stderr); sys.exit(3)", "ended with 3: it broke"),
        ("print('no json')", "not understood"),
        ("print('[{}]')", "not understood"),
        ("print('[3]')", "not understood"),
        ("print('')", "not understood"),
        ("os.kill(os.getpid(), 9)", "ended with -9: it printed nothing"),
    ],
)
def test_a_linter_that_breaks_is_named(bin: Path, ask: Ask, script: str, why: str) -> None:
    zizmor(bin, audit(place(0, 0, 1)))
    program(
        bin, "actionlint", script.replace("sys.exit('it broke')", "print('it broke', file=sys.stderr); sys.exit(3)")
    )
    told = ask("workflow")
    [broken] = told.broken
    assert broken.startswith("actionlint: ")
    assert why in broken
    assert told.ran == ("zizmor",)


def test_one_that_hangs_is_ended_with_its_children(
    bin: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(others, "TIMEOUT", 1.0)
    mark = tmp_path / "alive"
    program(
        bin,
        "zizmor",
        f"if os.fork() == 0:\n    time.sleep(2); open({str(mark)!r}, 'w'); sys.exit()\n"
        "print('x' * 1_000_000); time.sleep(60)",
    )
    begin = time.monotonic()
    told = ask("workflow")
    assert time.monotonic() - begin < 10
    assert told.broken == ("zizmor: gave no answer in 1 s and was ended",)
    time.sleep(1.5)
    assert not mark.exists()


def test_one_that_cannot_be_started(bin: Path, ask: Ask) -> None:
    (bin / "zizmor").write_bytes(b"\x7fELF nothing")
    (bin / "zizmor").chmod(0o755)
    assert ask("workflow").broken == ("zizmor: cannot be started: Exec format error",)


def test_the_real_ones(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # they are found beside the interpreter
    text = TEXT.replace("    steps:", "    runs-on: ubuntu-latest\n    steps:")
    monkeypatch.setattr(sys.modules[__name__], "TEXT", text)
    told = ask("workflow")
    assert told.ran == ("zizmor", "actionlint")
    assert not told.broken
    found = {one.rule: one for one in told.findings}
    one = found["zizmor/template-injection"]
    assert one.source_line[one.column - 1 : one.end_column - 1] == "github.head_ref"
    assert found["actionlint/expression"].source_line.strip() == "- run: |"


def test_the_real_ones_on_what_fits_no_schema(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    told = ask("workflow")  # its job has no `runs-on`
    assert told.ran == ("zizmor", "actionlint")
    assert [one.rule for one in told.findings][:1] == ["zizmor/unread"]
    assert any("runs-on" in one.message for one in told.findings)


def test_a_name_that_is_no_text_is_not_handed_over(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"a\xff.yml")
    path.write_text(TEXT, "utf-8")
    told = others.ask({"a": read("a", TEXT, "workflow")}, {"a": path})
    assert not told.broken
    assert not told.findings
    assert told.lines[-1].endswith("its name is not UTF-8")
