"""`validate --suggest`: a starter suite from what a file holds now, for a person to edit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcicd import yamlio
from mlcicd.config.fields import megabytes
from mlcicd.errors import UsageError
from mlcicd.runtime.project import Project
from mlcicd.runtime.validation import duck
from mlcicd.runtime.validation.suites import locate, top

if TYPE_CHECKING:
    from mlcicd.runtime.validate import Order

MOST_VALUES = 12  # of a column that gets a set of values
_NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "FLOAT",
    "DOUBLE",
)
_SEPARATORS = {";": ";", "\t": "tabs", "|": "|"}
_DIGITS = 2  # significant ones of a range

_HEAD = """\
# What is expected of {name}: a start, written by `mlcicd validate --suggest` from {rows:,} rows.
# Each line says what was seen once, not what must be so: keep what is true of all data to come, change or remove the
# rest, and make a warning critical once you rely on it. Names and arguments are those of Great Expectations.
expectations:
"""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One column: its type, how many values are missing and how many different ones there are, least and greatest."""

    name: str
    type: str
    missing: int
    distinct: int
    least: Any
    greatest: Any

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers."""
        return self.type in _NUMBERS or self.type.startswith("DECIMAL")


def refuse_mixtures(data: str, output: str, order: Order) -> None:
    """Refuse options that would be ignored: `--suggest` writes and judges nothing, and nothing else writes.

    Raises:
        UsageError: with the option that is too many.
    """
    named = {"--suite": order.suite, "--data": order.data, "--checkpoint": order.checkpoints}
    beside = next((option for option, value in named.items() if value), "")
    if data and beside:
        raise UsageError(
            f"{beside} cannot stand beside --suggest, which judges nothing",
            hint="write the suite first: --suggest DATA; then judge by it: --suite FILE --data DATA",
        )
    if output and not data:
        raise UsageError(
            "--output needs --suggest: it names the suite that is written", hint="--suggest DATA --output FILE"
        )


def run(project: Project, data: str, output: str, say: Callable[[str], None]) -> None:
    """Write a suite and say what to do with it; arguments and errors are those of `write`."""
    settings = project.config.validate_
    memory = megabytes(settings.memory) if settings and settings.memory else None
    name, count = write(project.root, data, output, memory)
    say(f"wrote {name}: {count} expectations, each from what {data} holds now")
    say("next: read it and change what is not true of all data to come; then add to mlcicd.yaml")
    say(f"  validate:\n    suites:\n      - {yamlio.scalar({'data': data, 'suite': name})}")
    say(f"try it: mlcicd validate --suite {name} --data {data}")


def write(root: Path, data: str, output: str = "", memory_mb: int | None = None) -> tuple[str, int]:
    """Write a suite for a CSV or Parquet file; the same data always gives the same text.

    Args:
        root: the project's folder, from which both paths count.
        data: the file to look at.
        output: the file to write; `expectations/<data>.yaml` when "".
        memory_mb: most memory of DuckDB in MB (10^6 bytes).

    Returns:
        the path that was written, and the number of expectations.

    Raises:
        UsageError: when the output exists or is outside the repository, or the data is no table.
        OutsideError: when the data is not there, or DuckDB is not installed.
    """
    path = locate(root, "--suggest", data)
    duck.need("--suggest")
    name = output or f"expectations/{path.name.split('.')[0]}.yaml"
    target = root / name
    if output and not target.resolve().is_relative_to(top(root.resolve())):
        raise UsageError(
            f"--output: {name} is outside the repository", hint="name a file in it, such as expectations/raw.yaml"
        )
    if target.exists():
        raise UsageError(f"--output: {name} exists, and is not overwritten", hint="name another with --output")
    lines = _learnt(path, data, memory_mb)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("x", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")
    return name, sum(line.startswith("  - ") for line in lines)


def _learnt(path: Path, data: str, memory_mb: int | None) -> list[str]:
    with duck.opened(memory_mb) as database:
        if why := duck.unreadable(database, "now", path):
            raise _no_table(data, why)
        try:
            rows, columns = _look(database)
            if not rows:
                raise UsageError(f"--suggest: {data} has no rows", hint="what is expected of data is learnt from some")
            _refuse_other_separators(path, data, columns)
            head = _HEAD.format(name=_comment(data), rows=rows)
            return [*head.splitlines(), *_lines(database, rows, columns)]
        except Exception as error:
            if not duck.is_error(error):
                raise
            raise _no_table(data, duck.told(error)) from None


def _no_table(data: str, why: str) -> UsageError:
    return UsageError(f"--suggest: {data}: {why}", hint="it has to be CSV with commas and a header, or Parquet")


def _refuse_other_separators(path: Path, data: str, columns: list[Seen]) -> None:
    """Refuse a CSV of one column whose name holds what usually separates columns: nothing true could be learnt."""
    if len(columns) > 1 or path.name.lower().endswith((".parquet", ".pq")):
        return
    for mark, name in _SEPARATORS.items():
        if mark in columns[0].name:
            raise _no_table(data, f"it has one column, '{_comment(columns[0].name)}': separated by {name}?")


def _look(database: Any) -> tuple[int, list[Seen]]:
    """Look at all columns in one pass; different values are estimated, and counted where their number decides."""
    types = duck.columns(database, "now")
    what = ["count(*)"]
    for name, kind in types.items():
        column = duck.identifier(name)
        finite = f"CASE WHEN isfinite({column}) THEN {column} END" if kind in ("FLOAT", "DOUBLE") else column
        what += [f"count({column})", f"approx_count_distinct({column})", f"min({finite})", f"max({finite})"]
    rows, *rest = duck.select(database, ", ".join(what), "now")[0]
    seen = []
    for at, (name, kind) in enumerate(types.items()):
        count, distinct, least, greatest = rest[4 * at : 4 * at + 4]
        column = duck.identifier(name)
        if distinct <= 2 * MOST_VALUES or distinct > rows / 2:
            distinct = duck.select(database, f"count(DISTINCT {column})", "now")[0][0]
        made = Seen(name=name, type=kind, missing=rows - count, distinct=distinct, least=least, greatest=greatest)
        seen.append(made)
    return rows, seen


def _lines(database: Any, rows: int, columns: list[Seen]) -> Iterator[str]:
    low, high = _rounded(rows / 2, down=True), _rounded(rows * 2, down=False)
    yield f"  # {rows:,} rows"
    yield _rule("expect_table_row_count_to_be_between", min_value=max(1, int(low)), max_value=int(high))
    yield f"  # {len(columns)} columns; others beside them are allowed"
    names = [column.name for column in columns]
    yield _rule("expect_table_columns_to_match_set", column_set=names, exact_match=False)
    for column in columns:
        yield from _of_column(database, rows, column)


def _of_column(database: Any, rows: int, column: Seen) -> Iterator[str]:
    """Yield what was seen of a column, and the expectations that follow from it."""
    present = rows - column.missing
    missing = f", {column.missing:,} missing" if column.missing else ""
    few = f", {column.distinct} different values" if column.distinct <= 2 * MOST_VALUES else ""
    yield f"  # {_comment(column.name)}: {column.type}{few}{missing}"
    if not present:
        yield "  # nothing can be learnt of an empty column"
        return
    if not column.missing:
        yield _rule("expect_column_values_to_not_be_null", column=column.name)
    elif column.missing / rows < 0.5:
        share = math.floor(100 * (present / rows - 0.01)) / 100
        if share > 0:
            yield _rule("expect_column_values_to_not_be_null", column=column.name, mostly=share, severity="warning")
    if _is_id(rows, column):
        yield _rule("expect_column_values_to_be_unique", column=column.name)
    elif column.distinct <= MOST_VALUES and present >= 5 * column.distinct and _is_plain(column):
        quoted = duck.identifier(column.name)
        found = duck.select(database, f"DISTINCT {quoted}", f"now WHERE {quoted} IS NOT NULL ORDER BY 1")
        values = [value for (value,) in found]
        yield _rule("expect_column_values_to_be_in_set", column=column.name, value_set=values, severity="warning")
    elif column.is_number and column.least is not None:
        low, high = _rounded(column.least, down=True), _rounded(column.greatest, down=False)
        limits = {"min_value": low, "max_value": high}
        yield f"  # from {column.least} to {column.greatest}"
        yield _rule("expect_column_values_to_be_between", column=column.name, **limits, severity="warning")


def _is_id(rows: int, column: Seen) -> bool:
    """Tell whether a column looks like one that names rows: all different, and whole numbers or text."""
    return rows >= 10 and column.distinct == rows and _is_plain(column)


def _is_plain(column: Seen) -> bool:
    """Tell whether a column's values can stand in a list: texts and whole numbers."""
    return column.type == "VARCHAR" or (
        column.is_number and column.type not in ("FLOAT", "DOUBLE") and "DEC" not in column.type
    )


def _rounded(value: Any, *, down: bool) -> int | float:
    """Round outwards to two significant digits, whole numbers to whole ones."""
    number = float(value)
    if number == 0:
        return 0
    step = 10.0 ** (math.floor(math.log10(abs(number))) - _DIGITS + 1)
    scaled = number / step
    found = (math.floor(scaled) if down else math.ceil(scaled)) * step
    found = float(f"{found:.{_DIGITS}g}")  # without the noise of the multiplication
    return int(found) if isinstance(value, int) or (found.is_integer() and abs(found) < 2**53) else found


def _rule(type: str, **kwargs: Any) -> str:
    return f"  - {type}: {yamlio.scalar(kwargs)}"


def _comment(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
