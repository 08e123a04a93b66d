"""Per-example predictions: scores out of a CSV file, matched between two sides."""

from __future__ import annotations

import csv
import functools
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlcicd.config.judging import Predictions
from mlcicd.runtime.evidence import At, examples
from mlcicd.runtime.metrics import Unusable
from mlcicd.runtime.sliced import Slice

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 200_000
MAX_VALUES = 100  # of a slice's column
CLOSE = {"match": 0.005, "error": 0.01}  # how far the rows' mean may be off the metric that they should make up


@dataclass(frozen=True, kw_only=True)
class Row:
    """One example: its score, who it belongs with, and its values in the columns of slices."""

    label: str
    score: float
    group: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The examples of one side by id (by place, where there is none); `empty` had no truth or no number."""

    rows: Mapping[str, Row]
    empty: int = 0

    @property
    def mean(self) -> float:
        """The metric that the rows make up."""
        return math.fsum(row.score for row in self.rows.values()) / len(self.rows)


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """The examples that both sides have, in the order of the change's file, and what was left out, in words."""

    base: Sequence[Row]
    change: Sequence[Row]
    left_out: str = ""


def parse(raw: bytes, settings: Predictions, columns: Sequence[str] = ()) -> Rows:
    """Read a CSV file.

    Args:
        raw: its content.
        settings: which columns hold what.
        columns: those of slices, whose values a row keeps.

    Raises:
        Unusable: saying what is wrong with it.
    """
    if len(raw) > MAX_BYTES:
        raise Unusable(f"larger than {MAX_BYTES // 1024**2} MiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable(f"not UTF-8 text (byte {error.start})") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        return _rows(next(reader, []), reader, settings, columns)
    except csv.Error as error:
        raise Unusable(f"line {reader.line_num}: {error}") from None


def match(base: Rows, change: Rows, settings: Predictions) -> Pairs:
    """Put the examples of both sides together.

    Raises:
        Unusable: when they are not the same examples.
    """
    if settings.id is None and len(base.rows) + base.empty != len(change.rows) + change.empty:
        counts = f"{len(base.rows) + base.empty:,} and {len(change.rows) + change.empty:,}"
        raise Unusable(f"the sides have {counts} rows: name the column that tells examples apart (id)")
    shared = [name for name in change.rows if name in base.rows]
    other = [name for name in shared if not _is_same(base.rows[name].label, change.rows[name].label)]
    if other:
        raise Unusable(
            f"the truth of example {other[0][:60]} differs between the sides, and of {len(other) - 1:,} more"
        )
    alone = len(base.rows) + len(change.rows) - 2 * len(shared)
    if not shared or alone > len(shared):
        raise Unusable(f"the sides share only {len(shared):,} examples, and {alone:,} are on one side only")
    parts = [
        f"{alone:,} on one side only" if alone and settings.id else "",
        f"{max(base.empty, change.empty):,} without a truth or a number" if base.empty or change.empty else "",
    ]
    return Pairs(
        base=[base.rows[name] for name in shared],
        change=[change.rows[name] for name in shared],
        left_out=", ".join(part for part in parts if part),
    )


def at(pairs: Pairs, settings: Predictions) -> At:
    """Return the interval of the difference of all examples; groups are those of the base, which no change can cut."""
    groups = [row.group for row in pairs.base] if settings.group else None
    return examples([row.score for row in pairs.base], [row.score for row in pairs.change], groups)


def slices(change: Rows, pairs: Pairs | None, settings: Predictions, columns: Sequence[str]) -> dict[str, list[Slice]]:
    """Return the slices of each column: of both sides where there are pairs, else of the change alone."""
    if pairs is None:
        return {column: _of_one(change, place, column) for place, column in enumerate(columns)}
    return {column: _of_both(pairs, place, column, settings) for place, column in enumerate(columns)}


def _of_one(change: Rows, place: int, column: str) -> list[Slice]:
    scores: dict[str, list[float]] = {}
    for row in change.rows.values():
        scores.setdefault(row.values[place], []).append(row.score)
    found = [Slice(name=f"{column}={value}", count=len(some), value=_mean(some)) for value, some in scores.items()]
    return _largest(found)


def _of_both(pairs: Pairs, place: int, column: str, settings: Predictions) -> list[Slice]:
    found: dict[str, list[int]] = {}
    for index, row in enumerate(pairs.base):
        found.setdefault(row.values[place], []).append(index)
    made = []
    for value, indices in found.items():
        part = Pairs(base=[pairs.base[index] for index in indices], change=[pairs.change[index] for index in indices])
        made.append((f"{column}={value}", part))
    largest = sorted(made, key=lambda pair: (-len(pair[1].base), pair[0]))[:MAX_VALUES]
    return [_slice(name, part, settings) for name, part in largest]


def _slice(name: str, part: Pairs, settings: Predictions) -> Slice:
    base, change = _mean([row.score for row in part.base]), _mean([row.score for row in part.change])
    return Slice(name=name, count=len(part.base), value=change, base=base, at=_lazily(part, settings))


def _lazily(part: Pairs, settings: Predictions) -> At:
    """Draw only when a gate asks: most slices are never judged."""

    @functools.cache
    def drawn() -> At:
        return at(part, settings)

    return lambda confidence: drawn()(confidence)


def _largest(found: Sequence[Slice]) -> list[Slice]:
    return sorted(found, key=lambda one: (-one.count, one.name))[:MAX_VALUES]


def _mean(scores: Sequence[float]) -> float:
    return math.fsum(scores) / len(scores)


def _rows(
    header: Sequence[str], reader: Iterable[Sequence[str]], settings: Predictions, columns: Sequence[str]
) -> Rows:
    place = {name: index for index, name in reversed(list(enumerate(header)))}
    named = (settings.label, settings.prediction, settings.id, settings.group, *columns)
    if missing := [name for name in named if name is not None and name not in place]:
        raise Unusable(f"there is no column {missing[0]}; there are {', '.join(name[:40] for name in header[:10])}")
    rows: dict[str, Row] = {}
    empty = 0
    for number, cells in enumerate((cells for cells in reader if cells), 1):
        if number > MAX_ROWS:
            raise Unusable(f"more than {MAX_ROWS:,} rows")
        if len(cells) != len(header):
            raise Unusable(f"row {number:,} has {len(cells)} cells, and the header has {len(header)}")
        name = cells[place[settings.id]] if settings.id else str(number)
        if name in rows:
            raise Unusable(f"the id {name[:60]} is there twice")
        label, score = cells[place[settings.label]].strip(), None
        if label:
            score = _score(label, cells[place[settings.prediction]].strip(), settings.kind)
        if score is None:
            empty += 1
            continue
        group = cells[place[settings.group]] if settings.group else ""
        rows[name] = Row(label=label, score=score, group=group, values=tuple(cells[place[one]] for one in columns))
    if not rows:
        raise Unusable("it has no row with a truth and a prediction")
    return Rows(rows=rows, empty=empty)


def _score(label: str, prediction: str, kind: str) -> float | None:
    """Return 1 or 0 for a match, or the absolute error; None when a cell says nothing."""
    truth, said = _number(label), _number(prediction)
    if not prediction or any(number is not None and not math.isfinite(number) for number in (truth, said)):
        return None
    if kind == "match":
        return float(label == prediction or (truth is not None and truth == said))
    return None if truth is None or said is None else abs(said - truth)


def _is_same(one: str, other: str) -> bool:
    return one == other or (_number(one) is not None and _number(one) == _number(other))


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
