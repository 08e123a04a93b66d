"""The table of pins, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlcicd import pins
from mlcicd.pinning.table import Row

_HEAD = ("name", "version", "commit or digest", "runtime", "from", "where")


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table line by line, then what a person should know about it."""
    cells = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    told = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return [*told, *_notes(rows)]


def _notes(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        known = pins.KNOWN.get(row.name)
        if known and row.team and pins.order(row.value.partition("@")[0]) < pins.order(known.version):
            yield f"note: tool.pins has {row.name} at {row.value.partition('@')[0]}, and mlcicd knows {known.version}"


def _cells(row: Row) -> tuple[str, ...]:
    version, _, commit = row.value.rpartition("@")
    places = sorted({one.path for one in row.found})
    where = places[0] if len(places) == 1 else f"{len(places)} files" if places else "not generated yet"
    return (
        row.name,
        version or "-",
        commit[:19] if commit else "not pinned",
        row.runtime or "-",
        "tool.pins" if row.team else "mlcicd" if commit else "-",
        where,
    )
