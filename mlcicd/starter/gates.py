"""Which gates a repository's own metrics suggest: a direction from the name, a margin from the value."""

from __future__ import annotations

from collections.abc import Sequence

from mlcicd.detect.files import Seen
from mlcicd.detect.metrics import Metric
from mlcicd.runtime.direction import COST, TRAINING, Better, better, words

MAX_GATES = 3


def suggest(metrics: Sequence[Metric]) -> list[Seen[dict[str, object]]]:
    """Return at most three gates as they stand in the file; none that always passes.

    Those on held-out data come first, training's own metrics stand in for them, and costs for both.
    """
    groups: tuple[list[Metric], ...] = ([], [], [])
    for metric in metrics:
        name = words(metric.key)
        groups[2 if COST.search(name) else 1 if TRAINING.search(name) else 0].append(metric)
    for group in groups:
        ranked = sorted(group, key=lambda metric: (better(metric.key) != "higher", metric.key.count(".")))
        if found := [gate for metric in ranked if (gate := _gate(metric))]:
            return found[:MAX_GATES]
    return []


def margin(metric: Metric, direction: Better) -> float:
    """Return how far a metric may go the wrong way; 0 when no such limit would mean anything.

    A share (0 to 1) may fall by 0.01, or by a tenth when it is small; anything else may move by 5 % of its value,
    a cost by 20 %. One significant digit, so that the file reads well.
    """
    share = 0.2 if COST.search(words(metric.key)) else 0.05
    room = abs(metric.value) * share
    if direction == "higher" and 0 <= metric.value <= 1:
        room = min(0.01, metric.value / 10)
    rounded = float(f"{room:.1g}")
    # Beyond these bounds numbers print with an exponent, which YAML 1.1 and 1.2 read differently.
    return rounded if 1e-4 <= rounded < 1e15 else 0.0


def _gate(metric: Metric) -> Seen[dict[str, object]] | None:
    direction = better(metric.key)
    room = margin(metric, direction) if direction else 0.0
    if not direction or not room:
        return None
    bound: float | int = int(room) if room.is_integer() else room
    key = "max-drop" if direction == "higher" else "max-rise"
    source = f"{metric.value:.4g} in {metric.file}; {direction} is better"
    return Seen(value={"metric": metric.name, key: bound}, source=source)
