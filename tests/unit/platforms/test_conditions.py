"""When a job runs, by the conditions that generated files have."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcicd.platforms.conditions import UnclearError, holds

KNOWN: dict[str, str | bool] = {"a": "1", "b.c": "2", "$D": "", "yes()": True, "no()": False}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("yes()", True),
        ("!yes()", False),
        ("a == '1'", True),
        ('a == "2"', False),
        ("a != b.c", True),
        ("$D", False),
        ("$D == ''", True),
        ("no() && no() || yes()", True),
        ("no() && (no() || yes())", False),
        ("!(a == '1' && b.c == '1')", True),
        ("yes()||no()&&no()", True),
    ],
)
def test_a_condition_holds_or_not(condition: str, expected: bool) -> None:
    assert holds(condition, KNOWN) is expected


@pytest.mark.parametrize(
    "condition", ["", "a ==", "(a", "a)", "e", "a == 'x", "contains(a, 'x')", "a =~ /x/", "${{ a }}", "a b", "a < b.c"]
)
def test_anything_else_is_unclear(condition: str) -> None:
    with pytest.raises(UnclearError):
        holds(condition, KNOWN)


@given(st.text(alphabet="ab.c$D'\"=!&|()yesno ", max_size=30))
def test_any_text_is_true_false_or_unclear(condition: str) -> None:
    with contextlib.suppress(UnclearError):
        assert holds(condition, KNOWN) in (True, False)
