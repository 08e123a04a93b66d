"""What is known of the difference from each thing that the change is compared with, and how to read it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from mlcicd.config.judging import Predictions
from mlcicd.runtime import direction, evidence, metrics
from mlcicd.runtime.bounds import CONFIDENCE
from mlcicd.runtime.direction import Better
from mlcicd.runtime.evidence import At, Interval
from mlcicd.runtime.facts import Hardware, Seed
from mlcicd.runtime.gate import Reference
from mlcicd.runtime.metrics import Key, Unusable, Values
from mlcicd.runtime.report import predictions
from mlcicd.runtime.report.model import Reading
from mlcicd.runtime.report.predictions import CLOSE, Pairs, Rows
from mlcicd.runtime.training.seed_record import Seeds

NOISE = 1e-12  # what subtracting decimal fractions leaves behind, relative to them


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a comparison.

    Attributes:
        values: its metrics; None when there are none, for the `reason`.
        seeds: metrics of repeated trainings.
        machine: that the repeated trainings ran on; None when that is not known.
        untrained: what has changed since the metrics were measured, by metric file.
        rows: per-example predictions, when they are known; else `unread` says why not.
    """

    values: Values | None = None
    reason: str = ""
    seeds: Seeds = field(default_factory=dict)
    machine: Hardware | None = None
    untrained: Mapping[str, str] = field(default_factory=dict)
    rows: Rows | None = None
    unread: str = ""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the configuration says of reading differences: `columns` are those of slices."""

    predictions: Predictions | None = None
    columns: tuple[str, ...] = ()


def is_same_type(one: Hardware, other: Hardware) -> bool:
    """Tell whether two machines are of one type; the memory that a system reports differs by a little."""
    near = abs(one.memory - other.memory) <= max(2**30, 0.05 * max(one.memory, other.memory))
    return one.cpus == other.cpus and sorted(one.gpus) == sorted(other.gpus) and near


def seeds(found: Sequence[Seed]) -> Seeds:
    """Return the metrics of a training's repetitions by name and seed."""
    names = dict.fromkeys(name for seed in found if seed.exit == 0 for name in seed.metrics)
    return {
        name: {seed.seed: seed.metrics[name] for seed in found if seed.exit == 0 and name in seed.metrics}
        for name in names
    }


def is_idle(found: Seeds) -> bool:
    """Tell whether several seeds gave the same in every metric: then they measure no noise, for nothing reads them."""
    several = [values for values in found.values() if len(values) >= evidence.FEWEST_RUNS]
    return bool(several) and all(len(set(values.values())) == 1 for values in several)


def compare(change: Side, other: Side, rules: Rules) -> tuple[Reference, list[str]]:
    """Return what a change is compared with, and the intervals that the evidence gives.

    Repeated trainings come first, because they know both kinds of noise; predictions know that of the test set.

    Returns:
        The reference, and what was wrong with the predictions, in words.
    """
    known = Reference(
        values=other.values,
        reason=other.reason,
        intervals=_by_runs(change, other),
        unsliced=_NO_PREDICTIONS,
        untrained=other.untrained,
    )
    if rules.predictions is None:
        return known, []
    settings, said = rules.predictions, []
    try:
        key, pairs = _pairs(change, other, settings)
    except Unusable as error:
        return replace(known, unsliced=f"predictions: {error}"), [str(error)]
    if pairs and pairs.left_out:
        said.append(f"{settings.file}: {pairs.left_out}")
    intervals = {key: predictions.at(pairs, settings), **known.intervals} if pairs else known.intervals
    assert change.rows is not None  # noqa: S101 - `_pairs` has refused otherwise
    slices = predictions.slices(change.rows, pairs, settings, rules.columns)
    return replace(known, intervals=intervals, slices=slices, sliced=key, unsliced=""), said


_NO_PREDICTIONS = "report.predictions is not set"


def _by_runs(change: Side, other: Side) -> dict[Key, At]:
    keys = change.values.numbers if change.values else {}
    found: dict[Key, At] = {}
    if is_idle(change.seeds):
        return found
    for key in keys:
        name = ":".join(key)
        both = other.seeds.get(name, {}), change.seeds.get(name, {})
        if evidence.of_runs(*both):
            found[key] = partial(evidence.of_runs, *both)
    return found


def _pairs(change: Side, other: Side, settings: Predictions) -> tuple[Key, Pairs | None]:
    """Return the metric that predictions make up, and the examples of both sides when the other side has some.

    Raises:
        Unusable: when they do not make it up, or are not there.
    """
    key = _adds_up(change, settings, "of this change")
    if other.values is None or (other.rows is None and not other.unread):
        return key, None
    _adds_up(other, settings, "of the other side")
    assert change.rows is not None and other.rows is not None  # noqa: S101, PT018 - `_adds_up` has refused otherwise
    return key, predictions.match(other.rows, change.rows, settings)


def _adds_up(side: Side, settings: Predictions, whose: str) -> Key:
    """Return the metric that the rows make up: predictions of another model say nothing about this one's."""
    if side.rows is None:
        raise Unusable(f"{settings.file} {whose}: {side.unread}")
    found = metrics.find(settings.metric, side.values.numbers) if side.values else []
    if len(found) != 1:
        raise Unusable(f"there is no single metric {settings.metric} {whose} that they could make up")
    said, mean = side.values.numbers[found[0]] if side.values else math.nan, side.rows.mean
    scale = max(1.0, abs(mean)) if settings.kind == "match" else abs(mean)
    if not abs(said - mean) <= CLOSE[settings.kind] * scale:
        raise Unusable(f"{settings.file} {whose} makes up {mean:.4g}, and {settings.metric} is {said:.4g}")
    return found[0]


def read(
    base: float | None, change: float | None, at: At | None, margin: float, key: str
) -> tuple[Reading, Interval | None]:
    """Read one metric's difference: better or worse only where all of its interval is beyond 0 and the margin."""
    if base is None or change is None or not (math.isfinite(base) and math.isfinite(change)):
        return "", None
    found = at(CONFIDENCE) if at else None
    beyond = max(margin, NOISE * max(abs(base), abs(change)))
    if found is None:
        return ("same" if base == change else "single"), None
    if found.low > beyond or found.high < -beyond:
        return _good(found.low > beyond, direction.better(key)), found
    return ("small" if margin and -margin < found.low and found.high < margin else "unclear"), found


def _good(rose: bool, better: Better | None) -> Reading:
    if better is None:
        return "changed"
    return "better" if rose is (better == "higher") else "worse"
