"""Expectations of several columns, row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mlcicd.runtime.validation.native_common import Arguments, literal, refuse_inexact, share_met, typed
from mlcicd.runtime.validation.native_model import EXACT, TABLE, Again, Beyond, Column, Finish, Found, Outcome, Scope


def pair(compare: Callable[[Column, Column, Arguments], str]) -> Callable[..., Finish]:
    """Make a judge of two columns, row by row."""

    def judge(kwargs: Arguments, scope: Scope) -> Finish:
        a, b = typed(scope, kwargs["column_A"]), typed(scope, kwargs["column_B"])
        return _rowwise(kwargs, scope, [a, b], f"coalesce({compare(a, b, kwargs)}, false)")

    return judge


def _kept(kwargs: Arguments, columns: Sequence[Column]) -> str:
    """Return SQL that is true for the rows that are considered."""
    how = str(kwargs.get("ignore_row_if") or "all")
    if how in ("neither", "never"):
        return "true"
    word = " AND " if how.startswith(("either", "any")) else " OR "
    return f"({word.join(f'{column.value} IS NOT NULL' for column in columns)})"


def _rowwise(kwargs: Arguments, scope: Scope, columns: Sequence[Column], meets: str) -> Finish:
    kept = _kept(kwargs, columns)
    against = f"{kept} AND NOT ({meets})"
    scope.ask(f"count_if({kept})", f"count_if({against})")

    def finish(found: Found) -> Outcome:
        _comparable(found, columns)
        bad, considered = int(found[f"count_if({against})"]), int(found[f"count_if({kept})"])
        shown = f"[{', '.join(f'CAST({column.value} AS VARCHAR)' for column in columns)}]"
        return share_met(kwargs, found, bad, considered, against, shown)

    return finish


def _comparable(found: Found, columns: Sequence[Column]) -> None:
    refuse_inexact(found, *columns)
    mixed = len({column.kind for column in columns}) > 1
    if mixed and any(found[column.largest] > EXACT for column in columns if column.kind == "int"):
        raise Beyond("whole numbers beyond 2^53 beside fractions")


def _alike(columns: Sequence[Column]) -> None:
    if len({column.kind == "text" for column in columns}) > 1:
        raise Beyond("columns of different types")


def greater(a: Column, b: Column, kwargs: Arguments) -> str:
    """Return SQL that is true where the first is the greater."""
    _alike([a, b])
    if a.kind == "text":
        raise Beyond("the order of texts in two columns")
    return f"{a.value} {'>=' if kwargs.get('or_equal') else '>'} {b.value}"


def equal(a: Column, b: Column, kwargs: Arguments) -> str:
    """Return SQL that is true where both are equal."""
    _alike([a, b])
    return f"{a.value} = {b.value}"


def pair_listed(a: Column, b: Column, kwargs: Arguments) -> str:
    """Return SQL that is true where both are one of the pairs."""

    def one(column: Column, value: Any) -> str:
        return f"{column.value} IS NULL" if value is None else f"{column.value} = {literal(value, column)}"

    return " OR ".join(
        f"coalesce({one(a, first)} AND {one(b, second)}, false)" for first, second in kwargs["value_pairs_set"]
    )


def record_unique(kwargs: Arguments, scope: Scope) -> Finish:
    """In each row, the columns' values differ from each other."""
    columns = _several(kwargs, scope)
    pairs = [(a, b) for index, a in enumerate(columns) for b in columns[index + 1 :]]
    same = " OR ".join(f"{a.value} IS NOT DISTINCT FROM {b.value}" for a, b in pairs)
    return _rowwise(kwargs, scope, columns, f"NOT ({same})")


def _several(kwargs: Arguments, scope: Scope) -> list[Column]:
    names = kwargs["column_list"]
    columns = [typed(scope, name) for name in names]
    _alike(columns)
    if len(set(names)) < len(names) or len(names) < 2:
        raise Beyond("a column listed twice, or alone")
    return columns


def row_sum(kwargs: Arguments, scope: Scope) -> Finish:
    """In each row, whole numbers add up to a total."""
    columns = _several(kwargs, scope)
    if any(column.kind != "int" for column in columns):
        raise Beyond("the sum of fractions")
    total = " + ".join(f"{column.value}::HUGEINT" for column in columns)
    wanted = kwargs["sum_total"]
    if wanted != int(wanted) or abs(wanted) > EXACT:
        raise Beyond("a total that is no whole number")
    finish = _rowwise(kwargs, scope, columns, f"coalesce({total} = {int(wanted)}, false)")

    def bounded(found: Found) -> Outcome | Again:
        if sum(int(found[column.largest] or 0) for column in columns) > EXACT:
            raise Beyond("sums beyond 2^53")
        return finish(found)

    return bounded


def compound_unique(kwargs: Arguments, scope: Scope) -> Finish:
    """Each combination of the columns' values occurs once."""
    names = kwargs["column_list"]
    columns = [typed(scope, name) for name in names]
    if len(set(names)) < len(names) or len(names) < 2:
        raise Beyond("a column listed twice, or alone")
    kept = _kept(kwargs, columns)
    scope.ask(f"count_if({kept})")
    by = ", ".join(column.value for column in columns)
    again = f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM {TABLE} WHERE {kept} "  # noqa: S608
    again += f"GROUP BY {by}) WHERE n > 1"

    def finish(found: Found) -> Outcome:
        refuse_inexact(found, *columns)
        return share_met(kwargs, found, int(found.query(again)[0][0]), int(found[f"count_if({kept})"]))

    return finish
