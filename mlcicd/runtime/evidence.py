"""Whether a difference between two sides is more than noise: intervals of the difference, change minus base.

Pure Python: the reporter starts without numpy, and 2,000 resamples of 700 examples take it 0.1 s.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev, variance
from typing import Literal

Method = Literal["paired-t", "welch-t", "bootstrap", "paired-mean", "history"]
RESAMPLES = 2_000
MOST_DRAWN = 2_000  # with more examples their mean is as good as normal, and drawing them takes seconds
SEED = 20_240_613  # the same report on every run
FEWEST_RUNS = 3
FEWEST_EXAMPLES = 10
FEWEST_HISTORY = 8


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Where the true difference lies, at the confidence that was asked for.

    Attributes:
        low, high: its ends, in the metric's unit.
        method: how it was found.
        n: how many runs per side (the fewer), examples, groups or earlier values it rests on.
    """

    low: float
    high: float
    method: Method
    n: int


At = Callable[[float], Interval | None]
"""The interval of one difference at a confidence such as 0.95."""


def of_runs(base: Mapping[int, float], change: Mapping[int, float], confidence: float = 0.95) -> Interval | None:
    """Compare repeated trainings by seed: in pairs where both sides have the same seeds, else by Welch's t.

    Args:
        base, change: the metric by seed.
        confidence: such as 0.95.

    Returns:
        None with fewer than `FEWEST_RUNS` on a side.
    """
    shared = sorted(base.keys() & change.keys())
    if len(shared) >= FEWEST_RUNS and len(shared) == len(base) == len(change):
        return _paired([change[seed] - base[seed] for seed in shared], confidence)
    if min(len(base), len(change)) < FEWEST_RUNS:
        return None
    return _welch(list(base.values()), list(change.values()), confidence)


def examples(base: Sequence[float], change: Sequence[float], groups: Sequence[Hashable] | None = None) -> At:
    """Compare the per-example scores of two models by a paired bootstrap of their mean difference.

    The ends are moved outwards by what so few examples understate (the "expanded percentile"); of more than
    `MOST_DRAWN` examples the interval is Student's t of their mean. This is the noise of the test set alone: that of
    training is not in it.

    Args:
        base, change: score of each example, in the same order.
        groups: examples with equal values here (a patient, a day) are drawn together.

    Returns:
        The interval by confidence; None with fewer than `FEWEST_EXAMPLES` examples or groups.

    Raises:
        ValueError: when the lengths differ.
    """
    if not len(base) == len(change) == len(change if groups is None else groups):
        raise ValueError("both sides need the same examples")
    clusters = _clusters([new - old for old, new in zip(base, change, strict=True)], groups)
    if len(clusters) < FEWEST_EXAMPLES:
        return lambda confidence: None
    if len(clusters) > MOST_DRAWN:
        return lambda confidence: _mean_of_many(clusters, confidence)
    means = _resampled(clusters)
    return lambda confidence: _expanded(means, clusters, confidence)


def of_history(earlier: Sequence[float], value: float, confidence: float = 0.95) -> Interval | None:
    """Compare one value with those of earlier runs that measured the same: what a further such run would differ by.

    Returns:
        None with fewer than `FEWEST_HISTORY` values, or when all are the same: then they measure no noise.
    """
    count = len(earlier)
    if count < FEWEST_HISTORY or len(set(earlier)) == 1:
        return None
    half = quantile_of_t((1 + confidence) / 2, count - 1) * stdev(earlier) * math.sqrt(1 + 1 / count)
    middle = value - fmean(earlier)
    return Interval(low=middle - half, high=middle + half, method="history", n=count)


def _paired(differences: Sequence[float], confidence: float) -> Interval:
    count = len(differences)
    half = quantile_of_t((1 + confidence) / 2, count - 1) * stdev(differences) / math.sqrt(count)
    middle = fmean(differences)
    return Interval(low=middle - half, high=middle + half, method="paired-t", n=count)


def _welch(base: Sequence[float], change: Sequence[float], confidence: float) -> Interval:
    parts = [variance(side) / len(side) for side in (base, change)]
    middle = fmean(change) - fmean(base)
    fewest = min(len(base), len(change))
    if sum(parts) == 0:  # every run of a side gave the same
        return Interval(low=middle, high=middle, method="welch-t", n=fewest)
    freedom = sum(parts) ** 2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, (base, change), strict=True))
    half = quantile_of_t((1 + confidence) / 2, freedom) * math.sqrt(sum(parts))
    return Interval(low=middle - half, high=middle + half, method="welch-t", n=fewest)


def _clusters(differences: Iterable[float], groups: Iterable[Hashable] | None) -> list[tuple[float, int]]:
    """Return sum and count of the differences of each group; every example is its own without groups."""
    if groups is None:
        return [(difference, 1) for difference in differences]
    sums: dict[Hashable, tuple[float, int]] = {}
    for difference, group in zip(differences, groups, strict=True):
        total, count = sums.get(group, (0.0, 0))
        sums[group] = (total + difference, count + 1)
    return list(sums.values())


def _resampled(clusters: Sequence[tuple[float, int]]) -> list[float]:
    """Return the mean differences of `RESAMPLES` draws with replacement, in order."""
    drawn, many = random.Random(SEED), len(clusters)  # noqa: S311 - statistics, not secrets
    if all(count == 1 for _, count in clusters):
        differences = [total for total, _ in clusters]
        return sorted(sum(drawn.choices(differences, k=many)) / many for _ in range(RESAMPLES))
    return sorted(_mean(drawn.choices(clusters, k=many)) for _ in range(RESAMPLES))


def _expanded(means: Sequence[float], clusters: Sequence[tuple[float, int]], confidence: float) -> Interval:
    many, middle, tail = len(clusters), _mean(clusters), (1 - confidence) / 2
    normal = NormalDist().inv_cdf(1 - tail)
    wider = quantile_of_t(1 - tail, many - 1) / normal * math.sqrt(many / (many - 1))
    low, high = (middle + wider * (_quantile(means, share) - middle) for share in (tail, 1 - tail))
    return Interval(low=low, high=high, method="bootstrap", n=many)


def _mean_of_many(clusters: Sequence[tuple[float, int]], confidence: float) -> Interval:
    """Return the interval of a mean over groups, which is a ratio: what each adds to its error is linear with many."""
    many, middle = len(clusters), _mean(clusters)
    squares = sum((total - middle * count) ** 2 for total, count in clusters)
    error = math.sqrt(squares * many / (many - 1)) / sum(count for _, count in clusters)
    half = quantile_of_t((1 + confidence) / 2, many - 1) * error
    return Interval(low=middle - half, high=middle + half, method="paired-mean", n=many)


def _mean(clusters: Sequence[tuple[float, int]]) -> float:
    return sum(total for total, _ in clusters) / sum(count for _, count in clusters)


def _quantile(ordered: Sequence[float], share: float) -> float:
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


@functools.lru_cache(1_000)
def quantile_of_t(share: float, freedom: float) -> float:
    """Return the value below which a share (0.5 to 1) of Student's t distribution lies.

    Args:
        share: such as 0.975.
        freedom: degrees of freedom, any positive number.
    """
    low, high = 0.0, 1.0
    while _below_t(high, freedom) < share:
        low, high = high, high * 2
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _below_t(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def _below_t(value: float, freedom: float) -> float:
    """Return the share of Student's t distribution below a value that is not negative."""
    return 1 - _beta(freedom / (freedom + value * value), freedom / 2, 0.5) / 2


def _beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function, by its continued fraction on the side where that is quick."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    # Lentz's way to evaluate a continued fraction; `tiny` stands for a zero that would be divided by.
    tiny, fraction, c, d = 1e-300, 1.0, 1.0, 0.0
    for step in range(500):
        half = step // 2
        if step == 0:
            term = 1.0
        elif step % 2 == 0:
            term = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        else:
            term = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        d = 1 / ((1 + term * d) or tiny)
        c = (1 + term / c) or tiny
        fraction *= c * d
        if abs(1 - c * d) < 1e-15:
            break
    return front * (fraction - 1) / a
