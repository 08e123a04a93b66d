"""Expectations of one number, or of the set of values, of a column."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from mlcicd.runtime.validation.native_common import (
    INT64,
    LOOSE,
    TIGHT,
    Arguments,
    as_pandas,
    column_of,
    count_distinct,
    limited,
    listed_in,
    numeric,
    refuse_inexact,
    refuse_unsound,
    typed,
)
from mlcicd.runtime.validation.native_model import EXACT, Again, Beyond, Column, Finish, Found, Outcome, Scope


def aggregate(observe: Callable[[Column, Scope], Callable[[Found], tuple[Any, float]]]) -> Callable[..., Finish]:
    """Make a judge of one number of a column; `observe` returns it and how exact it is (absolute)."""

    def judge(kwargs: Arguments, scope: Scope) -> Finish:
        column = typed(scope, kwargs["column"], exact=False)
        read = observe(column, scope)

        def finish(found: Found) -> Outcome:
            value, margin = read(found)
            return limited(value, kwargs, margin)

        return finish

    return judge


def extreme(word: str) -> Callable[..., Finish]:
    """Make a judge of the smallest or the largest value."""

    def observe(column: Column, scope: Scope) -> Callable[[Found], tuple[Any, float]]:
        asked = f"{word}({column.value})"
        scope.ask(asked, column.long)

        def read(found: Found) -> tuple[Any, float]:
            refuse_unsound(found, column)
            if column.kind == "text" and found.nulls(column):
                raise Beyond("the order of texts with missing ones among them")
            value = found[asked]
            margin = abs(value) * TIGHT if found[column.long] and math.isfinite(value) else 0
            return as_pandas(value, column, found), margin

        return read

    return aggregate(observe)


def _moments(column: Column, scope: Scope) -> tuple[str, str, str]:
    """Have the sum, the sum of the sizes, and the number of infinities computed."""
    if column.kind == "text":
        raise Beyond(f"column '{column.name}' is text")
    finite = f"FILTER (isfinite({column.value}))" if column.kind == "float" else ""
    total, sizes = f"sum({column.value}) {finite}", f"sum(abs({column.value})) {finite}"
    infinite = f"count_if(isinf({column.value}))" if column.kind == "float" else "0"
    scope.ask(total, sizes, infinite)
    return total, sizes, infinite


def sum_of(column: Column, scope: Scope) -> Callable[[Found], tuple[Any, float]]:
    """Return the sum."""
    total, sizes, infinite = _moments(column, scope)

    def read(found: Found) -> tuple[Any, float]:
        refuse_unsound(found, column)
        if found[infinite]:
            raise Beyond("infinite values")
        if column.kind == "int" and found[sizes] >= INT64:
            raise Beyond("a sum beyond 64 bits")
        exact = column.kind == "int" and (found[sizes] < EXACT or not found.nulls(column))
        return as_pandas(found[total], column, found), 0 if exact else float(found[sizes]) * LOOSE

    return read


def mean_of(column: Column, scope: Scope) -> Callable[[Found], tuple[Any, float]]:
    """Return the mean."""
    total, sizes, infinite = _moments(column, scope)

    def read(found: Found) -> tuple[Any, float]:
        refuse_unsound(found, column)
        if found[infinite] or found[column.largest] > EXACT:
            raise Beyond("infinite values, or whole numbers beyond 2^53")
        count = int(found[column.count])
        exact = column.kind == "int" and found[sizes] < EXACT
        return float(found[total]) / count, 0 if exact else float(found[sizes]) / count * LOOSE

    return read


def deviation_of(column: Column, scope: Scope) -> Callable[[Found], tuple[Any, float]]:
    """Return the standard deviation, of a sample."""
    _, sizes, infinite = _moments(column, scope)
    finite = f"FILTER (isfinite({column.value}))" if column.kind == "float" else ""
    asked = f"stddev_samp({column.value}::DOUBLE) {finite}"
    scope.ask(asked)

    def read(found: Found) -> tuple[Any, float]:
        refuse_unsound(found, column)
        if found[infinite] or found[column.largest] > EXACT:
            raise Beyond("infinite values, or whole numbers beyond 2^53")
        value = found[asked]
        scale = float(found[sizes]) / int(found[column.count])
        return value, 0 if value is None else max(value * LOOSE, scale * TIGHT)

    return read


def median(kwargs: Arguments, scope: Scope) -> Finish:
    """The middle value, or the mean of the two in the middle, lies between limits."""
    column = numeric(scope, kwargs["column"])

    def finish(found: Found) -> Outcome | Again:
        refuse_unsound(found, column)
        count = int(found[column.count])
        return _ranked(found, column, [(count - 1) // 2, count // 2], judged)

    def judged(found: Found, values: Sequence[Any]) -> Outcome:
        middle = (float(values[0]) + float(values[1])) / 2
        near = found[column.long] or (column.kind == "int" and found[column.largest] > EXACT)
        return limited(middle, kwargs, abs(middle) * TIGHT if near else 0)

    return finish


def _ranked(
    found: Found, column: Column, ranks: Sequence[int], then: Callable[[Found, Sequence[Any]], Outcome]
) -> Again:
    """Have the values found that stand at ranks (from 0) in order of size."""
    count = int(found[column.count])
    shares = ", ".join(repr((rank + 0.5) / count) for rank in ranks)
    asked = f"quantile_disc({column.value}, [{shares}])"
    return Again(asked=(asked,), finish=lambda more: then(more, list(more[asked])))


def distinct_count(*, share: bool) -> Callable[..., Finish]:
    """Make a judge of how many different values there are, or of their share of all values."""

    def judge(kwargs: Arguments, scope: Scope) -> Finish:
        column = typed(scope, kwargs["column"])
        counting = count_distinct(column, scope)

        def judged(found: Found, distinct: int) -> Outcome:
            return limited(distinct / int(found[column.count]) if share else distinct, kwargs)

        return lambda found: counting(found, judged)

    return judge


def quantiles(kwargs: Arguments, scope: Scope) -> Finish:
    """Quantiles (the nearest value) lie in their ranges, or within 0.01 % of a limit."""
    column = numeric(scope, kwargs["column"])
    shares, ranges = kwargs["quantile_ranges"]["quantiles"], kwargs["quantile_ranges"]["value_ranges"]

    def finish(found: Found) -> Outcome | Again:
        refuse_inexact(found, column)
        count = int(found[column.count])
        return _ranked(found, column, [_nearest(share, count) for share in shares], judged)

    def judged(found: Found, ranked: Sequence[Any]) -> Outcome:
        values = [as_pandas(value, column, found) for value in ranked]
        success = all(_in_quantile_range(value, *limits) for value, limits in zip(values, ranges, strict=True))
        return Outcome(success=success, result={"observed_value": {"quantiles": shares, "values": values}})

    return finish


def _nearest(share: float, count: int) -> int:
    """Return the rank of a quantile as numpy's method `nearest` does: halves go to the even rank."""
    place = (share * 100.0 / 100) * (count - 1)
    low = math.floor(place)
    part = place - low
    return low if part < 0.5 or (part == 0.5 and low % 2 == 0) else low + 1


def _in_quantile_range(value: float, low: float | None, high: float | None) -> bool:
    limits = (-math.inf if low is None else low, math.inf if high is None else high)
    close = any(math.isfinite(limit) and abs(value - limit) <= 1e-8 + 1e-4 * abs(limit) for limit in limits)
    return close or value in limits or limits[0] <= value <= limits[1]


def distinct_set(*, within: bool, whole: bool) -> Callable[..., Finish]:
    """Make a judge of the set of values: all of them are listed (`within`), all that is listed occurs (`whole`)."""

    def judge(kwargs: Arguments, scope: Scope) -> Finish:
        column, listed = listed_in(kwargs, scope)
        outside, inside = f"count_if(NOT ({listed}))", f"count(DISTINCT {column.value}) FILTER ({listed})"
        scope.ask(outside, inside)

        def finish(found: Found) -> Outcome:
            refuse_inexact(found, column)
            success = not (within and found[outside]) and not (
                whole and int(found[inside]) < len(set(kwargs["value_set"]))
            )
            return Outcome(success=success, result={"observed_value": None})

        return finish

    return judge


def present_share(kwargs: Arguments, scope: Scope) -> Finish:
    """The share of values that are there lies between limits."""
    column = column_of(scope, kwargs["column"])
    return lambda found: limited(int(found[column.count]) / found.rows, kwargs)
