"""Confusion matrices as tables: counts, and the share that each is of its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlcicd.runtime.markdown import Words
from mlcicd.runtime.report.model import Confusion
from mlcicd.runtime.report.numbers import number

MAX_CLASSES = 10  # more columns are not readable in a comment
LEVELS = 10


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A count, its share of the row in percent, and how dark that is, from 0 to `LEVELS`."""

    count: Words
    share: Words
    level: Words
    right: bool


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """One side's matrix: its classes with their cells, and the share of all that is on the diagonal."""

    side: Words
    name: Words
    right: Words
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Both:
    """A confusion matrix as both sides have it, the base first."""

    title: str
    actual: str
    predicted: str
    classes: tuple[str, ...]
    others: int
    sides: tuple[Matrix, ...]
    said: Words

    @property
    def is_small(self) -> bool:
        """Whether a comment can show it."""
        return len(self.classes) <= MAX_CLASSES


def both(found: Confusion) -> Both:
    """Lay a confusion matrix out."""
    sides = [("base", "base", found.base), ("change", "this change", found.change)]
    made = tuple(_matrix(side, name, found.classes, counts) for side, name, counts in sides if counts)
    return Both(
        title=found.title,
        actual=found.actual,
        predicted=found.predicted,
        classes=found.classes,
        others=found.others,
        sides=made,
        said=Words(", ".join(f"{matrix.name} {matrix.right}" for matrix in made) + " right" if made else "empty"),
    )


def _matrix(side: str, name: str, classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Matrix:
    total = sum(map(sum, counts))
    right = sum(counts[index][index] for index in range(len(classes)))
    rows = [
        (label, tuple(_cell(count, sum(row), right=column == index) for column, count in enumerate(row)))
        for index, (label, row) in enumerate(zip(classes, counts, strict=True))
    ]
    return Matrix(side=Words(side), name=Words(name), right=_percent(right, total), rows=tuple(rows))


def _cell(count: int, total: int, *, right: bool) -> Cell:
    level = round(LEVELS * count / total) if total else 0
    return Cell(count=number(count), share=_percent(count, total), level=Words(str(level)), right=right)


def _percent(count: int, total: int) -> Words:
    """Print a share; the ends of the scale are kept for what is exactly there."""
    if not total:
        return Words("–")
    share = 100 * count / total
    shown = 0 if not count else 100 if count == total else min(max(share, 0.1), 99.9)
    return Words(f"{shown:.1f} %" if shown not in (0, 100) else f"{shown:.0f} %")
