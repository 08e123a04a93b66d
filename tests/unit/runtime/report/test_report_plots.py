"""Plots, from what DVC says to the page and the comment: bounded, whole, and readable without a mouse or a script."""

from __future__ import annotations

import base64
import colorsys
import hashlib
import itertools
import re
import struct
import time
import zlib
from pathlib import Path

import pytest

from mlcicd.runtime import plots
from mlcicd.runtime.base import Base
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.report import charts, confusion, document, graph, model, page, plotted, render
from mlcicd.runtime.report.build import Collected, build, whole
from mlcicd.runtime.report.model import Report, Stage

SHA = "a" * 40


def png(width: int = 2, height: int = 2) -> bytes:
    """Return a small picture; its header may claim any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x20\x60\xa0" * 2 for _ in range(2)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def matrix(pairs: dict[tuple[str, str], int], before: dict[tuple[str, str], int] | None = None) -> model.Confusion:
    revisions = {"workspace": pairs} | ({SHA: before} if before else {})
    plot = plots.Confusion(title="t", actual="truth", predicted="guess", revisions=revisions)
    return plotted.confusions([plot], SHA)[0]


def stages(**needs: tuple[str, ...]) -> list[Stage]:
    return [Stage(name=name, state="run", needs=needed) for name, needed in needs.items()]


# ---- what DVC drew, bounded ----


def test_both_sides_of_a_confusion_matrix_have_the_same_classes_in_order() -> None:
    found = matrix({("10", "9"): 3, ("9", "9"): 1}, {("2", "2"): 5})
    assert found.classes == ("2", "9", "10")
    assert found.change == ((0, 0, 0), (0, 1, 0), (0, 3, 0))
    assert found.base == ((5, 0, 0), (0, 0, 0), (0, 0, 0))


def test_rare_classes_become_one_and_nothing_is_lost() -> None:
    pairs = {(f"c{n:02}", f"c{n:02}"): 100 - n for n in range(50)} | {("c49", "c00"): 1}
    found = matrix(pairs)
    assert (len(found.classes), found.classes[-1], found.others) == (model.MAX_CLASSES, "other", 31)
    assert sum(map(sum, found.change)) == sum(pairs.values())
    assert found.change[-1][0] == 1


def test_a_matrix_that_is_not_square_is_refused() -> None:
    with pytest.raises(ValueError, match="not those of its classes"):
        model.Confusion(title="t", actual="a", predicted="p", classes=("x", "y"), change=((1, 2),))


def test_shares_are_of_the_row_and_only_the_exact_ends_are_round() -> None:
    (side,) = confusion.both(matrix({("a", "a"): 9_999, ("a", "b"): 1, ("b", "b"): 2})).sides
    assert [[f"{cell.count} {cell.share}" for cell in cells] for _, cells in side.rows] == [
        ["9999 99.9 %", "1 0.1 %"],
        ["0 0 %", "2 100 %"],
    ]
    assert side.right == "99.9 %"


def test_bars_come_longest_first_and_the_rest_is_counted() -> None:
    lengths = {f"f{n}": (-1) ** n * float(n) for n in range(60)}
    plot = plots.Bars(title="t", label="feature", value="weight", revisions={"workspace": lengths, SHA: {"gone": 99}})
    (found,) = plotted.bars([plot], SHA)
    assert [bar.name for bar in found.bars[:3]] == ["gone", "f59", "f58"]
    assert (found.bars[0].base, found.bars[0].change) == (99, None)
    assert (len(found.bars), found.more) == (model.MAX_BARS, 21)


def test_bars_start_at_zero_on_both_sides_of_it() -> None:
    chart = model.Bars(
        title="t", label="l", value="v", bars=(model.Bar(name="up", base=3), model.Bar(name="down", change=-1))
    )
    up, down = charts.bars(chart)
    assert (up.base_bar, up.change_bar) == ((50.0, 150.0), None)
    assert down.change_bar == (0.0, 50.0)


def test_a_picture_is_in_the_page_when_it_is_small_and_a_picture(tmp_path: Path) -> None:
    contents = {
        "good.png": png(),
        "text.png": b"<svg onload=alert(1)>",
        "bomb.png": png(60_000, 60_000),
        "large.png": png() + bytes(plotted.MAX_PICTURE),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    found = [plots.Image(title=name, revisions={"workspace": tmp_path / name}) for name in [*contents, "gone.png"]]
    assert [image.name for image in plotted.images(found, SHA)] == list(contents)
    kept = plotted.pictures(found, SHA)
    assert list(kept) == [("good.png", "change")]
    shown = render.html(Report(state="pass", images=tuple(plotted.images(found, SHA))), kept)
    assert shown.count("<img ") == 1
    assert base64.b64encode(png()).decode() in shown
    assert shown.count("Not shown here") == 3


# ---- the pipeline ----


def test_the_pipeline_is_drawn_without_what_a_longer_way_implies() -> None:
    text = graph.mermaid(stages(prepare=(), train=("prepare",), evaluate=("train", "prepare")))
    assert text.splitlines() == [
        "flowchart LR",
        '  n0["prepare · run"]',
        '  n1["train · run"]',
        '  n2["evaluate · run"]',
        "  n0 --> n1",
        "  n1 --> n2",
    ]


def test_a_stage_stands_right_of_all_that_it_needs() -> None:
    found = graph.picture(stages(a=(), b=("a",), c=("a",), d=("b", "c"), alone=()))
    assert found is not None
    x = {node.name: node.x for node in found.nodes}
    assert x["a"] == x["alone"] < x["b"] == x["c"] < x["d"]
    assert len({(node.x, node.y) for node in found.nodes}) == 5


@pytest.mark.parametrize(
    "found",
    [
        [],
        stages(a=(), b=()),
        stages(a=("a", "nobody")),
        [Stage(name=f"s{n}", state="run", needs=("s0",)) for n in range(31)],
    ],
    ids=["nothing", "no edges", "itself", "too many"],
)
def test_what_is_no_readable_graph_is_not_drawn(found: list[Stage]) -> None:
    assert graph.mermaid(found) == ""
    assert graph.picture(found) is None


def test_a_circle_that_no_pipeline_has_ends_all_the_same() -> None:
    found = graph.picture(stages(a=("c",), b=("a",), c=("b",)))
    assert found is not None
    assert found.width <= 3 * (graph.NODE_WIDTH + graph.ACROSS)


def test_a_stage_cannot_say_anything_to_mermaid() -> None:
    hostile = 'x"]; click n0 "javascript:alert(1)" %%{init: {}}%%\n```'
    text = graph.mermaid([Stage(name=hostile, state="run"), Stage(name="b", state="run", needs=(hostile,))])
    assert len(text.splitlines()) == 4
    label = text.splitlines()[1].removeprefix('  n0["').removesuffix('"]')
    assert "%%" not in label
    assert not set(label) & set('"[]{};`()<>')


# ---- charts ----


def test_loose_points_have_dots_and_no_line_and_no_place_in_the_comment() -> None:
    line = model.Line(side="change", name="x", points=tuple((float(n), 1.0) for n in range(100)))
    curve = model.Curve(kind="scatter", title="t", x_label="x", y_label="y", lines=(line,))
    made = charts.picture(curve)
    assert made is not None
    assert (made.lines[0].points, made.lines[0].dots.count("M"), made.xs) == ("", 100, ())
    assert charts.mermaid(curve) is None


def test_the_numbers_beside_a_chart_do_not_reach_beyond_a_line() -> None:
    long, short = (
        model.Line(side=side, name="", points=tuple((float(n), n / 10) for n in range(count)))
        for side, count in (("change", 15), ("base", 3))
    )
    made = charts.picture(model.Curve(title="t", x_label="x", y_label="y", lines=(short, long)))
    assert made is not None
    assert made.xs == ("0", "2", "4", "6", "8", "10", "12", "14")
    assert made.rows[0] == ("base", "base", ("0", "0.2", "–", "–", "–", "–", "–", "–"))
    assert made.lines[0].values == "0,0 1,0.1 2,0.2"


# ---- the page ----


def test_the_page_allows_its_own_style_and_script_and_no_other() -> None:
    made = render.html(Report(state="pass"))
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", made, re.DOTALL)
        assert f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'" in made
    assert "unsafe-inline" not in made
    assert not re.search(r"\sstyle=|\son[a-z]+=", made)


def test_every_table_has_a_caption_and_every_head_cell_a_scope() -> None:
    made = render.html(big(metrics=3, curves=1))
    tables = re.findall("<table.*?</table>", made, re.DOTALL)
    assert len(tables) == 2
    assert all("<caption" in table for table in tables)
    assert not re.search(r"<th(?![^>]*scope=)[ >]", made)
    levels = [int(level) for level in re.findall(r"<h(\d)", made)]
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))


def test_a_big_report_is_a_small_page_made_quickly() -> None:
    report = big(metrics=200, curves=12)
    render.html(report)
    began = time.perf_counter()
    made = render.html(report)
    assert time.perf_counter() - began < 0.5
    assert len(made.encode()) < 1024 * 1024


def big(*, metrics: int, curves: int) -> Report:
    lines = tuple(
        model.Line(side=side, name=f"v{n}", points=tuple((x / 7, (x * (n + 3) % 97) / 91) for x in range(200)))
        for n, side in enumerate(("base", "change", "other", "other"))
    )
    return Report(
        state="pass",
        metrics=tuple(
            model.Metric(name=f"some.metric.{n}", file="metrics.json", key=f"{n}", base=n / 7, change=n / 9)
            for n in range(metrics)
        ),
        curves=(model.Curve(title="Loss", x_label="step", y_label="loss", lines=lines),) * curves,
    )


# ---- colours ----


def colours(*, dark: bool) -> dict[str, str]:
    style = page.asset("style.css")
    light, night = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", light + (night if dark else "")))


def rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))


def mixed(colour: str, percent: int, other: str) -> tuple[float, ...]:
    return tuple((a * percent + b * (100 - percent)) / 100 for a, b in zip(rgb(colour), rgb(other), strict=True))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the contrast ratio as WCAG 2 defines it."""

    def light(colour: tuple[float, ...]) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_and_lines_stand_out(dark: bool) -> None:
    found = colours(dark=dark)
    for text in ("ink", "quiet", "tone", "pass", "fail", "wait", "warn", "change"):
        for behind in ("page", "card"):
            assert contrast(rgb(found[text]), rgb(found[behind])) >= 4.5, (text, behind)
    assert min(contrast(rgb(found[text]), rgb(found["code"])) for text in ("ink", "quiet")) >= 4.5
    assert min(contrast(rgb(found[line]), rgb(found["card"])) for line in ("base", "change", "warn")) >= 3
    darkest = max(map(int, re.findall(r"var\(--change\) (\d+)%", page.asset("style.css"))))
    assert contrast(rgb(found["ink"]), mixed(found["change"], darkest, found["card"])) >= 4.5


def test_the_two_sides_differ_in_more_than_colour() -> None:
    assert re.search(r"\.series\.base > \.line \{ stroke-dasharray", page.asset("style.css"))
    grey, blue = (colorsys.rgb_to_hsv(*rgb(charts.COLOURS[side]))[1] for side in ("base", "change"))
    assert grey < 0.2 < blue


def test_nothing_moves() -> None:
    assert not re.search("animation|transition|scroll-behavior", page.asset("style.css") + page.asset("report.js"))


def test_the_script_stays_readable() -> None:
    lines = page.asset("report.js").splitlines()
    assert len(lines) <= 250
    assert "innerHTML" not in page.asset("report.js")


def test_many_dense_curves_lose_points_before_they_go() -> None:
    points = [(n / 7, n % 97 / 91) for n in range(10_000)]
    found = [
        plots.Curve(title="t", x_label="x", y_label="y", revisions={"workspace": points, SHA: points, "v1": points})
        for _ in range(12)
    ]
    collected = Collected(plots=found, base=Base(sha=SHA))
    report = build(collected, Ci(), SHA)
    assert len(document.dump(report).encode()) <= model.MAX_BYTES
    assert {len(line.points) for curve in report.curves for line in curve.lines} == {50}
    (dropped,) = (notice.names for notice in report.notices if notice.kind == "dropped")
    assert dropped[-1] == "most points of curves"
    complete = whole(report, collected)
    assert {len(line.points) for curve in complete.curves for line in curve.lines} == {model.MAX_POINTS}
    assert not any("most points of curves" in notice.names for notice in complete.notices)
