"""The gates: which apply, and whether the change meets them. Pure: numbers in, verdicts out.

Where an interval of the difference is known, `max-drop` and `max-rise` ask for more than the two numbers (`bounds`); a
gate on slices asks it of each of them (`sliced`).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mlcicd.config.judging import Gate
from mlcicd.runtime import bounds, metrics, sliced
from mlcicd.runtime.bounds import ABSOLUTE, Judged
from mlcicd.runtime.evidence import At
from mlcicd.runtime.metrics import Key, Values
from mlcicd.runtime.sliced import Slice
from mlcicd.runtime.verdict import BASE, Rule, Source, Verdict, altered

MAX_NAMES = 8


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A gate and whose configuration it stands in."""

    gate: Gate
    source: Source


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a change is compared with.

    Attributes:
        values: its metrics; None when there is nothing, for the `reason`.
        intervals: of the differences from it.
        slices: by column; none where the predictions do not say.
        sliced: the metric that the predictions make up.
        unsliced: why there are no slices.
        untrained: what has changed since its metrics were measured, by metric file, where anything has.
    """

    values: Values | None = None
    reason: str = ""
    intervals: Mapping[Key, At] = field(default_factory=dict)
    slices: Mapping[str, Sequence[Slice]] = field(default_factory=dict)
    sliced: Key | None = None
    unsliced: str = ""
    untrained: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Override:
    """Somebody's word that a gate may stay red: `metric` names the gate."""

    metric: str
    person: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What one rule is judged by: one pair of numbers, or in a gate on slices one for each slice.

    Attributes:
        few: slices with too few rows to be judged.
        sliced: the verdict is that of the worst part.
    """

    parts: Sequence[Judged]
    few: Sequence[Slice] = ()
    sliced: bool = False


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
    found = [_by_numbers(*one, change, references) for one in asked]
    decided = iter(bounds.decide([part for one in found for part in one.parts]))
    verdicts = [_whole(one, [next(decided) for _ in one.parts]) for one in found]
    return [_overridden(verdict, overrides) for verdict in verdicts]


def _whole(found: Parts, verdicts: Sequence[Verdict]) -> Verdict:
    return sliced.whole(verdicts, found.few) if found.sliced else verdicts[0]


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
    return Verdict(
        metric=gate.metric,
        rule=rule,
        bound=bound,
        status="error",
        source=applied.source,
        against=against,
        column=gate.slice or "",
    )


def _by_numbers(
    applied: Applied, rule: Rule, bound: float, change: Values | None, references: Mapping[str, Reference]
) -> Parts:
    asked, gate = _asked(applied, rule, bound), applied.gate
    if change is None:
        return _one(altered(asked, cause="not-measured"))
    found = metrics.find(asked.metric, change.numbers)
    if len(found) != 1:
        return _one(_unknown(asked, change, [":".join(key) for key in found]))
    reference = references.get(asked.against, Reference())
    if gate.slice is not None:
        return _sliced(asked, found[0], gate, reference)
    value = change.numbers[found[0]]
    known = altered(asked, value=value)
    if not math.isfinite(value):
        return _one(altered(known, cause="not-finite"))
    if rule in ABSOLUTE:
        return _one(altered(known, status="pass" if ABSOLUTE[rule](value, bound) else "fail"))
    compared, strict = _compared(known, value, reference), gate.inconclusive == "fail"
    if changed := reference.untrained.get(found[0][0]):
        return _one(_untrained(compared, changed, strict))
    return _one(compared, reference.intervals.get(found[0]), strict=strict)


def _compared(known: Verdict, value: float, reference: Reference) -> Verdict:
    base = reference.values
    if base is None:
        return _without(known, reference)
    found = metrics.find(known.metric, base.numbers)
    if len(found) > 1:
        return altered(known, cause="base-ambiguous", names=_few(":".join(key) for key in found))
    if not found:
        if reason := _reason(known.metric, base):
            return altered(known, cause="base-unreadable", reason=reason)
        return altered(known, status="no-base", cause="new")
    before = base.numbers[found[0]]
    known = altered(known, base=before)
    if not math.isfinite(before):
        return altered(known, cause="base-not-finite")
    met = bounds.is_allowed(known, value - before, max(abs(before), abs(value)))
    return altered(known, status="pass" if met else "fail")


def _untrained(compared: Verdict, changed: str, strict: bool) -> Verdict:
    """Leave a comparison open whose other side was not trained as it is: its number belongs to nothing."""
    if compared.status not in ("pass", "fail"):
        return compared
    status = "fail" if strict else "inconclusive"
    return altered(compared, status=status, cause="base-untrained", reason=changed[:500])


def _without(known: Verdict, reference: Reference) -> Verdict:
    """A first run has no base; a branch or tag that the configuration names has to be there."""
    if known.against == BASE:
        return altered(known, status="no-base", cause="no-base")
    return altered(known, cause="no-reference", reason=reference.reason[:500])


def _sliced(asked: Verdict, key: Key, gate: Gate, reference: Reference) -> Parts:
    """Judge each value of a column that has enough rows."""
    if key != reference.sliced or asked.column not in reference.slices:
        return _one(_unsliced(asked, key, reference))
    changed = reference.untrained.get(key[0]) if asked.rule not in ABSOLUTE else None
    if changed:
        known = altered(asked, status="pass", slice=asked.column)
        return _one(_untrained(known, changed, gate.inconclusive == "fail"))
    slices, least = reference.slices[asked.column], gate.min_count
    enough = [one for one in slices if one.count >= least]
    few = [one for one in slices if one.count < least]
    if not enough:
        none = altered(asked, cause="few-rows", slice=asked.column, count=least)
        return _one(sliced.with_rows(none, [sliced.too_few(one) for one in few]))
    return Parts(parts=sliced.judged(asked, enough, strict=gate.inconclusive == "fail"), few=few, sliced=True)


def _unsliced(asked: Verdict, key: Key, reference: Reference) -> Verdict:
    """Return why there are no slices to judge."""
    if asked.against != BASE and reference.values is None:
        return _without(asked, reference)
    of_another = "report.predictions make up another metric" if reference.sliced else ""
    reason = of_another if key != reference.sliced else f"they have no column {asked.column}"
    return altered(asked, cause="no-slices", reason=reference.unsliced or reason, slice=asked.column)


def _one(verdict: Verdict, at: At | None = None, *, strict: bool = False) -> Parts:
    return Parts(parts=(Judged(verdict=verdict, at=at, strict=strict),))


def _overridden(verdict: Verdict, overrides: Iterable[Override]) -> Verdict:
    for one in overrides:
        if one.metric == verdict.metric and verdict.status in ("fail", "inconclusive"):
            return altered(verdict, status="overridden", was=verdict.status, by=one.person[:200], why=one.reason[:500])
    return verdict


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
