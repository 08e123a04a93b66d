"""Test the gates before they are believed: each is shown a far worse model, and has to turn red.

A gate that stays green for every model there can be is the most common way of having none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mlcicd.config.model import Gate
from mlcicd.runtime import direction, gate, metrics
from mlcicd.runtime.gate import Applied, Reference, Verdict
from mlcicd.runtime.metrics import Values

FAR = 100.0  # how many times as bad a metric gets that has no worst value


def weak(gates: Sequence[Applied], change: Values | None, references: Mapping[str, Reference]) -> list[Verdict]:
    """Return the verdicts that do not fail although the model is far worse.

    A metric that is a share is as bad as a share can be, any other gets worse by `FAR` times itself. A gate on slices
    is tested as one on all rows. What is missing on a side is not tested: the gate says so itself.

    Args:
        gates: all that are judged.
        change: the metrics of this change.
        references: what it is compared with.
    """
    found = []
    for applied in gates:
        for rule, bound in gate.rules(applied.gate):
            one = Applied(gate=_alone(applied.gate, rule, bound), source=applied.source)
            found += _of_one(one, rule in ("min", "max-drop"), change, references)
    return found


def _of_one(applied: Applied, falls: bool, change: Values | None, references: Mapping[str, Reference]) -> list[Verdict]:
    keys = metrics.find(applied.gate.metric, change.numbers) if change else []
    if not change or len(keys) != 1 or not math.isfinite(change.numbers[keys[0]]):
        return []
    reference = references.get(applied.gate.against, Reference())
    before = reference.values.numbers.get(keys[0]) if reference.values else None
    start = change.numbers[keys[0]] if before is None or not math.isfinite(before) else before
    worse = Values(numbers={keys[0]: _worst(keys[0][1], start, falls)})
    plain = {name: Reference(values=one.values) for name, one in references.items()}
    return [verdict for verdict in gate.judge([applied], worse, plain) if verdict.status == "pass"]


def _worst(key: str, start: float, falls: bool) -> float:
    percent = 100.0 if start > 1 else 1.0
    if direction.is_share(key) and 0 <= start <= percent:
        return 0.0 if falls else percent
    away = FAR * max(abs(start), 1.0)
    return start - away if falls else start + away


def _alone(whole: Gate, rule: gate.Rule, bound: float) -> Gate:
    """Return a gate with one rule, on all rows."""
    return Gate.model_validate({"metric": whole.metric, rule: bound, "against": whole.against})
