"""Numbers and charts as people see them."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcicd.runtime.report import charts
from mlcicd.runtime.report.model import Curve, Line
from mlcicd.runtime.report.numbers import difference, duration, number, size


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.97071, "0.9707"),
        (0.5, "0.5"),
        (61, "61"),
        (-0.0133, "−0.0133"),
        (0.00001234, "0.00001234"),
        (1.5e-12, "1.5e−12"),
        (1234.5678, "1235"),
        (24912345, "24,912,345"),
        (2e20, "2e20"),
        (0, "0"),
        (-0.0, "0"),
        (math.nan, "NaN"),
        (-math.inf, "−∞"),
        (None, "–"),
    ],
)
def test_a_number(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_number_beside_its_bound_shows_that_they_differ() -> None:
    assert (number(0.919996, 0.92), number(0.92, 0.919996)) == ("0.919996", "0.92")
    assert number(0.1 + 0.2, 0.3) == "0.30000000000000004"
    assert number(0.3, 0.3) == "0.3"


@pytest.mark.parametrize(
    ("base", "change", "text"),
    [
        (0.959, 0.9707, "+0.0117"),
        (0.31204, 0.29873, "−0.01331"),
        (0.3, 0.1 + 0.2, "0"),
        (1, 1, "0"),
        (None, 1, "new"),
        (1, None, "gone"),
        (None, None, "–"),
        (1, math.nan, "–"),
    ],
)
def test_a_difference(base: float | None, change: float | None, text: str) -> None:
    assert difference(base, change) == text


def test_durations_and_sizes() -> None:
    assert [duration(seconds) for seconds in (0.04, 9.9, 41, 61, 3_661)] == [
        "0.0 s",
        "9.9 s",
        "41 s",
        "1 min 1 s",
        "1 h 1 min",
    ]
    assert [size(count) for count in (0, 1_000, 1_536, 3 * 2**30, 2**50)] == [
        "0 B",
        "1000 B",
        "1.5 KiB",
        "3 GiB",
        "1024 TiB",
    ]


def curve(**lines: list[tuple[float, float]]) -> Curve:
    made = [
        Line.model_validate({"side": side, "name": side, "points": tuple(points)}) for side, points in lines.items()
    ]
    return Curve(title='a "b" [c]', x_label="x", y_label="y", lines=tuple(made))


def test_lines_of_different_length_share_their_steps() -> None:
    chart = charts.mermaid(curve(base=[(1, 1), (2, 2), (3, 3)], change=[(float(n), 2.0 * n) for n in range(1, 11)]))
    assert chart is not None
    assert 'x-axis "x" 1 --> 3' in chart.text
    assert re.findall(r"line \[(.*)\]", chart.text) == ["1.000, 2.000, 3.000", "2.000, 4.000, 6.000"]
    assert chart.rows[1] == ("this change", ("2", "4", "6"))


def test_lines_that_share_nothing_leave_the_change() -> None:
    chart = charts.mermaid(curve(base=[(1, 1), (2, 2)], change=[(5, 1), (6, 2)]))
    assert chart is not None
    assert chart.legend == "this change blue"
    assert charts.mermaid(curve(base=[(1, 1)], change=[(1, math.nan)])) is None


FLOATS = st.floats(allow_nan=True, allow_infinity=True)
POINTS = st.lists(st.tuples(FLOATS, FLOATS), max_size=30)


@settings(max_examples=300, deadline=None)
@given(POINTS, POINTS)
def test_any_points_give_plain_decimals_and_coordinates(
    one: list[tuple[float, float]], other: list[tuple[float, float]]
) -> None:
    drawn = curve(base=one, change=other)
    chart = charts.mermaid(drawn)
    for row in re.findall(r"line \[(.*)\]", chart.text) if chart else ():
        assert re.fullmatch(r"-?\d+(\.\d+)?(, -?\d+(\.\d+)?)*", row)
    picture = charts.picture(drawn)
    for line in picture.lines if picture else ():
        assert re.fullmatch(r"[\d.e+-]+,[\d.e+-]+( [\d.e+-]+,[\d.e+-]+)*", line.points)
