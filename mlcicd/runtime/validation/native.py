"""Judge a suite on a CSV or Parquet file with DuckDB, without Great Expectations and with its verdicts.

All rules of a table become one SELECT of aggregates; a few (quantiles, and what repeats when something does) ask once
more. What could come out differently from Great Expectations on pandas is not judged but handed back (`Judged.left`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlcicd.errors import OutsideError
from mlcicd.runtime.facts import Expectation
from mlcicd.runtime.validation import arguments, catalog, csv_faults, duck, native_csv, native_parquet, native_regex
from mlcicd.runtime.validation.gx_child import reduce
from mlcicd.runtime.validation.model import Judged, Rule, Table
from mlcicd.runtime.validation.native_common import Missing
from mlcicd.runtime.validation.native_model import (
    TABLE,
    Again,
    Beyond,
    Column,
    Finish,
    Found,
    Kind,
    Outcome,
    Scope,
    Unreadable,
    without_values,
)
from mlcicd.runtime.validation.native_rules import JUDGES

SUFFIXES = (".csv", ".parquet", ".pq")
_GLOB = frozenset("*?[")  # which DuckDB would take for several files
_FREQUENT = 5
# A thread of DuckDB needs about this much to read and to group.
# Great Expectations takes their limits for whole numbers, and all others for floats.
_WHOLE = ("expect_column_value_lengths_to_be_between", "expect_table_row_count_to_be_between")
# Not said in what was expected, as Great Expectations does not say them.
_DEFAULTS = {
    "mostly": (1,),
    "strict_min": (False,),
    "strict_max": (False,),
    "match_on": ("any",),
    "exact_match": (True,),
    "ignore_row_if": ("both_values_are_missing", "all_values_are_missing"),
}
_UNSUPPORTED = ("row_condition", "condition_parser", "allow_relative_error", "column_index")


def supports(rule: Rule) -> bool:
    """Tell whether a rule can be judged here, as far as its arguments tell."""
    given = {key: value for key, value in rule.kwargs.items() if value is not None}
    if rule.type not in JUDGES or any(given.get(key) for key in _UNSUPPORTED):
        return False
    if not set(given) <= set(catalog.ARGUMENTS[rule.type]) or not set(catalog.REQUIRED[rule.type]) <= set(given):
        return False
    patterns = given.get("regex_list") or [given["regex"]] if "regex" in given or "regex_list" in given else []
    if any(arguments.problems_of(rule.type, given)) or ("regex" in rule.type and not patterns):
        return False
    if not all(isinstance(given[key], int) for key in _whole(rule) if key in given):
        return False
    listed = {"expect_table_columns_to_match_ordered_list": "column_list"}.get(rule.type, "column_set")
    if rule.type.startswith("expect_table_columns") and listed not in given:
        return False
    return all(map(native_regex.same, patterns)) and given.get("match_on", "any") in ("any", "all")


def judge(table: Table, rules: Sequence[Rule], *, memory_mb: int | None, values: bool) -> Judged:
    """Judge rules on a file.

    Args:
        rules: any; those that only Great Expectations can judge on these data come back as `Judged.left`.
        memory_mb: most memory of DuckDB, which then keeps the rest in a temporary folder; its own default when None.
        values: show the most frequent unexpected values.

    Raises:
        OutsideError: when DuckDB is not installed, or the file cannot be read by this user.
    """
    if table.path is None or table.path.suffix.lower() not in SUFFIXES or _GLOB.intersection(str(table.path)):
        return Judged(left=tuple(rules))
    try:
        duck.need("engine: duckdb")
        with duck.opened(memory_mb) as database:
            return _Judging(database=database, table=table, rules=rules, values=values).run()
    except Unreadable as error:
        return Judged(error=str(error), unreadable=True)
    except Beyond as error:
        return Judged(left=tuple(rules), reason=str(error))
    except OSError as error:
        raise OutsideError(
            f"{table.name}: cannot be read: {error.strerror or error}",
            hint="is the file there? `mlcicd data` fetches it",
        ) from None


def _whole(rule: Rule) -> tuple[str, ...]:
    """Return the arguments that must be whole numbers."""
    limits = ("min_value", "max_value") if rule.type in _WHOLE else ()
    return (*limits, *(("value",) if rule.type.startswith("expect_table") else ()))


def _taken(rule: Rule) -> dict[str, Any]:
    """Return a rule's arguments as Great Expectations takes them, in its order."""
    given = {key: rule.kwargs[key] for key in catalog.ARGUMENTS[rule.type] if rule.kwargs.get(key) is not None}
    floats = [] if rule.type in _WHOLE else ["min_value", "max_value"]
    if rule.type in ("expect_column_value_lengths_to_equal", "expect_multicolumn_sum_to_equal"):
        floats = ["value", "sum_total"]
    return given | {key: float(given[key]) for key in floats if arguments.is_number(given.get(key))}


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The first answers, and what reads them: for each rule, None where it cannot be judged here.

    `header` are the names of all columns.
    """

    header: tuple[str, ...]
    finishes: tuple[Finish | None, ...]
    found: Found


@dataclass(frozen=True, kw_only=True)
class _Judging:
    """One table being judged."""

    database: Any
    table: Table
    rules: Sequence[Rule]
    values: bool

    def run(self) -> Judged:
        """Judge every rule that can be judged."""
        path = self.table.path
        assert path is not None  # noqa: S101 - judge has looked
        if path.suffix.lower() == ".csv":
            file = native_csv.look(path)
            if not file.lines:
                raise Unreadable("it has a header and no rows")
            try:
                return self._csv(file)
            except Exception as error:
                raise _cause(error, lambda: _fault(path)) from None
        parquet = native_parquet.look(self.database, path)
        columns = {name: parquet.column(name) for name in self._used(parquet.header)}
        try:
            asked = self._asked(parquet.header, columns, parquet.relation)
            if not asked.found.rows:
                raise Unreadable("it has no rows")
            return self._judged(asked)
        except Exception as error:
            raise _cause(error, lambda: duck.damage(self.database, path)) from None

    def _used(self, header: Sequence[str]) -> list[str]:
        named = [name for rule in self.rules for name in _names(rule)]
        return [name for name in dict.fromkeys(named) if name in header]

    def _csv(self, file: native_csv.CsvFile) -> Judged:
        """Judge with the types that the first rows suggest; when others contradict them, again."""
        names = self._used(file.header)
        sample = [file.column(name, "text") for name in names]
        kinds = self._guessed(file, sample)
        tried: dict[str, list[Kind]] = {name: [] for name in names}
        parallel = True

        def relation(used: Sequence[Column]) -> str:
            return file.relation(used, parallel=parallel)

        while True:
            columns = {name: file.column(name, kinds[name]) for name in names}
            guards = {sql for column in columns.values() for sql in native_csv.guards(column).values()}
            guards |= {column.count for column in columns.values()}
            asked = self._asked(file.header, columns, relation, guards)
            found = asked.found
            if found.rows != file.lines and not (file.quotes and not parallel):
                if not file.quotes or native_csv.has_blank_lines(file.path):
                    raise Beyond("its number of rows is not that of its lines")
                # Fields span lines: several readers could begin inside one.
                parallel = False
                continue
            now: dict[str, Kind] = {}
            for name, column in columns.items():
                tried[name].append(column.kind)
                now[name] = native_csv.revised(column, tried[name], found, len(file.header))
            if now == kinds:
                return self._judged(asked)
            kinds = now

    def _guessed(self, file: native_csv.CsvFile, sample: Sequence[Column]) -> dict[str, Kind]:
        if not sample:
            return {}
        picked = ", ".join(column.text for column in sample)
        rows = self.database.execute(
            f"SELECT {picked} FROM {file.relation(sample)} LIMIT {native_csv.SAMPLE}"  # noqa: S608
        ).fetchall()
        return {column.name: native_csv.guess([row[index] for row in rows]) for index, column in enumerate(sample)}

    def _asked(
        self,
        header: Sequence[str],
        columns: Mapping[str, Column],
        relation: Callable[[Sequence[Column]], str],
        guards: Collection[str] = (),
    ) -> _Asked:
        """Put the rules into one SELECT, and run it."""
        scope = Scope(names=tuple(header), columns=columns)
        finishes = tuple(self._prepared(rule, scope) for rule in self.rules)
        scope.ask(*sorted(guards))
        source = relation(tuple(columns.values()))

        def query(sql: str) -> list[tuple[Any, ...]]:
            # Materialized, a wide table would be held in memory for one SELECT.
            named = f"WITH {TABLE} AS NOT MATERIALIZED {source} {sql}"
            return list(self.database.execute(named).fetchall())

        (first,) = query(f"SELECT {', '.join(['count(*)', *scope.asked])} FROM {TABLE}")  # noqa: S608
        answers = dict(zip(scope.asked, first[1:], strict=True))
        return _Asked(header=tuple(header), finishes=finishes, found=Found(rows=first[0], answers=answers, query=query))

    def _judged(self, asked: _Asked) -> Judged:
        both = list(zip(self.rules, self._outcomes(asked.finishes, asked.found), strict=True))
        made = tuple(self._expectation(rule, outcome, asked.found) for rule, outcome in both if outcome)
        left = tuple(rule for rule, outcome in both if outcome is None)
        return Judged(rows=asked.found.rows, columns=asked.header, expectations=made, left=left)

    def _outcomes(self, finishes: Sequence[Finish | None], found: Found) -> list[Outcome | None]:
        """Read the answers, and ask once more for those rules that need it."""
        results = [_told(finish, found) for finish in finishes]
        asked = list(dict.fromkeys(sql for one in results if isinstance(one, Again) for sql in one.asked))
        if asked:
            (second,) = found.query(f"SELECT {', '.join(asked)} FROM {TABLE}")  # noqa: S608
            found = replace(found, answers={**found.answers, **dict(zip(asked, second, strict=True))})
        again = (_told(one.finish, found) if isinstance(one, Again) else one for one in results)
        return [one if isinstance(one, Outcome) else None for one in again]

    def _prepared(self, rule: Rule, scope: Scope) -> Finish | None:
        """Put a rule into SQL; None when it cannot be judged here."""
        if not supports(rule):
            return None
        before = dict(scope.asked)
        try:
            return JUDGES[rule.type](_taken(rule), scope)
        except Missing as error:
            outcome = _missing(str(error))
            return lambda found: outcome
        except Beyond:
            scope.asked.clear()
            scope.asked.update(before)
            return None

    def _expectation(self, rule: Rule, outcome: Outcome, found: Found) -> Expectation:
        info = {"raised_exception": bool(outcome.error), "exception_message": outcome.error or None}
        kwargs = {key: value for key, value in _taken(rule).items() if value not in _DEFAULTS.get(key, ())}
        entry = {
            "expectation_config": {"type": rule.type, "kwargs": kwargs, "severity": rule.severity},
            "success": outcome.success,
            "result": outcome.result,
            "exception_info": info,
        }
        made = Expectation(**{**reduce(entry, _names(rule), self.values), "engine": "duckdb"})
        if self.values and outcome.unexpected and outcome.shown:
            made = made.model_copy(update={"observed": f"{made.observed}{_frequent(outcome, found)}"})
        return made


def _names(rule: Rule) -> list[str]:
    """Return the columns that a rule is about."""
    kwargs = rule.kwargs
    several = kwargs.get("column_list") if not rule.type.startswith("expect_table") else None
    named = [kwargs.get(key) for key in ("column", "column_A", "column_B")]
    return [name for name in (*named, *(several or ())) if isinstance(name, str)]


def _told(finish: Finish | None, found: Found) -> Outcome | Again | None:
    try:
        return finish(found) if finish else None
    except Beyond:
        return None


def _missing(name: str) -> Outcome:
    return Outcome(success=False, error=f'Error: The column "{name}" in BatchData does not exist.')


def _frequent(outcome: Outcome, found: Found) -> str:
    """Return the most frequent unexpected values, for those who allow it."""
    inner = f"SELECT {outcome.shown} AS shown, {outcome.unexpected} AS bad FROM {TABLE}"  # noqa: S608
    rows = found.query(
        f"SELECT CAST(shown AS VARCHAR), count(*) AS n FROM ({inner}) WHERE bad "  # noqa: S608
        f"GROUP BY shown ORDER BY n DESC, shown LIMIT {_FREQUENT}"
    )
    shown = ", ".join(f"{value[:40]!r} ({count:,}×)" for value, count in rows)
    return f"; most often {shown}"


def _fault(path: Path) -> str:
    fault = csv_faults.find(path)
    return fault.text if fault and fault.refused else ""


def _cause(error: Exception, why: Callable[[], str]) -> Exception:
    """Return what an error of DuckDB means: a file that is no table, or one that it does not understand."""
    if not duck.is_error(error):
        return error
    said = why()
    return Unreadable(said) if said else Beyond(without_values(error))
