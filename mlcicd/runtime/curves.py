"""Line plots out of the Vega-Lite specifications that DVC prints. Pictures and other kinds of plot are left out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line plot: points by revision (`workspace`, or the commit as DVC was given it)."""

    title: str
    x_label: str
    y_label: str
    lines: dict[str, list[Point]]


@dataclass(frozen=True, kw_only=True)
class _Axes:
    """What a line is drawn from: names of the columns, and how people call them."""

    x: str
    y: str
    x_label: str
    y_label: str
    split: str = ""


def extract(plots: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Curve]:
    """Return the curves in the "data" of `dvc plots diff --json`.

    A plot that draws several columns gives one curve for each, so that a curve always compares revisions.
    """
    contents = ((name, plot.get("content")) for name, entries in plots.items() for plot in entries)
    return [curve for name, spec in contents if isinstance(spec, dict) for curve in _curves(name, spec)]


def _curves(name: str, spec: Mapping[str, Any]) -> Iterator[Curve]:
    axes = next(_line_axes(spec, {}), None)
    if axes is None:
        return
    title = _title(spec.get("title")) or name
    groups: dict[str, dict[str, list[Point]]] = {}
    for row in (spec.get("data") or {}).get("values") or []:
        group = groups.setdefault(str(row.get(axes.split, "")), {})
        x, y = _number(row.get(axes.x)), _number(row.get(axes.y))
        if x is not None and y is not None:
            group.setdefault(str(row.get("rev", "")), []).append((x, y))
    for part, lines in groups.items():
        if lines:
            full = f"{title}: {part}" if part and len(groups) > 1 else title
            yield Curve(title=full, x_label=axes.x_label, y_label=axes.y_label, lines=lines)


def _line_axes(spec: Mapping[str, Any], outer: Mapping[str, Any]) -> Iterator[_Axes]:
    """Yield the axes of every line in a specification; a layer inherits the encoding around it."""
    encoding = {**outer, **(spec.get("encoding") or {})}
    mark = spec.get("mark")
    x, y = encoding.get("x") or {}, encoding.get("y") or {}
    is_line = (mark.get("type") if isinstance(mark, dict) else mark) == "line"
    if is_line and all(axis.get("field") and axis.get("type") == "quantitative" for axis in (x, y)):
        yield _Axes(
            x=x["field"],
            y=y["field"],
            x_label=_title(x.get("title")) or x["field"],
            y_label=_title(y.get("title")) or y["field"],
            split=(encoding.get("strokeDash") or {}).get("field") or "",
        )
    for layer in spec.get("layer") or []:
        yield from _line_axes(layer, encoding)


def _title(title: Any) -> str:
    return str(title.get("text") or "") if isinstance(title, dict) else str(title or "")


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
