"""A rule's bound against two numbers, and against the interval of their difference. Pure.

A rule passes when the whole interval is on the good side of its bound, fails when all of it is beyond, and is
inconclusive between. All rules have to pass, so passing needs no correction for how many they are; failing does (Holm),
or many gates would raise many false alarms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mlcicd.runtime.evidence import At, Interval
from mlcicd.runtime.verdict import Verdict, altered

CONFIDENCE = 0.95
NOISE = 1e-9  # what adding and subtracting decimal fractions leaves behind
ROUNDING = 1e-15  # how exactly a float holds a large number, relative to it
MOST_NEEDED = 10_000  # beyond, nobody repeats it so often

# The rules about the number itself, which need no base.
ABSOLUTE: Mapping[str, Callable[[float, float], bool]] = {
    "min": lambda value, bound: value >= bound,
    "max": lambda value, bound: value <= bound,
}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A verdict by the numbers alone, and the interval that may say otherwise.

    Attributes:
        at: interval of the difference; None when nothing tells of noise.
        strict: a verdict that stays open is a failure.
    """

    verdict: Verdict
    at: At | None = None
    strict: bool = False


def is_allowed(asked: Verdict, difference: float, scale: float) -> bool:
    """Tell whether a difference, change minus base, of numbers of such a size keeps the bound."""
    worse = -difference if asked.rule == "max-drop" else difference
    return worse <= asked.bound + NOISE * min(1.0, scale) + ROUNDING * scale


def decide(found: Sequence[Judged]) -> list[Verdict]:
    """Let the intervals decide, where there are some; the verdicts keep their order."""
    open_ = {
        index: one.at
        for index, one in enumerate(found)
        if one.verdict.status in ("pass", "fail") and one.at and one.at(CONFIDENCE)
    }
    beyond = _surely_beyond(open_, found)
    return [
        _decided(one, open_[index], index in beyond) if index in open_ else one.verdict
        for index, one in enumerate(found)
    ]


def _surely_beyond(tests: Mapping[int, At], found: Sequence[Judged]) -> set[int]:
    """Return which verdicts have an interval wholly beyond the bound, by Holm's procedure over all of them."""
    left, beyond = dict(tests), set[int]()
    while left:
        confidence = 1 - (1 - CONFIDENCE) / len(left)
        sure = {index for index, at in left.items() if _place(found[index].verdict, at(confidence)) == "beyond"}
        if not sure:
            break
        beyond |= sure
        left = {index: at for index, at in left.items() if index not in sure}
    return beyond


def _place(asked: Verdict, interval: Interval | None) -> Literal["inside", "beyond", "across"]:
    if interval is None:
        return "across"
    best, worst = interval.high, interval.low
    if asked.rule == "max-rise":
        best, worst = worst, best
    scale = max(abs(asked.base or 0), abs(asked.value or 0))
    if is_allowed(asked, worst, scale):
        return "inside"
    return "across" if is_allowed(asked, best, scale) else "beyond"


def _decided(one: Judged, at: At, beyond: bool) -> Verdict:
    shown = at(CONFIDENCE)
    if shown is None:
        return one.verdict
    known = altered(one.verdict, low=shown.low, high=shown.high, method=shown.method, n=shown.n)
    if beyond:
        return altered(known, status="fail")
    if _place(known, shown) == "inside":
        return altered(known, status="pass")
    needed = _needed(known, shown)
    if one.strict:
        return altered(known, status="fail", cause="inconclusive", needed=needed)
    return altered(known, status="inconclusive", needed=needed)


def _needed(asked: Verdict, shown: Interval) -> int:
    """Return of how many runs or examples an interval would not reach over the bound: its width shrinks as √n."""
    half, middle = (shown.high - shown.low) / 2, (shown.high + shown.low) / 2
    bound = -asked.bound if asked.rule == "max-drop" else asked.bound
    distance = abs(middle - bound)
    if distance * math.sqrt(MOST_NEEDED) <= half * math.sqrt(shown.n):
        return 0
    return max(shown.n + 1, math.ceil(round(shown.n * (half / distance) ** 2, 6)))
