"""Curves as numbers to draw: on even steps for mermaid, in a picture's coordinates for SVG."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from mlcicd.runtime.markdown import Words, label
from mlcicd.runtime.report.model import Curve, Line
from mlcicd.runtime.report.numbers import number

Points = Sequence[tuple[float, float]]

MERMAID_POINTS = 50
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
        xs: three steps, and `rows` the values there, for readers without the picture.
    """

    text: Words
    legend: Words
    xs: tuple[Words, ...]
    rows: tuple[tuple[Words, tuple[Words, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark on an axis: where, in the picture, and its label."""

    at: float
    text: Words


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A line in the picture's coordinates; `points` is what a polyline wants, `dots` its few points."""

    side: Words
    name: str
    points: Words
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A chart as coordinates."""

    title: str
    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Drawn, ...]


def mermaid(curve: Curve) -> Mermaid | None:
    """Lay a curve out for mermaid, which spreads each line's values evenly over the whole axis.

    So both lines are read off at the same even steps of what they share; None when there is no line to draw.
    """
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
        xs=tuple(number(x) for x in xs),
        rows=tuple((NAMES[side], tuple(number(_at(points, x)) for x in xs)) for side, points in lines.items()),
    )


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
        lines=tuple(_drawn(line, points, x_range, y_range) for line, points in lines if points),
    )


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


def _drawn(line: Line, points: Points, x_range: tuple[float, float], y_range: tuple[float, float]) -> Drawn:
    places = [(_across(x, x_range), _up(y, y_range)) for x, y in points]
    return Drawn(
        side=Words(line.side),
        name=NAMES[line.side] if line.side in COLOURS else line.name,
        points=Words(" ".join(f"{x:g},{y:g}" for x, y in places)),
        dots=tuple(places) if len(places) <= 30 else (),
    )


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
