"""A report made small enough for its readers: what goes goes in a fixed order, is said, and changes no verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlcicd.runtime import sliced
from mlcicd.runtime.report import charts, shorten
from mlcicd.runtime.report.document import dump
from mlcicd.runtime.report.model import MAX_BYTES, Notice, Report

SHORT_TEXT = 80
FEW_POINTS, FEWER = 50, "most points of curves"


def small(report: Report) -> Report:
    """Leave out more and more until the report is as small as its readers demand; its state stays."""
    kept, text, gone = report, dump(report), list[str]()
    for name, reduce in REDUCTIONS.items():
        if len(text.encode()) <= MAX_BYTES:
            break
        less = reduce(kept)
        gone += [name] if dump(less) != text else []
        others = tuple(item for item in less.notices if item.kind != "dropped")[:19]
        kept = less.model_copy(update={"notices": (*others, Notice(kind="dropped", names=tuple(gone)))})
        text = dump(kept)
    return kept


def _few_expectations(report: Report) -> Report:
    if report.validation is None:
        return report
    points = tuple(
        point.model_copy(update={"expectations": point.expectations[:3]}) for point in report.validation.checkpoints
    )
    return report.model_copy(update={"validation": report.validation.model_copy(update={"checkpoints": points})})


def _few_points(report: Report) -> Report:
    curves = [
        curve.model_copy(
            update={
                "lines": tuple(
                    line.model_copy(update={"points": charts.thinned(line.points, FEW_POINTS)}) for line in curve.lines
                )
            }
        )
        for curve in report.curves
    ]
    return report.model_copy(update={"curves": tuple(curves)})


def _steps_without_lines(report: Report) -> Report:
    steps = tuple(step.model_copy(update={"tail": ()}) for step in report.steps)
    return report.model_copy(update={"steps": steps})


# What goes first when the JSON would be too large. Gates stand failed first.
REDUCTIONS: Mapping[str, Callable[[Report], Report]] = {
    "ends of long texts": lambda report: shorten.texts(report, SHORT_TEXT),
    "the project's own texts": lambda report: report.model_copy(update={"sections": ()}),
    "last lines of the team's own steps": _steps_without_lines,
    FEWER: _few_points,
    "curves": lambda report: report.model_copy(update={"curves": (), "bars": (), "confusions": ()}),
    "parameters": lambda report: report.model_copy(update={"params": ()}),
    "unreadable values": lambda report: report.model_copy(update={"unread": report.unread[:5]}),
    "most expectations": _few_expectations,
    "slices": lambda report: report.model_copy(update={"gates": tuple(map(sliced.shortened, report.gates))}),
    "metrics": lambda report: report.model_copy(update={"metrics": ()}),
    "most gates": lambda report: report.model_copy(update={"gates": report.gates[:5]}),
}
