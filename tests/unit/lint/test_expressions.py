"""One form for what the platform takes for the same, and what a condition proves."""

from __future__ import annotations

import re

import pytest

from mlcicd.lint import conditions
from mlcicd.lint.document import Node, read
from mlcicd.lint.expressions import condition, expressions, inside, normal, plain


def scalar(text: str) -> Node:
    return read("w.yml", f"a: {text}\n", "workflow").root.get("a")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("GITHUB.HEAD_REF", "github.head_ref"),
        ("github['head_ref']", "github.head_ref"),
        ("github[ 'event' ]['pull_request'].Title", "github.event.pull_request.title"),
        ("github\n . event .\n title", "github.event.title"),
        ("github.event.commits[0].message", "github.event.commits.*.message"),
        ("toJSON( secrets )", "tojson( secrets )"),
        ("secrets[matrix.n]", "secrets[matrix.n]"),
        ("format('a  . [''b'']', A)", "format('a  . [''b'']', a)"),
        ("'no end", "'no end"),
        ("", ""),
    ],
)
def test_one_form(written: str, text: str) -> None:
    assert normal(written) == text
    assert normal(text) == text


@pytest.mark.parametrize(
    ("yaml", "shown", "stands"),
    [
        ("echo ${{ a }}", ["${{ a }}"], True),
        ("echo ${{a}} ${{ b }} ${{a}}", ["${{a}}", "${{ b }}"], True),
        ("|\n  ${{ a\n   + b }}", ["${{ a + b }}"], True),
        ("'${{ a[''b''] }}'", ["${{ a['b'] }}"], True),
        ('"\\x24{{ a }}"', ["${{ a }}"], False),
        ("${{ format('}}', a) }}", ["${{ format('}}', a) }}"], True),
        ("${{ format('${{', a) }}", ["${{ format('${{', a) }}"], True),
        ("${{ a", [], True),
        ("${{ ' }} ${{ b }}", [], True),
    ],
)
def test_expressions_of_a_scalar(yaml: str, shown: list[str], stands: bool) -> None:
    found = list(expressions(scalar(yaml)))
    assert [one.shown for one in found] == shown
    assert all((one.part is not None) is stands for one in found)


def test_text_around_expressions_stays() -> None:
    assert plain("Refs/${{ GITHUB.Ref }}/It's") == "Refs/${{ github.ref }}/It's"
    assert inside("A ${{ B }} C") == ["b"]
    assert condition(scalar("${{ A }}")) == condition(scalar("A")) == "a"


@pytest.mark.parametrize(
    ("text", "proved"),
    [
        ("own", True),
        ("!foreign", True),
        ("foreign == false", True),
        ("foreign != true", True),
        ("!!own", True),
        ("always() && own", True),
        ("(a || b) && (c && own)", True),
        ("event && own || other && !foreign", True),
        ("own || false", True),
        ("!(foreign || a)", True),
        ("contains(f('(', own), x) && a", True),
        ("'a && b' == own", True),
        ("", False),
        ("a", False),
        ("!own", False),
        ("foreign", False),
        ("own || true", False),
        ("own || a", False),
        ("!(own)", False),
        ("!(foreign && a)", False),
        ("(own) == false", False),
        ("false == (own)", False),
        ("own == x == false", False),
        ("!a == own", False),
        ("own == false", False),
        ("'own", True),
        ("((((", False),
        ("own )))", True),
        ("own && && ||", False),
        ("|| own", False),
        ("own (a)", True),
    ],
)
def test_what_a_condition_proves(text: str, proved: bool) -> None:
    assert conditions.proves(text, re.compile("own"), re.compile("foreign")) is proved


def test_no_nesting_is_too_deep() -> None:
    assert not conditions.proves("(!" * 50_000 + "a", re.compile("a"), re.compile("b"))
