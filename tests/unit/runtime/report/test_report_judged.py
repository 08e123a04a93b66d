"""How differences are read: rarely wrong when nothing has changed, and right when something has."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from mlcicd.config.judging import Predictions
from mlcicd.runtime import evidence
from mlcicd.runtime.evidence import Interval
from mlcicd.runtime.facts import Seed
from mlcicd.runtime.metrics import Values
from mlcicd.runtime.report import judged
from mlcicd.runtime.report.judged import Rules, Side
from mlcicd.runtime.report.predictions import Row, Rows

KEY = ("metrics.json", "accuracy")
NAME = "metrics.json:accuracy"
SETTINGS = Predictions(file="predictions.csv", label="label", prediction="said", id="id")


def values(accuracy: float) -> Values:
    return Values(numbers={KEY: accuracy})


def reading(base: Side, change: Side, rules: Rules | None = None, margin: float = 0) -> str:
    assert base.values
    assert change.values
    reference, _ = judged.compare(change, base, rules or Rules())
    at = reference.intervals.get(KEY)
    return judged.read(base.values.numbers[KEY], change.values.numbers[KEY], at, margin, "accuracy")[0]


def seeded(source: random.Random, first: int, mean: float = 0.94, sd: float = 0.007, runs: int = 5) -> Side:
    seeds = {first + number: source.gauss(mean, sd) for number in range(runs)}
    return Side(values=values(seeds[first]), seeds={NAME: seeds})


def rows(source: random.Random, many: int, share: float) -> Rows:
    return Rows(
        rows={
            str(number): Row(label="a", score=float(source.random() < share), group="", values=())
            for number in range(many)
        }
    )


def predicted(source: random.Random, many: int, share: float = 0.9) -> Side:
    found = rows(source, many, share)
    return Side(values=values(found.mean), rows=found)


def share(words: set[str], pairs: int, look: Callable[[random.Random], str]) -> float:
    source = random.Random(20_240_613)
    return sum(look(source) in words for _ in range(pairs)) / pairs


CALLED = {"better", "worse", "changed"}


def test_seeds_in_pairs_raise_few_false_alarms() -> None:
    assert 0.03 <= share(CALLED, 800, lambda source: reading(seeded(source, 0), seeded(source, 0))) <= 0.07


def test_other_seeds_raise_few_false_alarms() -> None:
    assert 0.03 <= share(CALLED, 800, lambda source: reading(seeded(source, 0), seeded(source, 9))) <= 0.07


def test_predictions_raise_few_false_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "RESAMPLES", 300)
    rules = Rules(predictions=SETTINGS)
    alarms = share(CALLED, 400, lambda source: reading(predicted(source, 150), predicted(source, 150), rules))
    assert 0.03 <= alarms <= 0.07


def test_history_raises_few_false_alarms() -> None:
    def look(source: random.Random) -> str:
        earlier = [source.gauss(0.94, 0.007) for _ in range(12)]
        value = source.gauss(0.94, 0.007)
        return judged.read(
            earlier[0], value, lambda confidence: evidence.of_history(earlier, value, confidence), 0, "accuracy"
        )[0]

    assert 0.03 <= share(CALLED, 800, look) <= 0.07


def test_one_run_on_each_side_is_never_called_anything() -> None:
    def look(source: random.Random) -> str:
        base, change = (Side(values=values(source.gauss(0.94, 0.007))) for _ in range(2))
        return reading(base, change)

    assert share(CALLED, 200, look) == 0


def test_a_true_improvement_is_found_and_called_better() -> None:
    def look(source: random.Random) -> str:
        return reading(seeded(source, 0, runs=10), seeded(source, 50, mean=0.955, runs=10))

    assert share({"better"}, 200, look) > 0.9
    assert share({"worse"}, 200, look) == 0


@pytest.mark.parametrize(
    ("low", "high", "margin", "key", "expected"),
    [
        (0.001, 0.02, 0, "accuracy", "better"),
        (0.001, 0.02, 0, "log_loss", "worse"),
        (0.001, 0.02, 0, "frobs", "changed"),
        (-0.02, -0.001, 0, "accuracy", "worse"),
        (-0.02, -0.001, 0, "log_loss", "better"),
        (-0.01, 0.02, 0, "accuracy", "unclear"),
        (0, 0, 0, "accuracy", "unclear"),
        (1e-17, 1e-17, 0, "accuracy", "unclear"),  # what subtracting decimal fractions leaves
        (0.001, 0.02, 0.002, "accuracy", "unclear"),
        (0.003, 0.02, 0.002, "accuracy", "better"),
        (-0.001, 0.0015, 0.002, "accuracy", "small"),
        (0.0005, 0.0015, 0.002, "accuracy", "small"),
    ],
)
def test_all_of_the_interval_counts(low: float, high: float, margin: float, key: str, expected: str) -> None:
    def at(confidence: float) -> Interval:
        return Interval(low=low, high=high, method="paired-t", n=5)

    assert judged.read(0.9, 0.91, at, margin, key)[0] == expected


@pytest.mark.parametrize(
    ("base", "change", "expected"),
    [(0.9, 0.9, "same"), (0.9, 0.8, "single"), (None, 0.9, ""), (0.9, None, ""), (float("nan"), 0.9, "")],
)
def test_without_an_interval_nothing_is_claimed(base: float | None, change: float | None, expected: str) -> None:
    assert judged.read(base, change, None, 0, "accuracy") == (expected, None)


def test_seeds_that_nothing_reads_measure_no_noise() -> None:
    idle = {NAME: {1: 0.9, 2: 0.9, 3: 0.9}}
    assert judged.is_idle(idle)
    assert not judged.is_idle({**idle, "metrics.json:loss": {1: 0.1, 2: 0.2, 3: 0.3}})
    base = Side(values=values(0.9), seeds=idle)
    change = Side(values=values(0.91), seeds={NAME: {1: 0.91, 2: 0.91, 3: 0.91}})
    assert reading(base, change) == "single"


def test_a_metric_that_no_seed_moves_is_exact_where_others_do_move() -> None:
    moving = {"metrics.json:loss": {1: 0.1, 2: 0.2, 3: 0.3}}
    base = Side(values=values(0.9), seeds={**moving, NAME: {1: 0.9, 2: 0.9, 3: 0.9}})
    change = Side(values=values(0.91), seeds={**moving, NAME: {1: 0.91, 2: 0.91, 3: 0.91}})
    assert reading(base, change) == "better"


def test_failed_repetitions_do_not_count() -> None:
    found = judged.seeds(
        [Seed(seed=1, exit=0, seconds=1, metrics={NAME: 0.9}), Seed(seed=2, exit=1, seconds=1, metrics={NAME: 0.1})]
    )
    assert found == {NAME: {1: 0.9}}


def test_repeated_trainings_go_before_predictions() -> None:
    source = random.Random(1)
    sides = []
    for _ in range(2):
        found = rows(source, 200, 0.9)
        seeds = {NAME: {1: found.mean, 2: found.mean + 0.01, 3: found.mean - 0.02}}
        sides.append(Side(values=values(found.mean), rows=found, seeds=seeds))
    reference, _ = judged.compare(sides[1], sides[0], Rules(predictions=SETTINGS))
    interval = reference.intervals[KEY](0.95)
    assert interval
    assert interval.method == "paired-t"


@pytest.mark.parametrize("side", ["change", "base"])
def test_predictions_of_another_model_are_refused(side: str) -> None:
    source = random.Random(1)
    good, other = predicted(source, 300), predicted(source, 300)
    wrong = Side(values=values(0.5), rows=other.rows)
    change, base = (wrong, good) if side == "change" else (good, wrong)
    reference, said = judged.compare(change, base, Rules(predictions=SETTINGS))
    assert reference.intervals == {}
    assert "makes up 0.9" in said[0]
    assert "accuracy is 0.5" in said[0]


def test_predictions_that_the_base_does_not_have_yet_still_make_slices() -> None:
    change = predicted(random.Random(1), 300)
    reference, said = judged.compare(change, Side(values=values(0.9)), Rules(predictions=SETTINGS))
    assert (reference.intervals, reference.sliced, said) == ({}, KEY, [])
