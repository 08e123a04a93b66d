"""What the arguments of expectations must be; anything else would fail only later, inside Great Expectations."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

_PAIR = ("both_values_are_missing", "either_value_is_missing", "neither")
_SEVERAL = ("all_values_are_missing", "any_value_is_missing", "never")


def problems_of(type: str, kwargs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name of each argument that is wrong, and how."""
    for key, value in kwargs.items():
        if isinstance(value, dict) and "$PARAMETER" in value:
            yield key, "a suite parameter has no value here: write the value"
        elif value is not None and key in _CHECKS and (said := _CHECKS[key](value)):
            yield key, said
    yield from _range(type, kwargs)
    wanted = _PAIR if "column_A" in kwargs else _SEVERAL
    if (given := kwargs.get("ignore_row_if")) is not None and given not in wanted:
        yield "ignore_row_if", f"expected {', '.join(wanted)}"


def is_number(value: Any) -> bool:
    """Tell whether it is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _range(type: str, kwargs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None and high is not None:
        least, most = _limit(low), _limit(high)
        if least is None or most is None:
            return  # which is said of the one that is no limit
        if isinstance(least, float) != isinstance(most, float):
            yield "max_value", "min_value and max_value must both be numbers or both be dates"
        elif least > most:
            yield "max_value", f"is less than min_value ({high} < {low}): nothing could be between them"
    elif low is None and high is None and type.endswith("_between") and "quantile" not in type:
        yield "min_value", "needs min_value, max_value or both: without them everything would pass"


def _text(value: Any) -> str:
    if is_number(value):
        return f'expected text, got the number {value}: write it in quotes, "{value}"'
    return "" if isinstance(value, str) and value else "expected text"


def _share(value: Any) -> str:
    return "" if is_number(value) and 0 <= value <= 1 else f"expected a share from 0 to 1, got {value}"


def _bound(value: Any) -> str:
    return "" if _limit(value) is not None else f"expected a number or a date such as 2026-01-31, got {value}"


def _limit(value: Any) -> Any:
    """Return a limit as Great Expectations takes it, a float or a date; None when it takes it for neither."""
    try:
        number = float(value) if is_number(value) or isinstance(value, str) else math.nan
        return None if math.isnan(number) else number
    except ValueError:
        pass
    except OverflowError:
        return math.copysign(math.inf, value)
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return None


def _truth(value: Any) -> str:
    return "" if isinstance(value, bool) else f"expected true or false, got {value}"


def _count(value: Any) -> str:
    whole = is_number(value) and float(value).is_integer() and value >= 0
    return "" if whole else f"expected a whole number, got {value}"


def _number(value: Any) -> str:
    return "" if is_number(value) else f"expected a number, got {value}"


def _values(value: Any) -> str:
    if not isinstance(value, list):
        return "expected a list"
    return "" if value else "is empty: no value could be in it"


def _names(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return "expected a list of names"
    return next((said for said in map(_text, value) if said), "")


def _pairs(value: Any) -> str:
    pairs = isinstance(value, list) and value and all(isinstance(item, list) and len(item) == 2 for item in value)
    return "" if pairs else "expected a list of pairs, such as [[a, b], [c, d]]"


def _regex(value: Any) -> str:
    if said := _text(value):
        return said
    try:
        with warnings.catch_warnings(action="ignore"):  # of what may mean something else one day
            re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    return ""


def _regexes(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return "expected a list of regular expressions"
    return next((said for said in map(_regex, value) if said), "")


def _quantiles(value: Any) -> str:
    form = "expected quantiles: [0.5], value_ranges: [[1, 2]]"
    if not isinstance(value, dict) or set(value) != {"quantiles", "value_ranges"}:
        return form
    shares, ranges = value["quantiles"], value["value_ranges"]
    if not isinstance(shares, list) or not shares or any(map(_share, shares)):
        return "quantiles: expected a list of shares from 0 to 1"
    if not isinstance(ranges, list) or len(ranges) != len(shares):
        return "value_ranges: expected one pair for each quantile"
    return next((said for said in map(_interval, ranges) if said), "")


def _interval(value: Any) -> str:
    if not isinstance(value, list) or len(value) != 2 or not all(item is None or is_number(item) for item in value):
        return "value_ranges: expected pairs of numbers, null for no limit"
    return "value_ranges: a pair is in the wrong order" if None not in value and value[0] > value[1] else ""


_CHECKS: dict[str, Callable[[Any], str]] = {
    "column": _text, "column_A": _text, "column_B": _text, "mostly": _share,
    "min_value": _bound, "max_value": _bound, "strict_min": _truth, "strict_max": _truth,
    "value_set": _values, "value_pairs_set": _pairs, "value": _count, "sum_total": _number,
    "regex": _regex, "regex_list": _regexes, "column_list": _names, "column_set": _names, "type_list": _names,
    "quantile_ranges": _quantiles, "or_equal": _truth, "strictly": _truth, "exact_match": _truth,
    "ties_okay": _truth, "column_index": _count, "row_condition": _text, "condition_parser": _text,
}  # fmt: skip
