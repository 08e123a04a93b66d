"""A gate on slices: each value of a column is judged on its own, and the worst of them is the gate's verdict. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlcicd.runtime import bounds
from mlcicd.runtime.bounds import Judged
from mlcicd.runtime.evidence import At
from mlcicd.runtime.verdict import MAX_SLICES, SliceVerdict, Verdict, altered

# Worst first. A slice that the base lacks says nothing about the gate while another one does.
ORDER = {"fail": 0, "inconclusive": 1, "pass": 2, "no-base": 3, "few": 4}


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The rows of predictions with one value in a column.

    Attributes:
        name: `column=value`.
        count: how many rows the comparison rests on.
        value, base: the metric of them here and there; `base` is None when there is nothing to compare with.
        at: interval of the difference.
    """

    name: str
    count: int
    value: float
    base: float | None = None
    at: At | None = None


def judged(asked: Verdict, slices: Sequence[Slice], *, strict: bool) -> list[Judged]:
    """Judge what a gate asks of each slice by its numbers, with the interval that may say otherwise."""
    return [_judged(asked, one, strict) for one in slices]


def _judged(asked: Verdict, one: Slice, strict: bool) -> Judged:
    known = altered(asked, value=one.value, base=one.base, slice=one.name[:200], count=one.count)
    if asked.rule in bounds.ABSOLUTE:
        met = bounds.ABSOLUTE[asked.rule](one.value, asked.bound)
        return Judged(verdict=altered(known, status="pass" if met else "fail"))
    if one.base is None:
        return Judged(verdict=altered(known, status="no-base", cause="no-base"))
    met = bounds.is_allowed(asked, one.value - one.base, max(abs(one.value), abs(one.base)))
    return Judged(verdict=altered(known, status="pass" if met else "fail"), at=one.at, strict=strict)


def whole(verdicts: Sequence[Verdict], few: Sequence[Slice]) -> Verdict:
    """Return the gate's verdict: that of its worst slice, with all of them as rows.

    Args:
        verdicts: of each slice, at least one.
        few: slices with too few rows to be judged.
    """
    ordered = sorted(verdicts, key=lambda one: (ORDER[one.status], _goodness(one), one.slice))
    worst = ordered[0]
    if worst.status == "no-base":  # true of all of them, so none is the worst
        worst = altered(worst, slice=worst.column, value=None, count=0)
    return with_rows(worst, [*map(_row, ordered), *map(too_few, few)])


def with_rows(verdict: Verdict, rows: Sequence[SliceVerdict]) -> Verdict:
    """Return a verdict that lists slices, and counts those that are too many."""
    return altered(verdict, slices=tuple(rows[:MAX_SLICES]), unlisted=max(0, len(rows) - MAX_SLICES))


def shortened(verdict: Verdict, most: int = 3) -> Verdict:
    """Return a verdict that lists a few of its slices, and counts the others."""
    rest = max(0, len(verdict.slices) - most)
    return altered(verdict, slices=verdict.slices[:most], unlisted=verdict.unlisted + rest)


def too_few(one: Slice) -> SliceVerdict:
    """Return the row of a slice with too few rows of data to be judged."""
    return SliceVerdict(name=one.name[:200], count=one.count, status="few", value=one.value, base=one.base)


def _row(verdict: Verdict) -> SliceVerdict:
    shared = {name: getattr(verdict, name) for name in ("count", "status", "value", "base", "low", "high")}
    return SliceVerdict(name=verdict.slice, **shared)


def _goodness(verdict: Verdict) -> float:
    """Return a number that grows the better a slice does by its gate's rule."""
    value = verdict.value or 0.0
    if verdict.rule in bounds.ABSOLUTE:
        return value if verdict.rule == "min" else -value
    difference = value - (verdict.base or 0.0)
    return difference if verdict.rule == "max-drop" else -difference
