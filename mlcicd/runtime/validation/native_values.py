"""Expectations that each value of a column must meet."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from mlcicd.runtime.validation import native_regex as regexes
from mlcicd.runtime.validation.native_common import (
    TIGHT,
    Arguments,
    between,
    column_of,
    count_distinct,
    listed_in,
    numeric,
    refuse_inexact,
    refuse_unsound,
    share_met,
    typed,
)
from mlcicd.runtime.validation.native_model import TABLE, Beyond, Column, Finish, Found, Outcome, Scope, quoted


def not_null(kwargs: Arguments, scope: Scope) -> Finish:
    """Values are there."""
    column = column_of(scope, kwargs["column"])
    return lambda found: share_met(kwargs, found, found.nulls(column), found.rows)


def null(kwargs: Arguments, scope: Scope) -> Finish:
    """Values are missing."""
    column = column_of(scope, kwargs["column"])
    against = f"{column.value} IS NOT NULL"
    return lambda found: share_met(kwargs, found, int(found[column.count]), found.rows, against, column.value)


def in_range(kwargs: Arguments, scope: Scope) -> Finish:
    """Values lie between limits."""
    column = numeric(scope, kwargs["column"], exact=False)
    meets = between(column.value, kwargs, column)
    near = f"count_if(CASE WHEN {_near(column, kwargs)} THEN {column.is_long} ELSE false END)"
    if column.rounded:
        scope.ask(near)

    def check(found: Found) -> None:
        refuse_unsound(found, column)
        if column.rounded and found[near]:
            raise Beyond("a number at a limit that pandas' reader may round differently")

    return _asked(scope, _mapped(kwargs, column, meets, check))


def _near(column: Column, kwargs: Arguments) -> str:
    """Return SQL that is true for what is within a few bits of a limit."""
    limits = [float(kwargs[key]) for key in ("min_value", "max_value") if kwargs.get(key) is not None]
    spans = [sorted([limit * (1 - TIGHT), limit * (1 + TIGHT)]) for limit in limits if math.isfinite(limit)]
    said = [f"{column.value} BETWEEN '{low!r}'::DOUBLE AND '{high!r}'::DOUBLE" for low, high in spans]
    return " OR ".join(said) or "false"


def in_set(kwargs: Arguments, scope: Scope) -> Finish:
    """Values are among those listed."""
    column, listed = listed_in(kwargs, scope)
    return _asked(scope, _mapped(kwargs, column, listed, lambda found: refuse_inexact(found, column)))


def not_in_set(kwargs: Arguments, scope: Scope) -> Finish:
    """Values are not among those listed."""
    column, listed = listed_in(kwargs, scope)
    return _asked(scope, _mapped(kwargs, column, f"NOT ({listed})", lambda found: refuse_inexact(found, column)))


def unique(kwargs: Arguments, scope: Scope) -> Finish:
    """Values occur once."""
    column = typed(scope, kwargs["column"])
    counting = count_distinct(column, scope)
    again = f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM {TABLE} WHERE {column.value} IS NOT NULL "  # noqa: S608
    again += f"GROUP BY {column.value}) WHERE n > 1"

    def judged(found: Found, distinct: int) -> Outcome:
        count = int(found[column.count])
        bad = 0 if distinct == count else int(found.query(again)[0][0])
        repeated = f"count(*) OVER (PARTITION BY {column.value}) > 1 AND {column.value} IS NOT NULL"
        return share_met(kwargs, found, bad, count, repeated, column.value)

    return lambda found: counting(found, judged)


def lengths(kwargs: Arguments, scope: Scope) -> Finish:
    """Texts are as long as they should be, in characters."""
    column = typed(scope, kwargs["column"], exact=False)
    if column.kind != "text":
        raise Beyond(f"column '{column.name}' is no text")
    number = Column(name=column.name, kind="int", value=f"length({column.value})")
    if "value" in kwargs:
        kwargs = {**kwargs, "min_value": float(kwargs["value"]), "max_value": float(kwargs["value"])}
    meets = between(number.value, kwargs, number)
    return _asked(scope, _mapped(kwargs, column, meets, lambda found: refuse_unsound(found, column)))


def matches(kwargs: Arguments, scope: Scope) -> Finish:
    """Texts match a regular expression, or any or all of several."""
    patterns = kwargs["regex_list"] if "regex_list" in kwargs else [kwargs["regex"]]
    word = " AND " if kwargs.get("match_on") == "all" else " OR "
    return _matched(kwargs, scope, patterns, lambda each: f"({word.join(each)})")


def matches_not(kwargs: Arguments, scope: Scope) -> Finish:
    """Texts match no regular expression."""
    patterns = kwargs["regex_list"] if "regex_list" in kwargs else [kwargs["regex"]]
    return _matched(kwargs, scope, patterns, lambda each: f"NOT ({' OR '.join(each)})")


def _matched(kwargs: Arguments, scope: Scope, patterns: Sequence[str], join: Callable[[list[str]], str]) -> Finish:
    column = typed(scope, kwargs["column"], exact=False)
    if column.kind == "float":
        raise Beyond(f"how the numbers of column '{column.name}' are written")
    value = f"CAST({column.value} AS VARCHAR)" if column.kind == "int" else column.value
    sensitive = any(map(regexes.is_sensitive, patterns))
    foreign = (
        f"NOT regexp_full_match({value}, {quoted(regexes.PLAIN_TEXT)})" if sensitive else f"contains({value}, chr(10))"
    )
    scope.ask(f"count_if({foreign})")

    def check(found: Found) -> None:
        refuse_unsound(found, column)
        if found[f"count_if({foreign})"]:
            raise Beyond("letters or line ends that regular expressions read in different ways")
        if column.kind == "int" and found.nulls(column):
            raise Beyond("how whole numbers are written beside missing ones")

    meets = join([f"regexp_matches({value}, {quoted(pattern)})" for pattern in patterns])
    return _asked(scope, _mapped(kwargs, column, meets, check))


def _mapped(kwargs: Arguments, column: Column, meets: str, check: Callable[[Found], None]) -> tuple[str, Finish]:
    """Judge row by row: those with a value must meet a condition. Returns the count to ask for, and its reader."""
    against = f"{column.value} IS NOT NULL AND NOT ({meets})"
    asked = f"count_if({against})"

    def finish(found: Found) -> Outcome:
        check(found)
        return share_met(kwargs, found, int(found[asked]), int(found[column.count]), against, column.value)

    return asked, finish


def _asked(scope: Scope, pair: tuple[str, Finish]) -> Finish:
    scope.ask(pair[0])
    return pair[1]
