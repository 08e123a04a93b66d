"""Test the gates before they are believed: each is shown a far worse model, and has to turn red.

A gate that stays green for every model there can be is the most common way of having none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlcicd.config.judging import Gate
from mlcicd.runtime import direction, gate, metrics
from mlcicd.runtime.gate import Applied, Reference
from mlcicd.runtime.metrics import Values
from mlcicd.runtime.verdict import Rule, Verdict

FAR = 100.0  # how many times as bad a metric gets that has no worst value


@dataclass(frozen=True, kw_only=True)
class Tested:
    """How the gates did.

    Attributes:
        closed: how many rules turned red.
        open: verdicts that pass although no model can be worse.
        weak: those that pass although the model is far worse, where a worse one can be thought of.
    """

    closed: int = 0
    open: Sequence[Verdict] = field(default=())
    weak: Sequence[Verdict] = field(default=())


def test(gates: Sequence[Applied], change: Values | None, references: Mapping[str, Reference]) -> Tested:
    """Show each rule of each gate a far worse model.

    A metric that is a share is as bad as a share can be, any other gets worse by `FAR` times itself. A gate on slices
    is tested as one on all rows. What is missing on a side is not tested: the gate says so itself.

    Args:
        gates: all that are judged.
        change: the metrics of this change.
        references: what it is compared with.
    """
    shown = [
        one
        for applied in gates
        for rule, bound in gate.rules(applied.gate)
        for one in _shown(Applied(gate=_alone(applied.gate, rule, bound), source=applied.source), change, references)
    ]
    passed = [(verdict, worst) for verdict, worst in shown if verdict.status == "pass"]
    return Tested(
        closed=sum(verdict.status == "fail" for verdict, _ in shown),
        open=[verdict for verdict, worst in passed if worst],
        weak=[verdict for verdict, worst in passed if not worst],
    )


def _shown(
    applied: Applied, change: Values | None, references: Mapping[str, Reference]
) -> Sequence[tuple[Verdict, bool]]:
    """Return what a gate with one rule says to a far worse model, and whether that is the worst there can be."""
    keys = metrics.find(applied.gate.metric, change.numbers) if change else []
    if not change or len(keys) != 1 or not math.isfinite(change.numbers[keys[0]]):
        return []
    reference = references.get(applied.gate.against, Reference())
    before = reference.values.numbers.get(keys[0]) if reference.values else None
    start = change.numbers[keys[0]] if before is None or not math.isfinite(before) else before
    ((rule, _),) = gate.rules(applied.gate)
    value, worst = _worse(keys[0][1], start, rule in ("min", "max-drop"))
    plain = {name: Reference(values=one.values) for name, one in references.items()}
    return [(verdict, worst) for verdict in gate.judge([applied], Values(numbers={keys[0]: value}), plain)]


def _worse(key: str, start: float, falls: bool) -> tuple[float, bool]:
    """Return a far worse value, and whether there is none worse."""
    most = 100.0 if start > 1 else 1.0  # in percent, or not
    if direction.is_share(key) and 0 <= start <= most:
        return (0.0 if falls else most), True
    away = FAR * max(abs(start), 1.0)
    return (start - away if falls else start + away), False


def _alone(whole: Gate, rule: Rule, bound: float) -> Gate:
    """Return a gate with one rule, on all rows."""
    return Gate.model_validate({"metric": whole.metric, rule: bound, "against": whole.against})
