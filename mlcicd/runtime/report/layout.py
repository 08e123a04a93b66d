"""How much of a report a comment shows: all of it, then step by step less, until it fits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlcicd.runtime.markdown import LIMIT, Words
from mlcicd.runtime.report import charts, confusion, graph, page
from mlcicd.runtime.report.model import Curve, Report

MAX_CHARTS = 3
MAX_MATRICES = 2
FEW, EVERY = 5, 200
SHORT_NAME = 12  # characters; with four bytes each, the smallest comment stays under 2 KB


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a comment shows.

    Attributes:
        few: tables have a small multiple of this many rows.
        points: the most points of a chart's line.
        drawn: charts are drawn; else only the table beside them is there.
        passed: what passed, or did not move, has rows of its own.
        judged: of the metrics only those whose gate failed are there.
        without: blocks that are left out.
        own: blocks are laid out by the team's own templates, where there are any.
        brief: the line of facts and the notes are left out.
        width: characters of one text.
        step: what goes with this layout, in words; "" while all is there.
    """

    few: int = FEW
    points: int = charts.MERMAID_POINTS
    drawn: bool = True
    passed: bool = True
    judged: bool = False
    without: frozenset[str] = frozenset()
    own: bool = True
    brief: bool = False
    width: int = LIMIT
    step: str = ""


# The smallest loss first; behind each, the fields of `Layout` that it changes, or the block that goes.
STEPS: Mapping[str, Mapping[str, Any] | str] = {
    "points of curves": {"points": 20},
    "charts": {"drawn": False},
    "what passed or did not move": {"passed": False},
    "blocks by the team's own templates": {"own": False},
    "most rows": {"few": 2},
    "the project's own texts": "sections",
    "what changed": "changes",
    "pictures": "images",
    "bar charts": "bars",
    "confusion matrices": "confusion",
    "curves": "curves",
    "slices": "slices",
    "steps of the team's own": "steps",
    "in step": "status",
    "tests": "tests",
    "data validation": "validation",
    "last lines": "tail",
    "metrics without a failed gate": {"judged": True, "few": 1},
    "facts and notes": {"brief": True},
    "metrics": "metrics",
    "gates": {"without": frozenset({"gates"}), "width": SHORT_NAME},
}


def layouts(few: int = FEW) -> Iterator[Layout]:
    """Yield layouts, each with less than the one before; the last always fits."""
    layout = Layout(few=few)
    yield layout
    for name, step in STEPS.items():
        less: dict[str, Any] = {"without": frozenset({step})} if isinstance(step, str) else dict(step)
        less["without"] = layout.without | less.get("without", frozenset())
        layout = dataclasses.replace(layout, **less, step=name)
        yield layout


def shown(view: Mapping[str, Any], report: Report, layout: Layout) -> dict[str, Any]:
    """Return of a view what the layout shows."""
    less = {**view, "charts_shown": _charts(report, layout), "few": layout.few, "brief": layout.brief}
    if not layout.passed:
        validation = view["validation"]
        less["validation"] = validation and {**validation, "passed": []}
        less["metrics"] = [row for row in view["metrics"] if not row["still"]]
    if layout.judged:
        failed = [verdict.metric for verdict in report.gates if verdict.status != "pass"]
        less["metrics"] = [row for row in view["metrics"] if row["name"] in failed]
    stages = report.training.stages if report.training else ()
    less["flow"] = graph.mermaid(stages) if layout.drawn else Words("")
    less["confusions"] = [confusion.both(found) for found in report.confusions[:MAX_MATRICES]]
    less["images"] = page.images(report)
    less["bars_shown"] = [(chart, charts.bars(chart)[: layout.few * 2]) for chart in report.bars[:MAX_CHARTS]]
    return less


def _charts(report: Report, layout: Layout) -> list[tuple[str, charts.Mermaid]]:
    laid_out = [(curve.title, charts.mermaid(_thinned(curve, layout.points))) for curve in report.curves[:MAX_CHARTS]]
    found = [(title, chart) for title, chart in laid_out if chart]
    return found if layout.drawn else [(title, dataclasses.replace(chart, text=Words(""))) for title, chart in found]


def _thinned(curve: Curve, most: int) -> Curve:
    lines = [line.model_copy(update={"points": charts.thinned(line.points, most)}) for line in curve.lines]
    return curve.model_copy(update={"lines": tuple(lines)})
