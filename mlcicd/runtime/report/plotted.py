"""Plots as the report holds them: bounded, and by side instead of by revision."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from mlcicd.runtime import plots
from mlcicd.runtime.plots import Plot
from mlcicd.runtime.report.charts import thinned
from mlcicd.runtime.report.model import MAX_BARS, MAX_CLASSES, Bar, Bars, Confusion, Curve, Image, Line
from mlcicd.runtime.report.shorten import text

Pair = tuple[str, str]
Side = Literal["base", "change", "other"]
Kind = TypeVar("Kind", plots.Bars, plots.Confusion, plots.Curve, plots.Image)
Found = TypeVar("Found")
Pictures = Mapping[tuple[str, str], bytes]

OTHER = "other"
MAX_PICTURE = 100 * 1024  # bytes
MAX_ALL_PICTURES = 1024 * 1024  # bytes
MAX_SIDE = 4096  # pixels; a small file can hold a picture that no memory can
_PNG = b"\x89PNG\r\n\x1a\n"


def curves(found: Sequence[Plot], base: str) -> list[Curve]:
    """Return the line and scatter plots."""
    return [_curve(plot, base) for plot in _of(plots.Curve, found)]


def bars(found: Sequence[Plot], base: str) -> list[Bars]:
    """Return the bar charts, each with its longest bars."""
    return [_bars(plot, base) for plot in _of(plots.Bars, found)]


def confusions(found: Sequence[Plot], base: str) -> list[Confusion]:
    """Return the confusion matrices, each with its most frequent classes; the rest count as one."""
    return [made for plot in _of(plots.Confusion, found) if (made := _confusion(plot, base)).classes]


def images(found: Sequence[Plot], base: str) -> list[Image]:
    """Return the pictures, by name and size."""
    return [
        Image(name=text(plot.title), side=side, bytes=path.stat().st_size)
        for plot in _of(plots.Image, found)
        for side, path in _both(plot.revisions, base).items()
        if side != "other" and path.is_file()
    ]


def pictures(found: Sequence[Plot], base: str) -> Pictures:
    """Return the content of small PNG pictures by name and side: those that a page can hold."""
    kept: dict[tuple[str, str], bytes] = {}
    for plot in _of(plots.Image, found):
        for side, path in _both(plot.revisions, base).items():
            content = _png(path)
            if content and sum(map(len, kept.values())) + len(content) <= MAX_ALL_PICTURES:
                kept[text(plot.title), side] = content
    return kept


def _of(kind: type[Kind], found: Sequence[Plot]) -> list[Kind]:
    return [plot for plot in found if isinstance(plot, kind)]


def _both(revisions: Mapping[str, Found], base: str) -> dict[Side, Found]:
    return {side(revision, base): found for revision, found in revisions.items()}


def side(revision: str, base: str) -> Side:
    """Return which side a revision is, as DVC names it."""
    return "change" if revision == "workspace" else "base" if revision in (base, base[:7], "base") else "other"


def _curve(plot: plots.Curve, base: str) -> Curve:
    lines = [
        Line(side=side(revision, base), name=text(revision), points=thinned(points))
        for revision, points in plot.revisions.items()
    ]
    return Curve(
        kind="scatter" if plot.scatter else "line",
        title=text(plot.title),
        x_label=text(plot.x_label),
        y_label=text(plot.y_label),
        lines=tuple(lines[:4]),
    )


def _bars(plot: plots.Bars, base: str) -> Bars:
    both = _both(plot.revisions, base)
    before, change = both.get("base", {}), both.get("change", {})
    names = sorted({**change, **before}, key=lambda name: -abs(change.get(name, before.get(name, 0))))
    return Bars(
        title=text(plot.title),
        label=text(plot.label),
        value=text(plot.value),
        bars=tuple(Bar(name=text(name), base=before.get(name), change=change.get(name)) for name in names[:MAX_BARS]),
        more=max(0, len(names) - MAX_BARS),
    )


def _confusion(plot: plots.Confusion, base: str) -> Confusion:
    both = _both(plot.revisions, base)
    before, change = both.get("base", {}), both.get("change", {})
    frequent: Counter[str] = Counter()
    for counts in (before, change):
        for (actual, predicted), count in counts.items():
            frequent[actual] += count
            frequent[predicted] += 0
    kept = [name for name, _ in frequent.most_common(MAX_CLASSES if len(frequent) <= MAX_CLASSES else MAX_CLASSES - 1)]
    classes = sorted(kept, key=_order)
    others = len(frequent) - len(kept)
    return Confusion(
        title=text(plot.title),
        actual=text(plot.actual),
        predicted=text(plot.predicted),
        classes=(*map(text, classes), *((OTHER,) if others else ())),
        others=others,
        base=_matrix(before, classes, rest=others > 0),
        change=_matrix(change, classes, rest=others > 0),
    )


def _matrix(counts: Mapping[Pair, int], classes: Sequence[str], *, rest: bool) -> tuple[tuple[int, ...], ...]:
    """Return the counts as rows; what is none of the classes falls into the last row and column."""
    if not counts:
        return ()
    size = len(classes) + rest
    place = {name: index for index, name in enumerate(classes)}
    rows = [[0] * size for _ in range(size)]
    for (actual, predicted), count in counts.items():
        rows[place.get(actual, size - 1)][place.get(predicted, size - 1)] += count
    return tuple(map(tuple, rows))


def _order(name: str) -> tuple[float, str]:
    """Sort numbers by their size, and after them names."""
    try:
        number = float(name)
    except ValueError:
        return math.inf, name
    return (number if math.isfinite(number) else math.inf), name


def _png(path: Path) -> bytes:
    """Return a picture's content, or nothing when it is not a small PNG."""
    try:
        if path.stat().st_size > MAX_PICTURE:
            return b""
        content = path.read_bytes()
    except OSError:
        return b""
    if not content.startswith(_PNG) or len(content) < 24 or len(content) > MAX_PICTURE:
        return b""
    width, height = struct.unpack(">II", content[16:24])
    return content if 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE else b""
