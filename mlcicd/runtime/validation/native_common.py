"""What the rules of the native engine share: columns and limits in SQL, and the refusal of what is not exact."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from mlcicd.runtime.validation.arguments import is_number
from mlcicd.runtime.validation.native_model import EXACT, Again, Beyond, Column, Found, Outcome, Scope, quoted

Arguments = Mapping[str, Any]
INT64 = 2**63
# Sums of floating-point numbers depend on their order; nearer than this to a limit the verdict may.
LOOSE, TIGHT = 1e-9, 1e-12
# Most bits of a bitmap of whole numbers (32 MB), and how many it may have for each value.
_BITMAP, _SPREAD = 2**28, 4096


class Missing(Exception):
    """A column that is expected is not there; carries its name."""


def column_of(scope: Scope, name: str) -> Column:
    """Return a column, and have its values counted."""
    if name not in scope.names:
        raise Missing(name)
    found = scope.columns[name]
    if found.kind == "unknown":
        raise Beyond(f"what is missing in column '{name}'")
    scope.ask(found.count)
    return found


def typed(scope: Scope, name: str, *, exact: bool = True) -> Column:
    """Return a column of whole numbers, numbers or text; `exact` when the last bit of a number may decide."""
    found = column_of(scope, name)
    if found.kind == "other":
        raise Beyond(f"the type of column '{name}'")
    scope.ask(found.largest, *([found.long] if exact else []))
    return found


def numeric(scope: Scope, name: str, *, exact: bool = True) -> Column:
    """Return a column of numbers, as `typed` does."""
    found = typed(scope, name, exact=exact)
    if found.kind == "text":
        raise Beyond(f"column '{name}' is text")
    return found


def refuse_unsound(found: Found, *columns: Column) -> None:
    """Refuse what pandas holds in another way: no values at all, and whole numbers too large for its floats."""
    for column in columns:
        if found[column.count] == 0:
            raise Beyond(f"column '{column.name}' has no values")
        if column.kind == "int" and found.nulls(column) and found[column.largest] > EXACT:
            raise Beyond(f"column '{column.name}' has whole numbers beyond 2^53 and missing values")


def refuse_inexact(found: Found, *columns: Column) -> None:
    """Refuse numbers whose last bit pandas' reader may round differently."""
    refuse_unsound(found, *columns)
    for column in columns:
        if found[column.long]:
            raise Beyond(f"column '{column.name}' has numbers of more than 15 digits")


def literal(value: Any, column: Column) -> str:
    """Return a value as a literal of SQL that a column can be compared with.

    Raises:
        Beyond: when it is of another type.
    """
    if isinstance(value, str) and column.kind == "text":
        return quoted(value)
    if not is_number(value) or column.kind == "text" or math.isnan(value):
        raise Beyond(f"a value of another type than column '{column.name}'")
    if isinstance(value, int) and column.kind == "int":
        if not -INT64 <= value < INT64:
            raise Beyond("a whole number beyond 64 bits")
        return f"{value}::BIGINT"
    return f"'{float(value)!r}'::DOUBLE"


def share_met(
    kwargs: Arguments, found: Found, bad: int, considered: int, against: str = "", shown: str = ""
) -> Outcome:
    """Judge the share of values that are as expected. `against` and `shown` are those of `Outcome`."""
    mostly = kwargs.get("mostly")
    success = not considered or (considered - bad) / considered >= (1 if mostly is None else mostly)
    result = {
        "element_count": found.rows,
        "unexpected_count": bad,
        "unexpected_percent": bad / considered * 100 if considered else None,
    }
    return Outcome(success=success, result=result, unexpected=against if bad else "", shown=shown)


def between(value: str, kwargs: Arguments, column: Column) -> str:
    """Return SQL that is true for a value between the limits."""
    parts = []
    if kwargs.get("min_value") is not None:
        parts.append(f"{value} {'>' if kwargs.get('strict_min') else '>='} {literal(kwargs['min_value'], column)}")
    if kwargs.get("max_value") is not None:
        parts.append(f"{value} {'<' if kwargs.get('strict_max') else '<='} {literal(kwargs['max_value'], column)}")
    return " AND ".join(parts)


def listed_in(kwargs: Arguments, scope: Scope) -> tuple[Column, str]:
    """Return a column, and SQL that is true where its value is in the set."""
    column = typed(scope, kwargs["column"])
    values = kwargs["value_set"]
    if column.kind == "int" and any(isinstance(value, float) for value in values):
        raise Beyond("fractions for whole numbers")
    return column, f"{column.value} IN ({', '.join(literal(value, column) for value in values)})"


def count_distinct(column: Column, scope: Scope) -> Callable[[Found, Callable[[Found, int], Outcome]], Outcome | Again]:
    """Have the different values counted: whole numbers in a second look, in a bitmap when they lie close together."""
    first = () if column.kind == "int" else (f"count(DISTINCT {column.value})",)
    ends = (f"min({column.value})", f"max({column.value})") if column.kind == "int" else ()
    scope.ask(*first, *ends)

    def count(found: Found, then: Callable[[Found, int], Outcome]) -> Outcome | Again:
        refuse_inexact(found, column)
        if first:
            return then(found, int(found[first[0]]))
        low, high = (int(found[end]) for end in ends)
        value, asked = column.value, f"count(DISTINCT {column.value})"
        if high - low < min(_BITMAP, _SPREAD * int(found[column.count])):
            asked = f"bit_count(bitstring_agg({value}, {low}, {high}))"
        return Again(asked=(asked,), finish=lambda more: then(more, int(more[asked])))

    return count


def limited(value: Any, kwargs: Arguments, margin: float = 0) -> Outcome:
    """Judge an observed value by the limits; `margin` is how far off it may be."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return Outcome(success=False, result={"observed_value": None})
    bounds = [kwargs[key] for key in ("min_value", "max_value") if kwargs.get(key) is not None]
    if any(isinstance(bound, str) != isinstance(value, str) for bound in bounds):
        raise Beyond("a limit of another type than the column")
    if isinstance(value, str) and not all(map(_is_day, (value, *bounds))):
        raise Beyond("text that is no date")
    if margin and any(abs(value - bound) <= margin for bound in bounds):
        raise Beyond("a value so near to a limit that the order of a sum decides")
    # numpy compares its whole numbers with a float as floats, Python does not.
    compared = float(value) if isinstance(value, int) and any(isinstance(bound, float) for bound in bounds) else value
    return Outcome(success=_within(compared, kwargs), result={"observed_value": value})


def _is_day(text: str) -> bool:
    """Tell whether it is a date that sorts as text as it does in time."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _within(value: Any, kwargs: Arguments) -> bool:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    above = low is None or (value > low if kwargs.get("strict_min") else value >= low)
    return bool(above and (high is None or (value < high if kwargs.get("strict_max") else value <= high)))


def as_pandas(value: Any, column: Column, found: Found) -> Any:
    """Return a value of a column as pandas holds it: whole numbers beside missing ones are floats."""
    return float(value) if column.kind == "float" or (column.kind == "int" and found.nulls(column)) else value
