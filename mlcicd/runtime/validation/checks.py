"""The built-in checks: of a file against the base's version of it, of its rows, and of a split.

What is said about a table are counts, shares and names of columns; values of its rows only where that is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mlcicd.config.validation import COMPARING, CheckName, Checks
from mlcicd.runtime.facts import Checkpoint, Expectation
from mlcicd.runtime.validation import duck
from mlcicd.runtime.validation.base_data import Before
from mlcicd.runtime.validation.model import Severity
from mlcicd.runtime.validation.outcomes import conclude

MOST_CLASSES = 50  # distinct values that a column of categories or classes has at most
_SHOWN = 8
_KINDS = (
    ("number", re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*")),
    ("text", re.compile(r"VARCHAR|ENUM.*")),
    ("truth", re.compile("BOOLEAN")),
    ("time", re.compile("DATE|TIME.*|INTERVAL")),
)
# Each class's share of the rows in both versions, the largest change first.
_SHARES = """
WITH base_shares AS (SELECT {column}::VARCHAR AS class, count(*) / sum(count(*)) OVER () AS share FROM base GROUP BY 1),
     now_shares AS (SELECT {column}::VARCHAR AS class, count(*) / sum(count(*)) OVER () AS share FROM now GROUP BY 1)
SELECT coalesce(b.class, n.class) AS class, coalesce(b.share, 0) AS base, coalesce(n.share, 0) AS now
FROM base_shares b FULL JOIN now_shares n ON b.class IS NOT DISTINCT FROM n.class
ORDER BY round(abs(base - now), 9) DESC, class LIMIT {limit}
"""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is checked and how: thresholds, most memory in MB (10^6 bytes), whether values may be shown."""

    checks: Checks
    memory_mb: int | None = None
    values: bool = False

    def makes(self, name: CheckName) -> bool:
        """Tell whether a check is on."""
        return name not in self.checks.skip


def of_file(name: str, path: Path, label: str | None, before: Before, settings: Settings) -> Checkpoint:
    """Check one CSV or Parquet file.

    Args:
        name: what people call it.
        path: where it is.
        label: column of the class, if there is one.
        before: the base's version.
        settings: what is checked.
    """
    group = Checkpoint(name=name, kind="checks", success=True)
    with duck.opened(settings.memory_mb) as database:
        if error := duck.unreadable(database, "now", path):
            return conclude(group, (), error=error)
        try:
            entries = [*_alone(database, label, settings), *_compared(database, label, before, settings)]
            return conclude(group, entries, rows=_count(database, "now"))
        except Exception as caught:
            if not duck.is_error(caught):
                raise
            return conclude(group, (), error=duck.told(caught))


def of_split(train: tuple[str, Path], test: tuple[str, Path], key: Sequence[str], settings: Settings) -> Checkpoint:
    """Check that two files, each given by name and place, have no row in common.

    Args:
        train: the file to train on.
        test: the file to test on.
        key: the columns that tell rows apart; all that both have when there are none.
        settings: what is checked.
    """
    group = Checkpoint(name=f"{train[0]} and {test[0]}", kind="split", success=True)
    with duck.opened(settings.memory_mb) as database:
        for table, (name, path) in (("train", train), ("test", test)):
            if error := duck.unreadable(database, table, path):
                return conclude(group, (), error=f"{name}: {error}")
        try:
            return conclude(group, [_leakage(database, train[0], test[0], key)], rows=_count(database, "test"))
        except Exception as caught:
            if not duck.is_error(caught):
                raise
            damaged = [name for name, path in (train, test) if _damage(database, path)]
            return conclude(group, (), error=f"{' and '.join(damaged) or group.name}: {duck.told(caught)}")


def not_made(name: str, kind: Literal["checks", "split"], why: str) -> Checkpoint:
    """Return the record of checks that could not be made, and why; that is no fault of the data."""
    entry = _entry("checks" if kind == "checks" else "leakage", "info", False, observed=f"not made: {why}")
    return Checkpoint(name=name, kind=kind, success=True, expectations=(entry,))


def _alone(database: Any, label: str | None, settings: Settings) -> Iterator[Expectation]:
    """Check what needs no base."""
    if settings.makes("duplicates"):
        yield _duplicates(database)
    if label and settings.makes("balance") and label not in duck.columns(database, "now"):
        error = "the table has no such column: correct `label` in validate.suites"
        yield _entry("balance", "critical", False, column=label, error=error)


def _compared(database: Any, label: str | None, before: Before, settings: Settings) -> Iterator[Expectation]:
    checks: dict[CheckName, Callable[[], Iterable[Expectation]]] = {
        "rows": lambda: [_rows(database, settings)],
        "schema": lambda: _schema(database),
        "categories": lambda: _categories(database, label, settings),
        "balance": lambda: _balance(database, label, settings) if label else (),
    }
    if not settings.checks.compares:
        return
    if before.path is None:
        yield _entry("same as in the base", "info", before.same, observed=before.note)
    elif error := duck.unreadable(database, "base", before.path):
        yield _entry("same as in the base", "info", False, observed=f"the base's version: {error}")
    else:
        made: list[Expectation] = []
        try:
            for name in filter(settings.makes, COMPARING):
                made += checks[name]()
        except Exception as caught:
            if not (duck.is_error(caught) and _damage(database, before.path)):
                raise  # the fault is in what is here
            made = [_entry("same as in the base", "info", False, observed=f"the base's version: {duck.told(caught)}")]
        yield from made


def _duplicates(database: Any) -> Expectation:
    """Count rows that are equal to another, by a hash of 64 bits: memory does not grow with their length."""
    names = ", ".join(map(duck.identifier, duck.columns(database, "now")))
    rows, extra = _row(database, f"count(*), count(*) - count(DISTINCT hash({names}))", "now")
    seen = f"{extra:,} of {rows:,} rows repeat another ({_percent(extra, rows)})" if extra else f"none of {rows:,} rows"
    return _entry("duplicates", "warning", not extra, expected="no two rows are equal", observed=seen)


def _rows(database: Any, settings: Settings) -> Expectation:
    now, base = _count(database, "now"), _count(database, "base")
    share = settings.checks.rows
    low, high = max(0, round(base * (1 - share))), round(base * (1 + share))
    seen = f"{now:,} rows, {base:,} in the base" + (f" ({100 * (now - base) / base:+.3g} %)" if base else "")
    return _entry("rows", "warning", low <= now <= high, expected=f"between {low:,} and {high:,}", observed=seen)


def _schema(database: Any) -> Iterator[Expectation]:
    now, base = duck.columns(database, "now"), duck.columns(database, "base")
    missing, new = [name for name in base if name not in now], [name for name in now if name not in base]
    other = [name for name in base if name in now and base[name] != now[name] and _has_type(database, name)]
    changed = [name for name in other if _kind(base[name]) != _kind(now[name])]
    if missing:
        seen = f"{len(missing)} missing"
        yield _entry("schema", "critical", False, column=_some(missing), expected="the base's columns", observed=seen)
    severities: tuple[Severity, Severity] = ("critical", "info")
    for severity, names in zip(severities, (changed, [name for name in other if name not in changed]), strict=True):
        if names:
            pairs = _some([f"{base[name]} is now {now[name]}" for name in names])
            yield _entry("schema", severity, False, column=_some(names), expected="the base's types", observed=pairs)
    if new:
        seen = f"{len(new)} new"
        yield _entry("schema", "info", False, column=_some(new), expected="the base's columns", observed=seen)
    if not (missing or new or other):
        yield _entry("schema", "critical", True, expected="the base's columns", observed=f"{len(now)} columns")


def _categories(database: Any, label: str | None, settings: Settings) -> Iterator[Expectation]:
    clean = []
    for name in _of_few_values(database, label):
        column = duck.identifier(name)
        new = f"now ANTI JOIN base ON now.{column} = base.{column} WHERE {column} IS NOT NULL"
        found = duck.select(database, f"now.{column}, count(*)", f"{new} GROUP BY 1 ORDER BY 2 DESC, 1")
        if not found:
            clean.append(name)
            continue
        values = [str(value) for value, _ in found] if settings.values else []
        seen = f"{len(found):,} new in {sum(count for _, count in found):,} rows" + _such(values)
        yield _entry("categories", "warning", False, column=name, expected="values of the base", observed=seen)
    if clean:
        column = _some(clean)
        yield _entry("categories", "warning", True, column=column, expected="values of the base", observed="none new")


def _balance(database: Any, label: str, settings: Settings) -> Iterator[Expectation]:
    if any(label not in duck.columns(database, table) for table in ("now", "base")):
        return  # `_alone` and `_schema` say so
    found = database.execute(_SHARES.format(column=duck.identifier(label), limit=MOST_CLASSES + 1)).fetchall()
    allowed = settings.checks.balance
    expected = f"each class's share within {100 * allowed:g} points of the base"
    if len(found) > MOST_CLASSES:
        yield _entry("balance", "info", False, column=label, expected=expected, observed="too many values for classes")
    elif found:
        name, base, now = found[0]
        who = f"the share of {name}" if settings.values else "the share that changed most"
        seen = f"{who}: {100 * base:.3g} % in the base, {100 * now:.3g} % now"
        yield _entry("balance", "warning", abs(now - base) <= allowed, column=label, expected=expected, observed=seen)


def _leakage(database: Any, train: str, test: str, key: Sequence[str]) -> Expectation:
    left, right = duck.columns(database, "train"), duck.columns(database, "test")
    names = list(key) or [name for name in right if name in left]
    files = ((train, left), (test, right))
    absent = [f"{name} is not in {file}" for file, has in files for name in names if name not in has]
    expected = f"no {' and '.join(key)} of one in the other" if key else "no row of one in the other"
    if absent or not names:
        error = _some(absent) or "the two files have no column in common"
        return _entry("leakage", "critical", False, column=_some(key), expected=expected, error=error)
    same = "=" if key else "IS NOT DISTINCT FROM"  # a key that is absent names no row
    pairs = [_pair(name, left[name], right[name], same) for name in names]
    rows = _count(database, "test")
    (found,) = _row(database, "count(*)", f"test SEMI JOIN train ON {' AND '.join(pairs)}")
    expected += "" if key else f", by {len(names)} columns"
    seen = f"{found:,} of {rows:,} rows of {test} are also in {train} ({_percent(found, rows)})"
    seen = seen if found else f"none of {rows:,} rows"
    return _entry("leakage", "critical", not found, column=_some(key), expected=expected, observed=seen)


def _pair(name: str, left: str, right: str, same: str) -> str:
    cast = "" if _kind(left) == _kind(right) else "::VARCHAR"
    column = duck.identifier(name)
    return f"test.{column}{cast} {same} train.{column}{cast}"


def _of_few_values(database: Any, label: str | None) -> Iterator[str]:
    """Yield the columns of both versions that hold categories: texts, each at least twice on average, and the label."""
    now, base = duck.columns(database, "now"), duck.columns(database, "base")
    both = [name for name in base if _kind(base[name]) == _kind(now.get(name, ""))]
    names = [name for name in both if _kind(base[name]) == "text" or name == label]
    for name in names:
        column = duck.identifier(name)
        (roughly,) = _row(database, f"approx_count_distinct({column})", "base")
        if roughly > 2 * MOST_CLASSES:  # it errs by some percent: what is surely more is not counted
            continue
        distinct, filled = _row(database, f"count(DISTINCT {column}), count({column})", "base")
        if 0 < distinct <= MOST_CLASSES and filled >= 2 * distinct:
            yield name


def _has_type(database: Any, name: str) -> bool:
    """Tell whether a column has a value in both versions: where all is absent, any type would do."""
    column = duck.identifier(name)
    return all(_row(database, f"count({column})", table)[0] for table in ("now", "base"))


def _damage(database: Any, path: Path) -> str:
    """Say what is wrong inside a file that was loaded; a CSV has been read to its end by then."""
    return "" if path.name.lower().endswith((".csv", ".csv.gz")) else duck.damage(database, path)


def _kind(type: str) -> str:
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(type)), type)


def _count(database: Any, table: str) -> int:
    return int(_row(database, "count(*)", table)[0])


def _row(database: Any, what: str, source: str) -> tuple[Any, ...]:
    return duck.select(database, what, source)[0]


def _entry(type: str, severity: Severity, success: bool, **texts: str) -> Expectation:
    return Expectation(type=type, severity=severity, success=success, engine="mlcicd", **texts)


def _some(names: Sequence[str]) -> str:
    more = f", … and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _such(values: Sequence[str]) -> str:
    return f": such as {', '.join(values[:5])}"[:200] if values else ""


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3g} %" if whole else "0 %"
