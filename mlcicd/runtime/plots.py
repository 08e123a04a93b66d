"""What DVC's plots show, out of the Vega-Lite that it prints: lines, points, bars, confusion matrices, pictures."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Point = tuple[float, float]
Row = Mapping[str, Any]

SHOWN = ("line", "point", "bar", "rect")
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp")


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line plot, or loose points when it is a `scatter`.

    `revisions` are points by revision (`workspace`, or the commit as DVC was given it).
    """

    title: str
    x_label: str
    y_label: str
    revisions: Mapping[str, Sequence[Point]]
    scatter: bool = False


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A bar chart: `revisions` are the lengths of the named bars by revision."""

    title: str
    label: str
    value: str
    revisions: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """A confusion matrix: `revisions` are counts of (actual, predicted) by revision."""

    title: str
    actual: str
    predicted: str
    revisions: Mapping[str, Mapping[tuple[str, str], int]]


@dataclass(frozen=True, kw_only=True)
class Image:
    """A picture that the pipeline drew: `revisions` are the files that DVC wrote it to."""

    title: str
    revisions: Mapping[str, Path]


@dataclass(frozen=True, kw_only=True)
class NotShown:
    """A plot that a report cannot show, and why; no revision has anything of it."""

    title: str
    reason: str
    revisions: Mapping[str, object] = field(default_factory=dict)


Plot = Curve | Bars | Confusion | Image | NotShown


@dataclass(frozen=True, kw_only=True)
class _Axes:
    """What a mark is drawn from: names of the columns, and how people call them."""

    mark: str
    x: str
    y: str
    x_label: str
    y_label: str
    numbers: tuple[bool, bool]
    split: str = ""


def extract(plots: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Plot]:
    """Return the plots in the "data" of `dvc plots diff --json`.

    A plot that draws several columns or files gives one for each, so that each compares revisions.
    """
    found: list[Plot] = []
    for name, entries in plots.items():
        pictures = {str(rev): Path(entry["url"]) for entry in entries for rev in _revisions(entry)}
        found += [Image(title=name, revisions=pictures)] if pictures else []
        drawn = [plot for entry in entries for plot in _plots(name, entry.get("content"))]
        found += drawn or ([] if pictures else [NotShown(title=name, reason=_why_not(entries))])
    return found


def only(plots: Iterable[Plot], revision: str) -> list[Plot]:
    """Return the plots as one revision has them; those it does not have are left out."""
    return [
        plot
        if isinstance(plot, NotShown)
        else dataclasses.replace(plot, revisions={revision: plot.revisions[revision]})  # type: ignore[arg-type]
        for plot in plots
        if isinstance(plot, NotShown) or plot.revisions.get(revision)
    ]


def _why_not(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return why nothing of a plot can be shown, in a few words."""
    if not entries:
        return "it has no values"
    specs = [entry["content"] for entry in entries if isinstance(entry.get("content"), dict)]
    if not specs:
        kinds = sorted({suffix for entry in entries if (suffix := Path(str(entry.get("url") or "")).suffix)})
        return f"no picture of a known kind ({', '.join(kinds)})" if kinds else "DVC says nothing of it"
    if not any((spec.get("data") or {}).get("values") for spec in specs):
        return "it has no values"
    marks = sorted({mark for spec in specs for mark in _marks(spec)})
    odd = [mark for mark in marks if mark not in SHOWN]
    if odd:
        return f"its template draws {', '.join(odd)}; {', '.join(SHOWN)} can be shown"
    return "its values are not numbers" if "line" in marks or "point" in marks else "its axes are of another kind"


def _marks(spec: Mapping[str, Any]) -> Iterator[str]:
    """Yield the kinds of marks anywhere in a specification."""
    mark = spec.get("mark")
    if mark:
        yield str(mark.get("type") if isinstance(mark, dict) else mark)[:20]
    for key in ("layer", "hconcat", "vconcat", "concat"):
        for part in spec.get(key) or []:
            yield from _marks(part) if isinstance(part, dict) else ()
    if isinstance(spec.get("spec"), dict):
        yield from _marks(spec["spec"])


def _revisions(entry: Mapping[str, Any]) -> Sequence[Any]:
    """Return the revisions of an entry that is a picture."""
    url = str(entry.get("url") or "")
    is_picture = entry.get("type") == "image" and url.lower().endswith(PICTURES)
    return (entry.get("revisions") or ())[:1] if is_picture else ()


def _plots(name: str, spec: Any) -> Iterator[Plot]:
    axes = _best(spec) if isinstance(spec, dict) else None
    if axes is None:
        return
    title = _title(spec.get("title")) or name
    groups: dict[str, list[Row]] = {}
    for row in (spec.get("data") or {}).get("values") or []:
        groups.setdefault(str(row.get(axes.split, "")), []).append(row)
    for part, rows in groups.items():
        yield from _plot(f"{title}: {part}" if part and len(groups) > 1 else title, axes, rows)


def _plot(title: str, axes: _Axes, rows: Sequence[Row]) -> Iterator[Plot]:
    if axes.mark == "rect":
        # The template's first axis is the actual class, unless the columns say the opposite.
        turned = axes.x.lower().startswith("pred") and not axes.y.lower().startswith("pred")
        if counts := _counts(rows, *((axes.y, axes.x) if turned else (axes.x, axes.y))):
            labels = (axes.y_label, axes.x_label) if turned else (axes.x_label, axes.y_label)
            yield Confusion(title=title, actual=labels[0], predicted=labels[1], revisions=counts)
    elif axes.mark == "bar":
        upright = axes.numbers[1] and not axes.numbers[0]
        name, value = (axes.x, axes.y) if upright else (axes.y, axes.x)
        labels = (axes.x_label, axes.y_label) if upright else (axes.y_label, axes.x_label)
        if lengths := _lengths(rows, name, value):
            yield Bars(title=title, label=labels[0], value=labels[1], revisions=lengths)
    elif points := _points(rows, axes.x, axes.y):
        scatter = axes.mark == "point"
        yield Curve(title=title, x_label=axes.x_label, y_label=axes.y_label, revisions=points, scatter=scatter)


def _points(rows: Sequence[Row], x: str, y: str) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for row in rows:
        across, up = _number(row.get(x)), _number(row.get(y))
        if across is not None and up is not None:
            found.setdefault(str(row.get("rev", "")), []).append((across, up))
    return found


def _lengths(rows: Sequence[Row], name: str, value: str) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        length = _number(row.get(value))
        if length is not None and row.get(name) is not None:
            found.setdefault(str(row.get("rev", "")), {})[str(row[name])] = length
    return found


def _counts(rows: Sequence[Row], actual: str, predicted: str) -> dict[str, Counter[tuple[str, str]]]:
    found: dict[str, Counter[tuple[str, str]]] = {}
    for row in rows:
        if row.get(actual) is not None and row.get(predicted) is not None:
            found.setdefault(str(row.get("rev", "")), Counter())[str(row[actual]), str(row[predicted])] += 1
    return found


def _best(spec: Mapping[str, Any]) -> _Axes | None:
    """Return what a specification draws: a line where it has one (DVC's templates lay dots and rules over it)."""
    found = list(_axes(spec, {}))
    return next((axes for axes in found if axes.mark == "line"), found[0] if found else None)


def _axes(spec: Mapping[str, Any], outer: Mapping[str, Any]) -> Iterator[_Axes]:
    """Yield the axes of every mark that we can show; a layer inherits the encoding around it."""
    inner = spec.get("spec")
    if isinstance(inner, dict):  # a plot repeated for each revision, side by side
        facet = (spec.get("facet") or {}).get("row") or {}
        yield from _axes(inner, {**outer, "row": facet})
    encoding = {**outer, **(spec.get("encoding") or {})}
    mark = spec.get("mark")
    kind = str(mark.get("type") if isinstance(mark, dict) else mark)
    x, y = encoding.get("x") or {}, encoding.get("y") or {}
    numbers = tuple(axis.get("type") == "quantitative" for axis in (x, y))
    if x.get("field") and y.get("field") and _is_shown(kind, numbers):
        splits = [encoding.get(channel) or {} for channel in ("strokeDash", "row", "column", "shape")]
        yield _Axes(
            mark=kind,
            x=x["field"],
            y=y["field"],
            x_label=_title(x.get("title")) or x["field"],
            y_label=_title(y.get("title")) or y["field"],
            numbers=(numbers[0], numbers[1]),
            split=next((split["field"] for split in splits if split.get("field") not in (None, "rev")), ""),
        )
    for layer in spec.get("layer") or []:
        yield from _axes(layer, encoding)


def _is_shown(mark: str, numbers: Sequence[bool]) -> bool:
    """Lines and points need two axes of numbers, bars one, and a confusion matrix none."""
    return {"line": all(numbers), "point": all(numbers), "bar": any(numbers), "rect": not any(numbers)}.get(mark, False)


def _title(title: Any) -> str:
    return str(title.get("text") or "") if isinstance(title, dict) else str(title or "")


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
