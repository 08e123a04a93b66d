"""Each expectation that is judged natively, put into SQL and read back, with the verdict of Great Expectations.

A function takes a rule's arguments and the table, has aggregates computed by the one SELECT (`Scope.ask`), and returns
what reads the answers. Where the answer could differ from pandas' (a rounding at a limit, types that do not
fit) it raises `Beyond`, and Great Expectations judges.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from mlcicd.runtime.validation import native_regex as regexes
from mlcicd.runtime.validation.arguments import is_number
from mlcicd.runtime.validation.native_model import EXACT, Again, Beyond, Column, Finish, Found, Outcome, Scope, quoted

Arguments = Mapping[str, Any]
_INT64 = 2**63
# Most bits of a bitmap of whole numbers (32 MB), and how many it may have for each value.
_BITMAP, _SPREAD = 2**28, 4096
# Sums of floating-point numbers depend on their order; nearer than this to a limit the verdict may.
_LOOSE, _TIGHT = 1e-9, 1e-12


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


def _typed(scope: Scope, name: str, *, exact: bool = True) -> Column:
    """Return a column of whole numbers, numbers or text; `exact` when the last bit of a number may decide."""
    found = column_of(scope, name)
    if found.kind == "other":
        raise Beyond(f"the type of column '{name}'")
    scope.ask(found.largest, *([found.long] if exact else []))
    return found


def _numeric(scope: Scope, name: str, *, exact: bool = True) -> Column:
    found = _typed(scope, name, exact=exact)
    if found.kind == "text":
        raise Beyond(f"column '{name}' is text")
    return found


def _sound(found: Found, *columns: Column) -> None:
    """Refuse what pandas holds in another way: no values at all, and whole numbers too large for its floats."""
    for column in columns:
        if found[column.count] == 0:
            raise Beyond(f"column '{column.name}' has no values")
        if column.kind == "int" and found.nulls(column) and found[column.largest] > EXACT:
            raise Beyond(f"column '{column.name}' has whole numbers beyond 2^53 and missing values")


def _exact(found: Found, *columns: Column) -> None:
    """Refuse numbers whose last bit pandas' reader may round differently."""
    _sound(found, *columns)
    for column in columns:
        if found[column.long]:
            raise Beyond(f"column '{column.name}' has numbers of more than 15 digits")


def _literal(value: Any, column: Column) -> str:
    if isinstance(value, str) and column.kind == "text":
        return quoted(value)
    if not is_number(value) or column.kind == "text" or math.isnan(value):
        raise Beyond(f"a value of another type than column '{column.name}'")
    if isinstance(value, int) and column.kind == "int":
        if not -_INT64 <= value < _INT64:
            raise Beyond("a whole number beyond 64 bits")
        return f"{value}::BIGINT"
    return f"'{float(value)!r}'::DOUBLE"


def _mapped(kwargs: Arguments, column: Column, meets: str, check: Callable[[Found], None]) -> tuple[str, Finish]:
    """Judge row by row: those with a value must meet a condition. Returns the count to ask for, and its reader."""
    against = f"{column.value} IS NOT NULL AND NOT ({meets})"
    asked = f"count_if({against})"

    def finish(found: Found) -> Outcome:
        check(found)
        return _share(kwargs, found, int(found[asked]), int(found[column.count]), against, column.value)

    return asked, finish


def _share(kwargs: Arguments, found: Found, bad: int, considered: int, against: str = "", shown: str = "") -> Outcome:
    mostly = kwargs.get("mostly")
    success = not considered or (considered - bad) / considered >= (1 if mostly is None else mostly)
    result = {
        "element_count": found.rows,
        "unexpected_count": bad,
        "unexpected_percent": bad / considered * 100 if considered else None,
    }
    return Outcome(success=success, result=result, unexpected=against if bad else "", shown=shown)


def _asked(scope: Scope, pair: tuple[str, Finish]) -> Finish:
    scope.ask(pair[0])
    return pair[1]


def not_null(kwargs: Arguments, scope: Scope) -> Finish:
    """Values are there."""
    column = column_of(scope, kwargs["column"])
    return lambda found: _share(kwargs, found, found.nulls(column), found.rows)


def null(kwargs: Arguments, scope: Scope) -> Finish:
    """Values are missing."""
    column = column_of(scope, kwargs["column"])
    against = f"{column.value} IS NOT NULL"
    return lambda found: _share(kwargs, found, int(found[column.count]), found.rows, against, column.value)


def in_range(kwargs: Arguments, scope: Scope) -> Finish:
    """Values lie between limits."""
    column = _numeric(scope, kwargs["column"], exact=False)
    meets = _between_sql(column.value, kwargs, column)
    near = f"count_if(CASE WHEN {_near(column, kwargs)} THEN {column.is_long} ELSE false END)"
    if column.rounded:
        scope.ask(near)

    def check(found: Found) -> None:
        _sound(found, column)
        if column.rounded and found[near]:
            raise Beyond("a number at a limit that pandas' reader may round differently")

    return _asked(scope, _mapped(kwargs, column, meets, check))


def _near(column: Column, kwargs: Arguments) -> str:
    """Return SQL that is true for what is within a few bits of a limit."""
    limits = [float(kwargs[key]) for key in ("min_value", "max_value") if kwargs.get(key) is not None]
    spans = [sorted([limit * (1 - _TIGHT), limit * (1 + _TIGHT)]) for limit in limits if math.isfinite(limit)]
    said = [f"{column.value} BETWEEN '{low!r}'::DOUBLE AND '{high!r}'::DOUBLE" for low, high in spans]
    return " OR ".join(said) or "false"


def _between_sql(value: str, kwargs: Arguments, column: Column) -> str:
    parts = []
    if kwargs.get("min_value") is not None:
        parts.append(f"{value} {'>' if kwargs.get('strict_min') else '>='} {_literal(kwargs['min_value'], column)}")
    if kwargs.get("max_value") is not None:
        parts.append(f"{value} {'<' if kwargs.get('strict_max') else '<='} {_literal(kwargs['max_value'], column)}")
    return " AND ".join(parts)


def in_set(kwargs: Arguments, scope: Scope) -> Finish:
    """Values are among those listed."""
    column, listed = _set(kwargs, scope)
    return _asked(scope, _mapped(kwargs, column, listed, lambda found: _exact(found, column)))


def not_in_set(kwargs: Arguments, scope: Scope) -> Finish:
    """Values are not among those listed."""
    column, listed = _set(kwargs, scope)
    return _asked(scope, _mapped(kwargs, column, f"NOT ({listed})", lambda found: _exact(found, column)))


def _set(kwargs: Arguments, scope: Scope) -> tuple[Column, str]:
    column = _typed(scope, kwargs["column"])
    values = kwargs["value_set"]
    if column.kind == "int" and any(isinstance(value, float) for value in values):
        raise Beyond("fractions for whole numbers")
    return column, f"{column.value} IN ({', '.join(_literal(value, column) for value in values)})"


def unique(kwargs: Arguments, scope: Scope) -> Finish:
    """Values occur once."""
    column = _typed(scope, kwargs["column"])
    count_distinct = _distinct(column, scope)
    again = f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM {{table}} WHERE {column.value} IS NOT NULL "  # noqa: S608
    again += f"GROUP BY {column.value}) WHERE n > 1"

    def judged(found: Found, distinct: int) -> Outcome:
        count = int(found[column.count])
        bad = 0 if distinct == count else int(found.query(again)[0][0])
        repeated = f"count(*) OVER (PARTITION BY {column.value}) > 1 AND {column.value} IS NOT NULL"
        return _share(kwargs, found, bad, count, repeated, column.value)

    return lambda found: count_distinct(found, judged)


def _distinct(column: Column, scope: Scope) -> Callable[[Found, Callable[[Found, int], Outcome]], Outcome | Again]:
    """Have the different values counted: whole numbers in a second look, in a bitmap when they lie close together."""
    first = () if column.kind == "int" else (f"count(DISTINCT {column.value})",)
    ends = (f"min({column.value})", f"max({column.value})") if column.kind == "int" else ()
    scope.ask(*first, *ends)

    def count(found: Found, then: Callable[[Found, int], Outcome]) -> Outcome | Again:
        _exact(found, column)
        if first:
            return then(found, int(found[first[0]]))
        low, high = (int(found[end]) for end in ends)
        value, asked = column.value, f"count(DISTINCT {column.value})"
        if high - low < min(_BITMAP, _SPREAD * int(found[column.count])):
            asked = f"bit_count(bitstring_agg({value}, {low}, {high}))"
        return Again(asked=(asked,), finish=lambda more: then(more, int(more[asked])))

    return count


def lengths(kwargs: Arguments, scope: Scope) -> Finish:
    """Texts are as long as they should be, in characters."""
    column = _typed(scope, kwargs["column"], exact=False)
    if column.kind != "text":
        raise Beyond(f"column '{column.name}' is no text")
    number = Column(name=column.name, kind="int", value=f"length({column.value})")
    if "value" in kwargs:
        kwargs = {**kwargs, "min_value": float(kwargs["value"]), "max_value": float(kwargs["value"])}
    meets = _between_sql(number.value, kwargs, number)
    return _asked(scope, _mapped(kwargs, column, meets, lambda found: _sound(found, column)))


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
    column = _typed(scope, kwargs["column"], exact=False)
    if column.kind == "float":
        raise Beyond(f"how the numbers of column '{column.name}' are written")
    value = f"CAST({column.value} AS VARCHAR)" if column.kind == "int" else column.value
    sensitive = any(map(regexes.is_sensitive, patterns))
    foreign = (
        f"NOT regexp_full_match({value}, {quoted(regexes.PLAIN_TEXT)})" if sensitive else f"contains({value}, chr(10))"
    )
    scope.ask(f"count_if({foreign})")

    def check(found: Found) -> None:
        _sound(found, column)
        if found[f"count_if({foreign})"]:
            raise Beyond("letters or line ends that regular expressions read in different ways")
        if column.kind == "int" and found.nulls(column):
            raise Beyond("how whole numbers are written beside missing ones")

    meets = join([f"regexp_matches({value}, {quoted(pattern)})" for pattern in patterns])
    return _asked(scope, _mapped(kwargs, column, meets, check))


def aggregate(observe: Callable[[Column, Scope], Callable[[Found], tuple[Any, float]]]) -> Callable[..., Finish]:
    """Make a judge of one number of a column; `observe` returns it and how exact it is (absolute)."""

    def judge(kwargs: Arguments, scope: Scope) -> Finish:
        column = _typed(scope, kwargs["column"], exact=False)
        read = observe(column, scope)

        def finish(found: Found) -> Outcome:
            value, margin = read(found)
            return _limited(value, kwargs, margin)

        return finish

    return judge


def _limited(value: Any, kwargs: Arguments, margin: float = 0) -> Outcome:
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


def _as_pandas(value: Any, column: Column, found: Found) -> Any:
    """Return a value of a column as pandas holds it: whole numbers beside missing ones are floats."""
    return float(value) if column.kind == "float" or (column.kind == "int" and found.nulls(column)) else value


def extreme(word: str) -> Callable[..., Finish]:
    """Make a judge of the smallest or the largest value."""

    def observe(column: Column, scope: Scope) -> Callable[[Found], tuple[Any, float]]:
        asked = f"{word}({column.value})"
        scope.ask(asked, column.long)

        def read(found: Found) -> tuple[Any, float]:
            _sound(found, column)
            if column.kind == "text" and found.nulls(column):
                raise Beyond("the order of texts with missing ones among them")
            value = found[asked]
            margin = abs(value) * _TIGHT if found[column.long] and math.isfinite(value) else 0
            return _as_pandas(value, column, found), margin

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


def _sum_of(column: Column, scope: Scope) -> Callable[[Found], tuple[Any, float]]:
    total, sizes, infinite = _moments(column, scope)

    def read(found: Found) -> tuple[Any, float]:
        _sound(found, column)
        if found[infinite]:
            raise Beyond("infinite values")
        if column.kind == "int" and found[sizes] >= _INT64:
            raise Beyond("a sum beyond 64 bits")
        exact = column.kind == "int" and (found[sizes] < EXACT or not found.nulls(column))
        return _as_pandas(found[total], column, found), 0 if exact else float(found[sizes]) * _LOOSE

    return read


def _mean_of(column: Column, scope: Scope) -> Callable[[Found], tuple[Any, float]]:
    total, sizes, infinite = _moments(column, scope)

    def read(found: Found) -> tuple[Any, float]:
        _sound(found, column)
        if found[infinite]:
            raise Beyond("infinite values")
        count = int(found[column.count])
        exact = column.kind == "int" and found[sizes] < EXACT
        return float(found[total]) / count, 0 if exact else float(found[sizes]) / count * _LOOSE

    return read


def _deviation_of(column: Column, scope: Scope) -> Callable[[Found], tuple[Any, float]]:
    _, sizes, infinite = _moments(column, scope)
    finite = f"FILTER (isfinite({column.value}))" if column.kind == "float" else ""
    asked = f"stddev_samp({column.value}::DOUBLE) {finite}"
    scope.ask(asked)

    def read(found: Found) -> tuple[Any, float]:
        _sound(found, column)
        if found[infinite]:
            raise Beyond("infinite values")
        value = found[asked]
        scale = float(found[sizes]) / int(found[column.count])
        return value, 0 if value is None else max(value * _LOOSE, scale * _TIGHT)

    return read


def median(kwargs: Arguments, scope: Scope) -> Finish:
    """The middle value, or the mean of the two in the middle, lies between limits."""
    column = _numeric(scope, kwargs["column"])

    def finish(found: Found) -> Outcome | Again:
        _sound(found, column)
        count = int(found[column.count])
        return _ranked(found, column, [(count - 1) // 2, count // 2], judged)

    def judged(found: Found, values: Sequence[Any]) -> Outcome:
        middle = (float(values[0]) + float(values[1])) / 2
        near = found[column.long] or (column.kind == "int" and found[column.largest] > EXACT)
        return _limited(middle, kwargs, abs(middle) * _TIGHT if near else 0)

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
        column = _typed(scope, kwargs["column"])
        count_distinct = _distinct(column, scope)

        def judged(found: Found, distinct: int) -> Outcome:
            return _limited(distinct / int(found[column.count]) if share else distinct, kwargs)

        return lambda found: count_distinct(found, judged)

    return judge


def quantiles(kwargs: Arguments, scope: Scope) -> Finish:
    """Quantiles (the nearest value) lie in their ranges, or within 0.01 % of a limit."""
    column = _numeric(scope, kwargs["column"])
    shares, ranges = kwargs["quantile_ranges"]["quantiles"], kwargs["quantile_ranges"]["value_ranges"]

    def finish(found: Found) -> Outcome | Again:
        _exact(found, column)
        count = int(found[column.count])
        return _ranked(found, column, [_nearest(share, count) for share in shares], judged)

    def judged(found: Found, ranked: Sequence[Any]) -> Outcome:
        values = [_as_pandas(value, column, found) for value in ranked]
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
        column, listed = _set(kwargs, scope)
        outside, inside = f"count_if(NOT ({listed}))", f"count(DISTINCT {column.value}) FILTER ({listed})"
        scope.ask(outside, inside)

        def finish(found: Found) -> Outcome:
            _exact(found, column)
            success = not (within and found[outside]) and not (
                whole and int(found[inside]) < len(set(kwargs["value_set"]))
            )
            return Outcome(success=success, result={"observed_value": None})

        return finish

    return judge


def present_share(kwargs: Arguments, scope: Scope) -> Finish:
    """The share of values that are there lies between limits."""
    column = column_of(scope, kwargs["column"])
    return lambda found: _limited(int(found[column.count]) / found.rows, kwargs)


def exists(kwargs: Arguments, scope: Scope) -> Finish:
    """A column is there."""
    there = kwargs["column"] in scope.names
    return lambda found: Outcome(success=there)


def same_list(kwargs: Arguments, scope: Scope) -> Finish:
    """The columns are those listed, in this order."""
    names = list(scope.names)
    return lambda found: Outcome(success=names == list(kwargs["column_list"]), result={"observed_value": names})


def same_set(kwargs: Arguments, scope: Scope) -> Finish:
    """The columns are those listed, or hold them."""
    expected, names = set(kwargs["column_set"]), set(scope.names)
    exact = kwargs.get("exact_match", True)
    success = expected == names if exact else expected <= names
    return lambda found: Outcome(success=success, result={"observed_value": sorted(names)})


def counted(count: Callable[[Found, Scope], int]) -> Callable[..., Finish]:
    """Make a judge of the number of rows or of columns."""

    def judge(kwargs: Arguments, scope: Scope) -> Finish:
        def finish(found: Found) -> Outcome:
            value = count(found, scope)
            if "value" in kwargs:
                return Outcome(success=value == kwargs["value"], result={"observed_value": value})
            return _limited(value, kwargs)

        return finish

    return judge


def pair(compare: Callable[[Column, Column, Arguments], str]) -> Callable[..., Finish]:
    """Make a judge of two columns, row by row."""

    def judge(kwargs: Arguments, scope: Scope) -> Finish:
        a, b = _typed(scope, kwargs["column_A"]), _typed(scope, kwargs["column_B"])
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
        return _share(kwargs, found, bad, considered, against, shown)

    return finish


def _comparable(found: Found, columns: Sequence[Column]) -> None:
    _exact(found, *columns)
    mixed = len({column.kind for column in columns}) > 1
    if mixed and any(found[column.largest] > EXACT for column in columns if column.kind == "int"):
        raise Beyond("whole numbers beyond 2^53 beside fractions")


def _alike(columns: Sequence[Column]) -> None:
    if len({column.kind == "text" for column in columns}) > 1:
        raise Beyond("columns of different types")


def _greater(a: Column, b: Column, kwargs: Arguments) -> str:
    _alike([a, b])
    if a.kind == "text":
        raise Beyond("the order of texts in two columns")
    return f"{a.value} {'>=' if kwargs.get('or_equal') else '>'} {b.value}"


def _equal(a: Column, b: Column, kwargs: Arguments) -> str:
    _alike([a, b])
    return f"{a.value} = {b.value}"


def _pair_listed(a: Column, b: Column, kwargs: Arguments) -> str:
    def one(column: Column, value: Any) -> str:
        return f"{column.value} IS NULL" if value is None else f"{column.value} = {_literal(value, column)}"

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
    columns = [_typed(scope, name) for name in names]
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
    columns = [_typed(scope, name) for name in names]
    if len(set(names)) < len(names) or len(names) < 2:
        raise Beyond("a column listed twice, or alone")
    kept = _kept(kwargs, columns)
    scope.ask(f"count_if({kept})")
    by = ", ".join(column.value for column in columns)
    again = f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM {{table}} WHERE {kept} "  # noqa: S608
    again += f"GROUP BY {by}) WHERE n > 1"

    def finish(found: Found) -> Outcome:
        _exact(found, *columns)
        return _share(kwargs, found, int(found.query(again)[0][0]), int(found[f"count_if({kept})"]))

    return finish


JUDGES: dict[str, Callable[[Arguments, Scope], Finish]] = {
    "expect_column_values_to_not_be_null": not_null,
    "expect_column_values_to_be_null": null,
    "expect_column_values_to_be_between": in_range,
    "expect_column_values_to_be_in_set": in_set,
    "expect_column_values_to_not_be_in_set": not_in_set,
    "expect_column_values_to_be_unique": unique,
    "expect_column_value_lengths_to_be_between": lengths,
    "expect_column_value_lengths_to_equal": lengths,
    "expect_column_values_to_match_regex": matches,
    "expect_column_values_to_match_regex_list": matches,
    "expect_column_values_to_not_match_regex": matches_not,
    "expect_column_values_to_not_match_regex_list": matches_not,
    "expect_column_min_to_be_between": extreme("min"),
    "expect_column_max_to_be_between": extreme("max"),
    "expect_column_sum_to_be_between": aggregate(_sum_of),
    "expect_column_mean_to_be_between": aggregate(_mean_of),
    "expect_column_median_to_be_between": median,
    "expect_column_stdev_to_be_between": aggregate(_deviation_of),
    "expect_column_unique_value_count_to_be_between": distinct_count(share=False),
    "expect_column_proportion_of_unique_values_to_be_between": distinct_count(share=True),
    "expect_column_proportion_of_non_null_values_to_be_between": present_share,
    "expect_column_quantile_values_to_be_between": quantiles,
    "expect_column_distinct_values_to_be_in_set": distinct_set(within=True, whole=False),
    "expect_column_distinct_values_to_contain_set": distinct_set(within=False, whole=True),
    "expect_column_distinct_values_to_equal_set": distinct_set(within=True, whole=True),
    "expect_column_to_exist": exists,
    "expect_table_columns_to_match_ordered_list": same_list,
    "expect_table_columns_to_match_set": same_set,
    "expect_table_row_count_to_be_between": counted(lambda found, scope: found.rows),
    "expect_table_row_count_to_equal": counted(lambda found, scope: found.rows),
    "expect_table_column_count_to_be_between": counted(lambda found, scope: len(scope.names)),
    "expect_table_column_count_to_equal": counted(lambda found, scope: len(scope.names)),
    "expect_column_pair_values_a_to_be_greater_than_b": pair(_greater),
    "expect_column_pair_values_to_be_equal": pair(_equal),
    "expect_column_pair_values_to_be_in_set": pair(_pair_listed),
    "expect_compound_columns_to_be_unique": compound_unique,
    "expect_select_column_values_to_be_unique_within_record": record_unique,
    "expect_multicolumn_sum_to_equal": row_sum,
}
