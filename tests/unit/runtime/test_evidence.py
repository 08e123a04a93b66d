"""Intervals that do not cry wolf: known values, and how often they are wrong when nothing has changed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import pytest

from mlcicd.runtime import evidence
from mlcicd.runtime.evidence import Interval


def of_examples(base: Sequence[float], change: Sequence[float], groups: Sequence[Hashable] | None = None) -> Any:
    return evidence.examples(base, change, groups)(0.95)


@pytest.mark.parametrize(
    ("share", "freedom", "value"),
    [
        # Table of Student's t distribution.
        (0.975, 1, 12.7062047362),
        (0.975, 2, 4.30265272975),
        (0.975, 5, 2.57058183564),
        (0.975, 30, 2.04227245630),
        (0.975, 1000, 1.96233908083),
        (0.95, 10, 1.81246112281),
        (0.995, 4, 4.60409487135),
        (0.5, 7, 0.0),
    ],
)
def test_quantiles_of_t(share: float, freedom: float, value: float) -> None:
    assert evidence.quantile_of_t(share, freedom) == pytest.approx(value, rel=1e-9, abs=1e-9)


def test_runs_with_the_same_seeds_are_compared_in_pairs() -> None:
    found = evidence.of_runs({1: 0.90, 2: 0.92, 3: 0.94}, {1: 0.91, 2: 0.93, 3: 0.95})
    assert found
    assert (found.method, found.n) == ("paired-t", 3)
    # Each seed gains the same: pairs see it, although the sides overlap.
    assert (found.low, found.high) == pytest.approx((0.01, 0.01))


def test_welch_by_hand() -> None:
    # means 3 and 6, variances 2.5 and 10, so se² = 0.5 + 2 and 5.8824 degrees of freedom, t = 2.458979
    base, change = [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 4.0, 6.0, 8.0, 10.0]
    found = evidence.of_runs(dict(enumerate(base)), dict(enumerate(change, start=10)))
    assert found
    assert (found.method, found.n) == ("welch-t", 5)
    assert (found.low + found.high) / 2 == pytest.approx(3)
    assert (found.high - found.low) / 2 == pytest.approx(2.458979 * 2.5**0.5, rel=1e-4)


def test_two_runs_say_nothing() -> None:
    assert evidence.of_runs({1: 0.9, 2: 0.9}, {1: 0.5, 2: 0.5}) is None
    assert evidence.of_history([0.9, 0.91] * 3 + [0.9], 0.5) is None
    assert of_examples([0.0] * 9, [1.0] * 9) is None


def test_a_history_without_any_spread_measures_no_noise() -> None:
    assert evidence.of_history([0.9] * 20, 0.9001) is None


def test_sides_without_any_spread_differ_by_what_they_differ() -> None:
    found = evidence.of_runs({1: 1.0, 2: 1.0, 3: 1.0}, {4: 2.0, 5: 2.0, 6: 2.0})
    assert found == Interval(low=1.0, high=1.0, method="welch-t", n=3)


def test_history_is_an_interval_for_one_more_run() -> None:
    earlier = [0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97]
    inside = evidence.of_history(earlier, 0.94)
    outside = evidence.of_history(earlier, 0.80)
    assert inside
    assert outside
    assert inside.low < 0 < inside.high
    assert outside.high < 0


def alarms(pairs: int, look: Callable[[random.Random], Interval | None]) -> float:
    source = random.Random(7)
    found = [look(source) for _ in range(pairs)]
    return sum(one is not None and not one.low <= 0 <= one.high for one in found) / pairs


def test_repeated_runs_raise_few_false_alarms() -> None:
    def look(source: random.Random) -> Interval | None:
        sides = [{start + k: source.gauss(0.94, 0.007) for k in range(5)} for start in (0, 10)]
        return evidence.of_runs(*sides)

    assert 0.03 <= alarms(1_500, look) <= 0.07


def test_one_more_run_raises_few_false_alarms() -> None:
    def look(source: random.Random) -> Interval | None:
        return evidence.of_history([source.gauss(0.94, 0.007) for _ in range(12)], source.gauss(0.94, 0.007))

    assert 0.03 <= alarms(1_500, look) <= 0.07


def test_examples_raise_few_false_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "RESAMPLES", 400)

    def look(source: random.Random) -> Interval | None:
        pairs = [(source.random() < 0.9, source.random() < 0.9) for _ in range(120)]
        return of_examples([float(old) for old, _ in pairs], [float(new) for _, new in pairs])

    assert 0.03 <= alarms(400, look) <= 0.08


@pytest.mark.parametrize(("many", "share"), [(150, 0.04), (60, 0.15), (2_500, 0.01)])
def test_few_examples_that_differ_raise_few_false_alarms(
    many: int, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "RESAMPLES", 400)

    def look(source: random.Random) -> Interval | None:
        change = [source.choice((-1.0, 1.0)) if source.random() < share else 0.0 for _ in range(many)]
        return of_examples([0.0] * many, change)

    assert 0.03 <= alarms(300, look) <= 0.07


@pytest.mark.parametrize("many", [12, 20, 50])
def test_few_groups_raise_few_false_alarms(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "RESAMPLES", 400)
    groups = [group for group in range(many) for _ in range(5)]

    def look(source: random.Random) -> Interval | None:
        shift = [source.gauss(0, 0.2) for _ in range(many)]
        return of_examples([0.0] * len(groups), [shift[one] + source.gauss(0, 0.05) for one in groups], groups)

    assert 0.03 <= alarms(500, look) <= 0.07


@pytest.mark.parametrize("groups", [None, [number // 2 for number in range(6_000)]])
def test_the_mean_of_many_is_what_drawing_them_would_give(
    groups: list[int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = random.Random(9)
    base, change = ([float(source.random() < share) for _ in range(6_000)] for share in (0.9, 0.91))
    many = of_examples(base, change, groups)
    monkeypatch.setattr(evidence, "MOST_DRAWN", 10_000)
    monkeypatch.setattr(evidence, "RESAMPLES", 1_000)
    drawn = of_examples(base, change, groups)
    assert many
    assert drawn
    assert (many.method, drawn.method) == ("paired-mean", "bootstrap")
    assert many.low == pytest.approx(drawn.low, abs=0.001)
    assert many.high == pytest.approx(drawn.high, abs=0.001)


def test_examples_that_belong_together_count_as_one() -> None:
    source = random.Random(3)
    patients = [number // 20 for number in range(400)]
    shift = {patient: source.gauss(0, 0.2) for patient in set(patients)}
    base = [0.5] * 400
    change = [0.5 + shift[patient] + source.gauss(0, 0.01) for patient in patients]
    alone, together = of_examples(base, change), of_examples(base, change, patients)
    assert alone
    assert together
    assert together.n == 20
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_the_same_examples_give_the_same_interval() -> None:
    base, change = [0.0, 1.0] * 60, [1.0, 1.0] * 60
    first = of_examples(base, change)
    assert first == of_examples(base, change)
    assert first
    assert first.low > 0


@pytest.mark.parametrize(
    ("base", "change", "groups"), [([], [1.0], None), ([1.0], [1.0, 2.0], None), ([1.0], [1.0], ["a", "b"])]
)
def test_sides_that_do_not_match_are_refused(base: list[float], change: list[float], groups: list[str] | None) -> None:
    with pytest.raises(ValueError, match="same examples"):
        of_examples(base, change, groups)


def test_it_takes_no_time() -> None:
    began = time.perf_counter()
    of_examples([0.0, 1.0] * 360, [1.0, 0.0] * 360)
    assert time.perf_counter() - began < 5
