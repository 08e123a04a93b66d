from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from mlcicd.lint import merge, others, run
from mlcicd.lint.document import read
from mlcicd.lint.explain import known, section, table
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Text, first_sentence
from mlcicd.lint.rules import RULES
from tests.unit.lint.rules import Named, NoBad, Wrong

OURS = (NoBad, Named, Wrong)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/b.yml").write_text("jobs: &x {a: bad}\nc: *x # mlcicd: ignore[T1] x\n")
    (tmp_path / ".github/workflows/a.yml").write_text("name: x\njobs:\n  a: bad  # mlcicd: ignore[T1] a test\n")
    (tmp_path / ".gitlab-ci.yml").write_text("a: [\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rules(result: run.Result) -> list[tuple[str, int, str]]:
    return [(Path(one.path).name, one.line, one.rule) for one in result.findings]


def test_findings_are_sorted_and_what_is_ignored_is_apart(folder: Path) -> None:
    result = run.lint([Path()], rules=OURS, with_others=False)
    assert rules(result) == [
        ("a.yml", 1, "T3"),
        ("b.yml", 1, "T2"),
        ("b.yml", 1, "T3"),
        ("b.yml", 1, "T1"),
        ("b.yml", 2, "M0"),  # what an alias repeats has its place at the anchor
        (".gitlab-ci.yml", 2, "M0"),
    ]
    assert [(one.finding.rule, one.reason) for one in result.ignored] == [("T1", "a test")]
    assert not result.is_clean
    assert (result.count("error"), result.count("warning"), result.count("note")) == (2, 1, 3)


def test_only_some_rules(folder: Path) -> None:
    result = run.lint([Path()], rules=OURS, only=["T2"], with_others=False)
    assert rules(result) == [("b.yml", 1, "T2"), (".gitlab-ci.yml", 2, "M0")]


def test_only_what_is_bad_enough(folder: Path) -> None:
    result = run.lint([Path(".github")], rules=OURS, with_others=False, min_severity="warning")
    assert rules(result) == [("b.yml", 1, "T2"), ("b.yml", 1, "T1")]


def test_notes_do_not_fail(folder: Path) -> None:
    assert run.lint([Path(".github/workflows/a.yml")], rules=OURS, with_others=False).is_clean


def test_what_others_say_is_sorted_in_and_can_be_ignored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(line: int) -> Finding:
        return Finding(
            rule="zizmor/x", severity="error", path="w.yml", line=line, column=1, end_column=2, message="m"
        )  # fmt: skip

    Path("w.yml").write_text("name: w # mlcicd: ignore[zizmor/x] it is ours\njobs: bad\n")
    told = others.Told(findings=(tell(1), tell(2)), ran=("zizmor",), lines=("zizmor ran too",), broken=("b: broke",))
    monkeypatch.setattr(others, "asking", lambda *_: nullcontext(lambda: told))
    result = run.lint([Path("w.yml")], rules=(NoBad,))
    assert rules(result) == [("w.yml", 2, "zizmor/x"), ("w.yml", 2, "T1")]
    assert [one.finding.rule for one in result.ignored] == ["zizmor/x"]
    assert (result.linters, result.broken) == (("zizmor ran too",), ("b: broke",))


@pytest.mark.parametrize("named", ["T1", "zizmor/x", "T1, zizmor/x"])
def test_what_is_joined_is_ignored_by_either_name(folder: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    theirs = Finding(rule="zizmor/x", severity="error", path="w.yml", line=1, column=1, end_column=2, message="m")
    Path("w.yml").write_text(f"jobs: bad # mlcicd: ignore[{named}] it is ours\n")
    monkeypatch.setattr(merge, "SAME", (("zizmor/x", "", "T1"),))
    told = others.Told(findings=(theirs,), ran=("zizmor",))
    monkeypatch.setattr(others, "asking", lambda *_: nullcontext(lambda: told))
    result = run.lint([Path("w.yml")], rules=(NoBad,))
    assert not result.findings
    assert [one.finding.also for one in result.ignored] == [("zizmor/x",)]


def test_ids_are_counted_as_people_do() -> None:
    assert sorted(["M10", "zizmor/a", "M2", "M0"], key=run.natural) == ["M0", "M2", "M10", "zizmor/a"]


def test_places_of_findings() -> None:
    doc = read("a.yml", "jobs:\n  a: |\n    x bad y\n\nbad:\n  ? {a: b}\n  : 'bad'\n", "workflow")
    found = sorted(NoBad().check(doc), key=lambda one: one.line)
    assert [(one.line, one.column, one.end_column, one.source_line) for one in found] == [
        (3, 7, 10, "    x bad y"),
        (7, 6, 9, "  : 'bad'"),
    ]
    whole = NoBad().at(doc.root.at("jobs", "a"), "m")
    assert (whole.line, whole.column, whole.end_column, whole.remedy) == (2, 6, 7, "write good")
    inside = NoBad().at(doc.root.at("jobs", "a"), "m", part="bad", severity="note", remedy="r")
    assert (inside.line, inside.column, inside.severity, inside.remedy) == (3, 7, "note", "r")
    missing = NoBad().at(doc.root.at("jobs", "none", "steps"), "m")
    assert (missing.line, missing.column, missing.end_column) == (2, 3, 4)


def test_a_docstring_taken_apart() -> None:
    said = Text(
        """The title,
        on two lines.

        More.

        Why: a reason.

        Another one.

        Instead: do so. Then that.
        """
    )
    assert said.title == "The title, on two lines"
    assert (said.what, said.why, said.instead) == ("More.", "a reason.\n\nAnother one.", "do so. Then that.")
    assert first_sentence("Use `a.b`, and\nnot c. Never.") == "Use `a.b`, and not c"


def test_every_rule_explains_itself() -> None:
    assert [rule.id for rule in RULES] == sorted({rule.id for rule in RULES}, key=run.natural)
    for rule in RULES:
        said = Text(rule.__doc__ or "")
        assert said.title and said.why and said.instead, rule.id  # noqa: PT018
        assert not said.title.endswith("."), rule.id
        assert rule.platforms and rule.kinds, rule.id  # noqa: PT018
        assert f"## {rule.id}: {said.title}" in section(known(rule.id.lower()))
        assert f"| [{rule.id}](#" in table()
