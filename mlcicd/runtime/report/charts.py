"""Curves as numbers to draw: on even steps for mermaid, in a picture's coordinates for SVG."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlcicd.runtime.markdown import Words, label
from mlcicd.runtime.report.model import MAX_POINTS, Bars, Curve, Line
from mlcicd.runtime.report.numbers import number

Points = Sequence[tuple[float, float]]

MERMAID_POINTS = 50
STEPS, FEW = 8, 30
BAR_WIDTH, BAR_HEIGHT = 200, 18
HUGE, DECIMALS = 1e15, 15
COLOURS = {"base": "#8c959f", "change": "#0969da"}
NAMES = {"base": Words("base"), "change": Words("this change"), "other": Words("other")}
COLOUR_NAMES = {"base": Words("base grey"), "change": Words("this change blue")}
WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 12, 44


@dataclass(frozen=True, kw_only=True)
class Mermaid:
    """A chart as text.

    Attributes:
        text: the content of a mermaid fence.
        legend: which line has which colour; mermaid draws none.
        x_label: what the steps count.
        xs: three steps, and `rows` the values there, for readers without the picture.
    """

    text: Words
    legend: Words
    x_label: str
    xs: tuple[Words, ...]
    rows: tuple[tuple[Words, tuple[Words, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark on an axis: where, in the picture, and its label."""

    at: float
    text: Words


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A line in the picture's coordinates.

    Attributes:
        points: what a polyline wants; "" for loose points.
        dots: a path that draws a dot at each of few points, or of loose ones; "" for a long line.
        values: the numbers behind it, "x,y" by "x,y", for who points at them.
    """

    side: Words
    name: str
    points: Words
    dots: Words
    values: Words


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A chart as coordinates.

    Attributes:
        box: left, top, right and bottom of the drawing, and the range of x and of y there, for who points at it.
        xs: a few steps, and `rows` the values there, for readers without the picture; none for loose points.
    """

    title: str
    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Drawn, ...]
    box: Words
    xs: tuple[Words, ...] = ()
    rows: tuple[tuple[str, Words, tuple[Words, ...]], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A pair of bars: from where and how wide, in a picture `BAR_WIDTH` wide, None where a side has none."""

    name: str
    base: Words
    change: Words
    base_bar: tuple[float, float] | None
    change_bar: tuple[float, float] | None


def mermaid(curve: Curve) -> Mermaid | None:
    """Lay a curve out for mermaid, which spreads each line's values evenly over the whole axis.

    So both lines are read off at the same even steps of what they share; None when there is no line to draw.
    """
    if curve.kind != "line":
        return None
    lines: dict[str, list[tuple[float, float]]] = {
        line.side: _finite(line.points) for line in curve.lines if line.side in COLOURS
    }
    lines = {side: points for side, points in sorted(lines.items()) if len(points) > 1}
    shared = _shared(list(lines.values()))
    if shared is None and "change" in lines:
        lines = {"change": lines["change"]}
        shared = _shared(list(lines.values()))
    if shared is None:
        return None
    low, high = shared
    count = min(MERMAID_POINTS, max(len([x for x, _ in points if low <= x <= high]) for points in lines.values()))
    steps = [low + (high - low) * index / (max(count, 2) - 1) for index in range(max(count, 2))]
    read = {side: [_at(points, x) for x in steps] for side, points in lines.items()}
    cut = any(points[0][0] < low or points[-1][0] > high for points in lines.values())
    longest = max(lines.values(), key=len)
    inside = [x for x, _ in longest if low <= x <= high]
    xs = (low, inside[len(inside) // 2], high)
    return Mermaid(
        text=_mermaid_text(curve, steps, read),
        legend=Words(", ".join(COLOUR_NAMES[side] for side in read) + ("; cut to what both share" if cut else "")),
        x_label=curve.x_label,
        xs=tuple(number(x) for x in xs),
        rows=tuple((NAMES[side], tuple(number(_at(points, x)) for x in xs)) for side, points in lines.items()),
    )


def thinned(points: Points, limit: int = MAX_POINTS) -> tuple[tuple[float, float], ...]:
    """Keep the first, the last and evenly spread points between, by growing x; what is not finite cannot be drawn."""
    kept = sorted(point for point in points if math.isfinite(point[0]) and math.isfinite(point[1]))
    if len(kept) > limit:
        kept = [kept[round(index * (len(kept) - 1) / (limit - 1))] for index in range(limit)]
    # More digits than a picture shows would only make the report larger; x may be a time of day in seconds.
    return tuple((float(f"{x:.12g}"), float(f"{y:.7g}")) for x, y in kept)


def picture(curve: Curve) -> Picture | None:
    """Lay a curve out for SVG, every point where it is; None when there is no point to draw."""
    lines = [(line, _finite(line.points)) for line in curve.lines]
    xs = [x for _, points in lines for x, _ in points]
    ys = [y for _, points in lines for _, y in points]
    if not xs:
        return None
    x_marks, y_marks = _marks(min(xs), max(xs)), _marks(min(ys), max(ys))
    x_range = (min(xs), max(xs)) if min(xs) < max(xs) else (x_marks[0], x_marks[-1])
    y_range = (min(y_marks[0], *ys), max(y_marks[-1], *ys))
    return Picture(
        title=curve.title,
        x_label=curve.x_label,
        y_label=curve.y_label,
        x_ticks=tuple(Tick(at=_across(x, x_range), text=number(x)) for x in x_marks if x_range[0] <= x <= x_range[1]),
        y_ticks=tuple(Tick(at=_up(y, y_range), text=number(y)) for y in y_marks),
        lines=tuple(
            _drawn(line, points, x_range, y_range, loose=curve.kind == "scatter") for line, points in lines if points
        ),
        box=Words(f"{LEFT} {TOP} {WIDTH - RIGHT} {HEIGHT - BOTTOM} {_four(x_range)} {_four(y_range)}"),
        **_numbers(lines) if curve.kind == "line" else {},
    )


def bars(chart: Bars) -> list[Bar]:
    """Lay a bar chart out, a row for each bar."""
    lengths = [length for bar in chart.bars for length in (bar.base, bar.change) if length is not None]
    drawn = [length for length in lengths if abs(length) <= HUGE]
    low, high = min([0.0, *drawn]), max([0.0, *drawn])
    scale = BAR_WIDTH / (high - low) if high > low else 0

    def place(length: float | None) -> tuple[float, float] | None:
        if length is None or not abs(length) <= HUGE:
            return None
        return round((min(length, 0) - low) * scale, 1), round(abs(length) * scale, 1)

    return [
        Bar(
            name=bar.name,
            base=number(bar.base, bar.change),
            change=number(bar.change, bar.base),
            base_bar=place(bar.base),
            change_bar=place(bar.change),
        )
        for bar in chart.bars
    ]


def _numbers(lines: Sequence[tuple[Line, Points]]) -> dict[str, Any]:
    """Return a few steps of the longest line, and what every line is worth there."""
    longest = max((points for _, points in lines), key=len)
    count = min(STEPS, len(longest))
    xs = [longest[round(index * (len(longest) - 1) / max(count - 1, 1))][0] for index in range(count)]
    rows = [
        (
            _name(line),
            Words(line.side),
            tuple(number(_at(points, x) if points[0][0] <= x <= points[-1][0] else None) for x in xs),
        )
        for line, points in lines
        if points
    ]
    return {"xs": tuple(map(number, xs)), "rows": tuple(rows)}


def _mermaid_text(curve: Curve, steps: list[float], read: dict[str, list[float]]) -> Words:
    values = [y for ys in read.values() for y in ys]
    margin = (max(values) - min(values)) * 0.05 or abs(values[0]) * 0.1 or 1.0
    bottom, top = min(values) - margin, max(values) + margin
    places, x_places = _places(top - bottom), _places(steps[-1] - steps[0])
    palette = ", ".join(COLOURS[side] for side in read)
    lines = [
        "---",
        "config:",
        "  xyChart:",
        "    width: 720",
        "    height: 280",
        "  themeVariables:",
        "    xyChart:",
        f'      plotColorPalette: "{palette}"',
        "---",
        "xychart-beta",
        f'  title "{label(curve.title)}"',
        f'  x-axis "{label(curve.x_label)}" {_fixed(steps[0], x_places)} --> {_fixed(steps[-1], x_places)}',
        f'  y-axis "{label(curve.y_label)}" {bottom:.{places}f} --> {top:.{places}f}',
    ]
    lines += [f"  line [{', '.join(f'{y:.{places}f}' for y in ys)}]" for ys in read.values()]
    return Words("\n".join(lines))


def _drawn(
    line: Line, points: Points, x_range: tuple[float, float], y_range: tuple[float, float], *, loose: bool
) -> Drawn:
    places = [(_across(x, x_range), _up(y, y_range)) for x, y in points]
    return Drawn(
        side=Words(line.side),
        name=_name(line),
        points=Words("" if loose else " ".join(f"{x:g},{y:g}" for x, y in places)),
        dots=Words("".join(f"M{x:g} {y:g}h.01" for x, y in places) if loose or len(places) <= FEW else ""),
        values=Words(" ".join(f"{x:.10g},{y:.6g}" for x, y in points)),
    )


def _name(line: Line) -> str:
    return NAMES[line.side] if line.side in COLOURS else line.name


def _four(ends: tuple[float, float]) -> str:
    return " ".join(f"{end:.12g}" for end in ends)


def _finite(points: Points) -> list[tuple[float, float]]:
    """Return what can be drawn: no NaN, nothing astronomical, and the infinitesimal as zero."""
    return sorted((round(x, DECIMALS), round(y, DECIMALS)) for x, y in points if abs(x) <= HUGE and abs(y) <= HUGE)


def _shared(lines: Sequence[Points]) -> tuple[float, float] | None:
    """Return the stretch of x that all lines have, or None."""
    if not lines:
        return None
    low, high = max(points[0][0] for points in lines), min(points[-1][0] for points in lines)
    return (low, high) if low < high else None


def _at(points: Points, x: float) -> float:
    """Read a line at x, straight between its points."""
    after = bisect_left(points, (x, -math.inf))
    if after == 0 or (after < len(points) and points[after][0] == x):
        return points[after][1]
    if after == len(points):
        return points[-1][1]
    (x0, y0), (x1, y1) = points[after - 1], points[after]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def _fixed(x: float, places: int) -> str:
    text = f"{x:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _places(span: float) -> int:
    """Return the decimals that show a thousandth of `span`; mermaid reads no exponents."""
    return min(DECIMALS, max(0, 3 - math.floor(math.log10(span))))


def _marks(low: float, high: float) -> list[float]:
    """Return about five round numbers that enclose the range."""
    if low == high:
        margin = abs(low) * 0.1 or 1.0
        low, high = low - margin, high + margin
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12 - math.floor(math.log10(step))) for index in range(first, last + 1)]


def _across(x: float, x_range: tuple[float, float]) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (x - x_range[0]) / (x_range[1] - x_range[0]), 1)


def _up(y: float, y_range: tuple[float, float]) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - (y - y_range[0]) / (y_range[1] - y_range[0])), 1)
