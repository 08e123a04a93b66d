"""The gates: which apply, and whether the change meets them. Pure: numbers in, verdicts out.

Where an interval of the difference is known, `max-drop` and `max-rise` ask for more than the two numbers: a gate passes
when the whole interval is on the good side of the bound, fails when all of it is beyond, and is inconclusive between.
All gates have to pass, so passing needs no correction for how many they are; failing does (Holm), or many gates would
raise many false alarms.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

from mlcicd.config.model import Gate
from mlcicd.runtime import metrics
from mlcicd.runtime.evidence import At, Interval, Method
from mlcicd.runtime.metrics import Key, Values

Rule = Literal["min", "max", "max-drop", "max-rise"]
Source = Literal["base", "change"]
Status = Literal["pass", "fail", "error", "no-base", "waiting", "inconclusive", "overridden"]
Cause = Literal[
    "",
    "missing",
    "ambiguous",
    "not-finite",
    "no-base",
    "new",
    "base-ambiguous",
    "base-unreadable",
    "base-not-finite",
    "not-measured",
    "smoke",
    "inconclusive",
    "no-reference",
    "no-slices",
    "few-rows",
]

BASE = "base"
CONFIDENCE = 0.95
NOISE = 1e-9  # what adding and subtracting decimal fractions leaves behind
ROUNDING = 1e-15  # how exactly a float holds a large number, relative to it
MAX_NAMES = 8
MOST_NEEDED = 10_000  # beyond, nobody repeats it so often


class Verdict(BaseModel):
    """What one rule says about one metric.

    Attributes:
        status: `no-base` does not fail: there is nothing to compare with, as on a first run. Nor does `waiting`: what
            a smoke training measured says nothing about the gate, which the full training meets. `inconclusive`: the
            interval reaches over the bound. `overridden`: somebody answers for it, and it would be `was`.
        source: whose configuration the rule stands in.
        value, base: the metric here and there, where they are known.
        against: what it is compared with: `base`, or a branch or tag.
        low, high: interval of the difference, where it is known; `method` is how, of `n` runs, examples or groups.
        needed: how many of those would decide an inconclusive one, if all else stays; 0 when that is not to be had.
        slice: `column=value` whose rows this is about; `count` is how many.
        by, why: who overrides it, and the reason that they recorded.
        cause: why `status` is what it is, when it is not the numbers.
        names: metrics that exist or that could be meant, when `cause` is about names.
        likely: the one of `names` that was probably meant.
        reason: what the reader of a file said, when `cause` is about a file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=500, ser_json_inf_nan="strings")

    metric: str
    rule: Rule
    bound: float
    status: Status
    source: Source = "base"
    value: float | None = None
    base: float | None = None
    against: str = BASE
    low: float | None = None
    high: float | None = None
    method: Method | None = None
    n: int = 0
    needed: int = 0
    slice: str = ""
    count: int = 0
    was: Literal["", "fail", "inconclusive"] = ""
    by: str = ""
    why: str = ""
    cause: Cause = ""
    names: tuple[str, ...] = ()
    likely: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A gate and whose configuration it stands in."""

    gate: Gate
    source: Source


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


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a change is compared with.

    Attributes:
        values: its metrics; None when there is nothing, for the `reason`.
        intervals: of the differences from it.
        slices: by column; none where the predictions do not say.
        sliced: the metric that the predictions make up.
        unsliced: why there are no slices.
    """

    values: Values | None = None
    reason: str = ""
    intervals: Mapping[Key, At] = field(default_factory=dict)
    slices: Mapping[str, Sequence[Slice]] = field(default_factory=dict)
    sliced: Key | None = None
    unsliced: str = ""


@dataclass(frozen=True, kw_only=True)
class Override:
    """Somebody's word that a gate may stay red: `metric` names the gate."""

    metric: str
    person: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A verdict by the numbers alone, and the intervals that may say otherwise."""

    verdict: Verdict
    intervals: tuple[At, ...] = ()
    strict: bool = False


def apply(change: Sequence[Gate], base: Sequence[Gate] | None) -> list[Applied]:
    """Choose the gates to judge: the base's, so that a change cannot lower its own bar, and then the change's new ones.

    `base` is None when the base has no configuration that can be read; then the change's own gates are all there is.
    """
    if base is None:
        return [Applied(gate=gate, source="change") for gate in change]
    kept = [Applied(gate=gate, source="base") for gate in base]
    return kept + [Applied(gate=gate, source="change") for gate in change if gate not in base]


def judge(
    gates: Sequence[Applied],
    change: Values | None,
    references: Mapping[str, Reference],
    *,
    smoke: bool = False,
    overrides: Sequence[Override] = (),
) -> list[Verdict]:
    """Judge every rule of every gate.

    Args:
        gates: what to judge.
        change: the metrics of this change; None when nothing was measured, which fails every gate.
        references: what to compare with, `BASE` and whatever else a gate names; without its values comparisons with
            the base stay open.
        smoke: what was measured is of a smoke training, so every gate waits.
        overrides: who answers for what.
    """
    asked = [(applied, rule, bound) for applied in gates for rule, bound in rules(applied.gate)]
    if smoke and change is not None:
        return [_asked(*one).model_copy(update={"status": "waiting", "cause": "smoke"}) for one in asked]
    by_numbers = [_by_numbers(*one, change, references) for one in asked]
    return [_overridden(verdict, overrides) for verdict in _by_intervals(by_numbers)]


def rules(gate: Gate) -> Iterator[tuple[Rule, float]]:
    """Yield each rule of a gate with its bound."""
    every: tuple[tuple[Rule, float | None], ...] = (
        ("min", gate.min),
        ("max", gate.max),
        ("max-drop", gate.max_drop),
        ("max-rise", gate.max_rise),
    )
    return ((rule, bound) for rule, bound in every if bound is not None)


def _asked(applied: Applied, rule: Rule, bound: float) -> Verdict:
    gate = applied.gate
    against = gate.against if rule in ("max-drop", "max-rise") else BASE
    return Verdict(metric=gate.metric, rule=rule, bound=bound, status="error", source=applied.source, against=against)


def _by_numbers(
    applied: Applied, rule: Rule, bound: float, change: Values | None, references: Mapping[str, Reference]
) -> Judged:
    asked, gate = _asked(applied, rule, bound), applied.gate
    if change is None:
        return Judged(verdict=_with(asked, cause="not-measured"))
    found = metrics.find(asked.metric, change.numbers)
    if len(found) != 1:
        return Judged(verdict=_unknown(asked, change, [":".join(key) for key in found]))
    reference = references.get(asked.against, Reference())
    strict = gate.inconclusive == "fail"
    if gate.slice is not None:
        return _sliced(asked, found[0], gate.slice, gate.min_count, reference, strict)
    value = change.numbers[found[0]]
    known = _with(asked, value=value)
    if not math.isfinite(value):
        return Judged(verdict=_with(known, cause="not-finite"))
    if rule in _ABSOLUTE:
        return Judged(verdict=_with(known, status="pass" if _ABSOLUTE[rule](value, bound) else "fail"))
    at = reference.intervals.get(found[0])
    return Judged(verdict=_compared(known, value, reference), intervals=(at,) if at else (), strict=strict)


def _compared(known: Verdict, value: float, reference: Reference) -> Verdict:
    base = reference.values
    if base is None:
        return _without(known, reference)
    found = metrics.find(known.metric, base.numbers)
    if len(found) > 1:
        return _with(known, cause="base-ambiguous", names=_few(":".join(key) for key in found))
    if not found:
        if reason := _reason(known.metric, base):
            return _with(known, cause="base-unreadable", reason=reason)
        return _with(known, status="no-base", cause="new")
    before = base.numbers[found[0]]
    known = _with(known, base=before)
    if not math.isfinite(before):
        return _with(known, cause="base-not-finite")
    return _with(known, status="pass" if _is_allowed(known, value - before, max(abs(before), abs(value))) else "fail")


def _without(known: Verdict, reference: Reference) -> Verdict:
    """A first run has no base; a branch or tag that the configuration names has to be there."""
    if known.against == BASE:
        return _with(known, status="no-base", cause="no-base")
    return _with(known, cause="no-reference", reason=reference.reason[:500])


def _is_allowed(asked: Verdict, difference: float, scale: float) -> bool:
    worse = -difference if asked.rule == "max-drop" else difference
    return worse <= asked.bound + NOISE * min(1.0, scale) + ROUNDING * scale


def _sliced(asked: Verdict, key: Key, column: str, least: int, reference: Reference, strict: bool) -> Judged:
    """Judge the worst value of a column; each value is a comparison of its own."""
    if key != reference.sliced or column not in reference.slices:
        if asked.against != BASE and reference.values is None:
            return Judged(verdict=_without(asked, reference))
        of_another = "report.predictions make up another metric" if reference.sliced else ""
        reason = of_another if key != reference.sliced else f"they have no column {column}"
        return Judged(verdict=_with(asked, cause="no-slices", reason=reference.unsliced or reason, slice=column))
    enough = [one for one in reference.slices[column] if one.count >= least]
    if not enough:
        return Judged(verdict=_with(asked, cause="few-rows", slice=column, count=least))
    if asked.rule in _ABSOLUTE:
        worst = (min if asked.rule == "min" else max)(enough, key=lambda one: one.value)
        met = _ABSOLUTE[asked.rule](worst.value, asked.bound)
        return Judged(verdict=_of_slice(asked, worst, "pass" if met else "fail"))
    both = [(one, one.value - one.base) for one in enough if one.base is not None]
    if not both:
        return Judged(verdict=_with(asked, status="no-base", cause="no-base", slice=column))
    worst, difference = (min if asked.rule == "max-drop" else max)(both, key=lambda pair: pair[1])
    met = _is_allowed(asked, difference, max(abs(worst.value), abs(worst.value - difference)))
    intervals = tuple(one.at for one, _ in both if one.at)
    # The worst one's comes first: it is the one shown.
    intervals = tuple(sorted(intervals, key=lambda at: at is not worst.at))
    return Judged(verdict=_of_slice(asked, worst, "pass" if met else "fail"), intervals=intervals, strict=strict)


def _of_slice(asked: Verdict, worst: Slice, status: Status) -> Verdict:
    found: dict[str, object] = {"value": worst.value, "base": worst.base, "slice": worst.name[:200]}
    return _with(asked, status=status, count=worst.count, **found)


def _by_intervals(found: Sequence[Judged]) -> Iterator[Verdict]:
    """Let the intervals decide, where there are some.

    Yields:
        The verdicts, in their order.
    """
    open_ = [
        (index, at)
        for index, one in enumerate(found)
        if one.verdict.status in ("pass", "fail")
        for at in one.intervals
        if at(CONFIDENCE)
    ]
    beyond = _surely_beyond(open_, found)
    for index, one in enumerate(found):
        known = [at for place, at in open_ if place == index]
        yield _decided(one, known, index in beyond) if known else one.verdict


def _surely_beyond(tests: Sequence[tuple[int, At]], found: Sequence[Judged]) -> set[int]:
    """Return which verdicts have an interval wholly beyond the bound, by Holm's procedure over all of them."""
    left, beyond = list(tests), set()
    while left:
        confidence = 1 - (1 - CONFIDENCE) / len(left)
        sure = [(index, at) for index, at in left if _place(found[index].verdict, at(confidence)) == "beyond"]
        if not sure:
            break
        beyond |= {index for index, _ in sure}
        left = [one for one in left if one not in sure]
    return beyond


def _place(asked: Verdict, interval: Interval | None) -> Literal["inside", "beyond", "across"]:
    if interval is None:
        return "across"
    best, worst = interval.high, interval.low
    if asked.rule == "max-rise":
        best, worst = worst, best
    scale = max(abs(asked.base or 0), abs(asked.value or 0))
    if _is_allowed(asked, worst, scale):
        return "inside"
    return "across" if _is_allowed(asked, best, scale) else "beyond"


def _decided(one: Judged, intervals: Sequence[At], beyond: bool) -> Verdict:
    shown = intervals[0](CONFIDENCE)
    if shown is None:
        return one.verdict
    known = _with(one.verdict, low=shown.low, high=shown.high, method=shown.method, n=shown.n)
    if beyond:
        return _with(known, status="fail")
    if all(_place(known, at(CONFIDENCE)) == "inside" for at in intervals):
        return _with(known, status="pass")
    needed = _needed(known, shown)
    if one.strict:
        return _with(known, status="fail", cause="inconclusive", needed=needed)
    return _with(known, status="inconclusive", needed=needed)


def _needed(asked: Verdict, shown: Interval) -> int:
    """Return of how many runs or examples an interval would not reach over the bound: its width shrinks as √n."""
    half, middle = (shown.high - shown.low) / 2, (shown.high + shown.low) / 2
    bound = -asked.bound if asked.rule == "max-drop" else asked.bound
    distance = abs(middle - bound)
    if distance * math.sqrt(MOST_NEEDED) <= half * math.sqrt(shown.n):
        return 0
    return max(shown.n + 1, math.ceil(round(shown.n * (half / distance) ** 2, 6)))


def _overridden(verdict: Verdict, overrides: Iterable[Override]) -> Verdict:
    for one in overrides:
        if one.metric == verdict.metric and verdict.status in ("fail", "inconclusive"):
            return _with(verdict, status="overridden", was=verdict.status, by=one.person[:200], why=one.reason[:500])
    return verdict


def _with(verdict: Verdict, **changes: object) -> Verdict:
    return verdict.model_copy(update=changes)


def _unknown(asked: Verdict, change: Values, candidates: list[str]) -> Verdict:
    if candidates:
        return asked.model_copy(update={"cause": "ambiguous", "names": _few(candidates)})
    known = list(metrics.names(change.numbers).values())
    close = difflib.get_close_matches(asked.metric, known, n=1)
    return asked.model_copy(
        update={
            "cause": "missing",
            "names": _few(known),
            "likely": close[0][:200] if close else "",
            "reason": _reason(asked.metric, change),
        }
    )


def _reason(metric: str, values: Values) -> str:
    """Return what the reader said about the metric itself, else about the first file that it could not read."""
    about = [p for p in values.problems if p.key and metric in (p.key, f"{p.file}:{p.key}")]
    about += [p for p in values.problems if not p.key]
    return f"{about[0].file}: {about[0].reason}"[:500] if about else ""


def _few(names: Sequence[str] | Iterator[str]) -> tuple[str, ...]:
    return tuple(name[:200] for name in list(names)[:MAX_NAMES])


_ABSOLUTE: Mapping[str, Callable[[float, float], bool]] = {
    "min": lambda value, bound: value >= bound,
    "max": lambda value, bound: value <= bound,
}
