"""The gates: which apply, and whether the change meets them. Pure: numbers in, verdicts out."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from mlcicd.config.model import Gate
from mlcicd.runtime import metrics
from mlcicd.runtime.metrics import Values

Rule = Literal["min", "max", "max-drop", "max-rise"]
Source = Literal["base", "change"]
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
]

NOISE = 1e-9  # what adding and subtracting decimal fractions leaves behind
ROUNDING = 1e-15  # how exactly a float holds a large number, relative to it
MAX_NAMES = 8


class Verdict(BaseModel):
    """What one rule says about one metric.

    Attributes:
        status: `no-base` does not fail: there is nothing to compare with, as on a first run. Nor does `waiting`: what
            a smoke training measured says nothing about the gate, which the full training meets.
        source: whose configuration the rule stands in.
        value, base: the metric here and at the base, where they are known.
        cause: why `status` is what it is, when it is not the numbers.
        names: metrics that exist or that could be meant, when `cause` is about names.
        likely: the one of `names` that was probably meant.
        reason: what the reader of a file said, when `cause` is about a file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=500, ser_json_inf_nan="strings")

    metric: str
    rule: Rule
    bound: float
    status: Literal["pass", "fail", "error", "no-base", "waiting"]
    source: Source = "base"
    value: float | None = None
    base: float | None = None
    cause: Cause = ""
    names: tuple[str, ...] = ()
    likely: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A gate and whose configuration it stands in."""

    gate: Gate
    source: Source


def apply(change: Sequence[Gate], base: Sequence[Gate] | None) -> list[Applied]:
    """Choose the gates to judge: the base's, so that a change cannot lower its own bar, and then the change's new ones.

    `base` is None when the base has no configuration that can be read; then the change's own gates are all there is.
    """
    if base is None:
        return [Applied(gate=gate, source="change") for gate in change]
    kept = [Applied(gate=gate, source="base") for gate in base]
    return kept + [Applied(gate=gate, source="change") for gate in change if gate not in base]


def judge(
    gates: Sequence[Applied], change: Values | None, base: Values | None, *, smoke: bool = False
) -> list[Verdict]:
    """Judge every rule of every gate.

    Args:
        gates: what to judge.
        change: the metrics of this change; None when nothing was measured, which fails every gate.
        base: the metrics at the base; None when there is no base, which leaves comparisons open.
        smoke: what was measured is of a smoke training, so every gate waits.
    """
    rules = [(applied, rule, bound) for applied in gates for rule, bound in _rules(applied.gate)]
    if smoke and change is not None:
        return [_asked(*one).model_copy(update={"status": "waiting", "cause": "smoke"}) for one in rules]
    return [_verdict(*one, change, base) for one in rules]


def _rules(gate: Gate) -> Iterator[tuple[Rule, float]]:
    rules: tuple[tuple[Rule, float | None], ...] = (
        ("min", gate.min),
        ("max", gate.max),
        ("max-drop", gate.max_drop),
        ("max-rise", gate.max_rise),
    )
    return ((rule, bound) for rule, bound in rules if bound is not None)


def _asked(applied: Applied, rule: Rule, bound: float) -> Verdict:
    return Verdict(metric=applied.gate.metric, rule=rule, bound=bound, status="error", source=applied.source)


def _verdict(applied: Applied, rule: Rule, bound: float, change: Values | None, base: Values | None) -> Verdict:
    asked = _asked(applied, rule, bound)
    if change is None:
        return asked.model_copy(update={"cause": "not-measured"})
    found = metrics.find(asked.metric, change.numbers)
    if len(found) != 1:
        return _unknown(asked, change, [":".join(key) for key in found])
    value = change.numbers[found[0]]
    known = asked.model_copy(update={"value": value})
    if not math.isfinite(value):
        return known.model_copy(update={"cause": "not-finite"})
    if rule in ("min", "max"):
        return known.model_copy(update={"status": "pass" if _ABSOLUTE[rule](value, bound) else "fail"})
    return _compared(known, value, base)


def _compared(known: Verdict, value: float, base: Values | None) -> Verdict:
    if base is None:
        return known.model_copy(update={"status": "no-base", "cause": "no-base"})
    found = metrics.find(known.metric, base.numbers)
    if len(found) > 1:
        return known.model_copy(update={"cause": "base-ambiguous", "names": _few(":".join(key) for key in found)})
    if not found:
        if reason := _reason(known.metric, base):
            return known.model_copy(update={"cause": "base-unreadable", "reason": reason})
        return known.model_copy(update={"status": "no-base", "cause": "new"})
    before = base.numbers[found[0]]
    known = known.model_copy(update={"base": before})
    if not math.isfinite(before):
        return known.model_copy(update={"cause": "base-not-finite"})
    worse = before - value if known.rule == "max-drop" else value - before
    scale = max(abs(before), abs(value))
    noise = NOISE * min(1.0, scale) + ROUNDING * scale
    return known.model_copy(update={"status": "pass" if worse <= known.bound + noise else "fail"})


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


_ABSOLUTE: dict[str, Callable[[float, float], bool]] = {
    "min": lambda value, bound: value >= bound,
    "max": lambda value, bound: value <= bound,
}
