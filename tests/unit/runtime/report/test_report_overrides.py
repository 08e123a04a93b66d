"""Overrides: every entry has a person, a reason and an end, or it is none and says why."""

from __future__ import annotations

import datetime

import pytest

from mlcicd.runtime.gate import Override
from mlcicd.runtime.report import overrides

TODAY = datetime.date(2027, 1, 15)
ADA = "metric: acc, by: Ada, reason: moved"


def read(text: str, change: int | None = 17) -> tuple[list[Override], list[str]]:
    return overrides.read(text.encode(), change, TODAY)


@pytest.mark.parametrize(
    ("ends", "change", "holds"),
    [
        ("change: 17", 17, True),
        ("change: 17", 18, False),
        ("change: 17", None, False),
        ("until: 2027-01-15", None, True),
        ("until: 2027-01-14", 17, False),
        ("change: 17, until: 2027-01-14", 17, False),
        ('until: "2027-02-01"', 17, True),
    ],
)
def test_it_holds_for_a_change_or_until_a_day(ends: str, change: int | None, holds: bool) -> None:
    found, wrong = read(f"- {{{ADA}, {ends}}}\n", change)
    assert (len(found), wrong) == (int(holds), [])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- {metric: acc, by: Ada, change: 17}", "entry 1: reason is missing"),
        ("- {metric: acc, by: '  ', reason: x, change: 17}", "entry 1: by is missing"),
        (f"- {{{ADA}}}", "entry 1: it has no end"),
        (f"- {{{ADA}, change: all}}", "entry 1: change must be the number"),
        (f"- {{{ADA}, change: true}}", "entry 1: change must be the number"),
        (f"- {{{ADA}, until: never}}", "entry 1: until must be a day"),
        (f"- {{{ADA}, until: 2027-02-01, min: 3}}", "entry 1: unknown key min"),
        ("- 3", "entry 1: expected metric, by, reason"),
        ("acc: Ada", "expected a list"),
        ("- [", ".mlcicd-overrides.yaml: "),
        ("\ufeffx: \x00", ".mlcicd-overrides.yaml: "),
    ],
)
def test_what_is_no_override_says_why(text: str, why: str) -> None:
    found, wrong = read(text)
    assert found == []
    assert why in wrong[0]


def test_text_that_is_not_utf_8_is_told() -> None:
    assert overrides.read(b"\xff", 1, TODAY)[1]


def test_a_bad_entry_does_not_take_a_good_one_along() -> None:
    found, wrong = read(f"- 3\n- {{{ADA}, change: 17}}\n")
    assert found == [Override(metric="acc", person="Ada", reason="moved")]
    assert len(wrong) == 1
