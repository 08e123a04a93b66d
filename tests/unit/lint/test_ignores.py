from __future__ import annotations

import pytest

from mlcicd.lint import ignores
from mlcicd.lint.document import read
from mlcicd.lint.model import Finding
from mlcicd.lint.run import judge
from tests.unit.lint.rules import Named, NoBad

RULES = (NoBad, Named)


def findings(text: str) -> list[Finding]:
    return judge(read("a.yml", text, "gitlab"), RULES)


@pytest.mark.parametrize(
    "text",
    [
        "a: bad # mlcicd: ignore[T1] it is not\n",
        "# mlcicd: ignore[T1] it is not\na: bad\n",
        "  # mlcicd:ignore[ T1 , zizmor/artipacked ] - it is not\n\n# another comment\na: bad\n",
        "a: |\n  # mlcicd: ignore[T1] it is not\n  bad\n",
        "a: bad # mlcicd: ignore[T1] see #12 # zizmor: ignore[x]\n",
        "a: bad # mlcicd: ignore[T1] one\r\n",
    ],
)
def test_an_ignore_with_a_reason(text: str) -> None:
    doc = read("a.yml", text, "gitlab")
    valid, wrong = ignores.parse(doc.path, doc.lines, {"T1"})
    found = list(NoBad().check(doc))
    assert not wrong
    left, ignored = ignores.apply(found, valid)
    assert not left
    assert ignored[0].reason in ("it is not", "see #12", "one")


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# mlcicd: ignore[T1]", "an ignore without a reason has no effect"),
        ("# mlcicd: ignore[T1] : -", "an ignore without a reason has no effect"),
        ("# mlcicd: ignore", "an ignore that names no rule has no effect"),
        ("# mlcicd: ignore because", "an ignore that names no rule has no effect"),
        ("# mlcicd: ignore[] because", "an ignore that names no rule has no effect"),
        ("# mlcicd: ignore[T9, T1] because", "an ignore of T9, which is no rule of ours, has no effect"),
    ],
)
def test_a_wrong_ignore_is_a_finding_and_has_no_effect(comment: str, message: str) -> None:
    ours, wrong = findings(f"a: bad {comment}\n")
    assert ours.rule == "T1"
    assert (wrong.rule, wrong.severity, wrong.message) == ("M0", "error", message)
    assert (wrong.column, wrong.end_column) == (8, 8 + len(comment))


def test_only_the_line_that_is_meant() -> None:
    assert [one.line for one in findings("a: bad # mlcicd: ignore[T1] x\nb: bad\n")] == [2]
    assert [one.line for one in findings("# mlcicd: ignore[T1] x\na: bad\nb: bad\n")] == [3]


def test_one_that_ignores_nothing_is_a_note() -> None:
    doc = read("a.yml", "a: good # mlcicd: ignore[T1, zizmor/x, T2] was bad\n", "gitlab")
    valid, _ = ignores.parse(doc.path, doc.lines, {"T1", "T2"})
    [note] = ignores.unused(doc.path, doc.lines, valid, [], {"T1"})
    assert (note.severity, note.message) == ("note", "this ignores nothing: T1 has no finding in line 1")
    assert len(ignores.unused(doc.path, doc.lines, valid, [], {"T1", "zizmor/"})) == 2
    assert ignores.unused(doc.path, doc.lines, valid, [], ()) == []


def test_m0_is_never_ignored() -> None:
    found = findings("a: good # mlcicd: ignore[M0] why not # mlcicd: ignore[T1]\n")
    assert [one.rule for one in found] == ["M0", "M0"]
