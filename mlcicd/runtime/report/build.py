"""What was collected, made into one bounded `Report`. Pure; whatever is cut is cut from the end and said."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from mlcicd.runtime import facts, gate, metrics
from mlcicd.runtime.base import Base
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.metrics import Key, Problem, Values
from mlcicd.runtime.report import shorten, troubles
from mlcicd.runtime.report.document import dump
from mlcicd.runtime.report.model import (
    MAX_BYTES,
    MAX_POINTS,
    Curve,
    Job,
    Line,
    Metric,
    Notice,
    Param,
    Report,
    Unread,
    link,
)
from mlcicd.runtime.report.shorten import text

Item = TypeVar("Item")
SHORT_TEXT = 80


class Plot(Protocol):
    """A plot as `runtime.storage.dvc` delivers it: points by revision."""

    @property
    def title(self) -> str:
        """What it is called."""

    @property
    def x_label(self) -> str:
        """What the horizontal axis shows."""

    @property
    def y_label(self) -> str:
        """What the vertical axis shows."""

    @property
    def lines(self) -> Mapping[str, Sequence[tuple[float, float]]]:
        """Points by revision."""


@dataclass(frozen=True, kw_only=True)
class Collected:
    """All that the report says, as it was found.

    Attributes:
        change, before: the metrics of both sides; None when nothing was measured, or when there is no base.
        smoke: those of the change are of a smoke training that the base's configuration allows.
        params: text on both sides by file and key.
        plots: points by revision.
        gates: what to judge.
        missing: jobs that should have left facts and did not.
        unread: problems that are not in `change` or `before`, by side.
    """

    title: str = ""
    base: Base = field(default_factory=Base)
    change: Values | None = None
    before: Values | None = None
    smoke: bool = False
    params: Mapping[Key, tuple[str | None, str | None]] = field(default_factory=dict)
    plots: Sequence[Plot] = ()
    gates: Sequence[gate.Applied] = ()
    data: facts.DataFacts | None = None
    status: facts.StatusFacts | None = None
    validation: facts.ValidateFacts | None = None
    tests: facts.TestFacts | None = None
    training: facts.TrainFacts | None = None
    missing: tuple[Job, ...] = ()
    unread: Sequence[tuple[str, Problem]] = ()
    notices: tuple[Notice, ...] = ()


def build(found: Collected, ci: Ci, sha: str) -> Report:
    """Make the report of the commit `sha`."""
    judged = gate.judge(found.gates, found.change, found.before, smoke=found.smoke)
    verdicts = sorted(judged, key=lambda verdict: verdict.status == "pass")
    cuts: list[str] = []
    report = Report(
        title=text(found.title),
        state="pass",
        run=ci.run,
        attempt=ci.attempt,
        sha=sha,
        base=found.base.sha,
        base_found=text(found.base.found),
        link_run=link(ci.links.get("run", "")),
        link_commit=link(ci.links.get("commit", "")),
        missing=found.missing,
        gates=_first(100, verdicts, "gates", cuts),
        metrics=_first(200, _metrics(found), "metrics", cuts),
        unread=_first(50, _unread(found), "unreadable values", cuts),
        params=_first(50, _params(found.params), "parameters", cuts),
        curves=_first(12, [_curve(plot, found.base.sha) for plot in found.plots], "curves", cuts),
        data=shorten.data(found.data),
        status=shorten.status(found.status),
        validation=shorten.validation(found.validation),
        tests=shorten.tests(found.tests),
        training=shorten.training(found.training),
        notices=(*found.notices, *(Notice(kind="cut", names=(cut,)) for cut in cuts))[:20],
    )
    return _small(report.model_copy(update={"state": troubles.state(report)}))


def _small(report: Report) -> Report:
    """Leave out more and more until the report is as small as its readers demand; its state stays."""
    kept = report
    for count, reduce in enumerate(REDUCTIONS.values(), start=1):
        if len(dump(kept).encode()) <= MAX_BYTES:
            break
        notice = Notice(kind="dropped", names=tuple(REDUCTIONS)[:count])
        notices = tuple(item for item in kept.notices if item.kind != "dropped")[:19]
        kept = reduce(kept).model_copy(update={"notices": (*notices, notice)})
    return kept


def _few_expectations(report: Report) -> Report:
    if report.validation is None:
        return report
    points = tuple(
        point.model_copy(update={"expectations": point.expectations[:3]}) for point in report.validation.checkpoints
    )
    return report.model_copy(update={"validation": report.validation.model_copy(update={"checkpoints": points})})


# What goes first when the JSON would be too large. Gates stand failed first.
REDUCTIONS: Mapping[str, Callable[[Report], Report]] = {
    "ends of long texts": lambda report: shorten.texts(report, SHORT_TEXT),
    "curves": lambda report: report.model_copy(update={"curves": ()}),
    "parameters": lambda report: report.model_copy(update={"params": ()}),
    "unreadable values": lambda report: report.model_copy(update={"unread": report.unread[:5]}),
    "most expectations": _few_expectations,
    "metrics": lambda report: report.model_copy(update={"metrics": ()}),
    "most gates": lambda report: report.model_copy(update={"gates": report.gates[:5]}),
}


def _first(limit: int, items: Iterable[Item], name: str, cuts: list[str]) -> tuple[Item, ...]:
    every = tuple(items)
    if len(every) > limit:
        cuts.append(f"{limit} of {len(every)} {name}")
    return every[:limit]


def _metrics(found: Collected) -> list[Metric]:
    if found.change is None:  # nothing was measured, which is not the same as metrics that are gone
        return []
    change = found.change.numbers
    before = found.before.numbers if found.before else {}
    names = metrics.names([*change, *before])
    seeds = [run.metrics for run in found.training.seeds if run.exit == 0] if found.training else []
    return [
        Metric(
            name=text(name),
            file=text(key[0]),
            key=text(key[1]),
            base=before.get(key),
            change=change.get(key),
            seeds=tuple(run[":".join(key)] for run in seeds if ":".join(key) in run)[:20],
        )
        for key, name in names.items()
    ]


def _unread(found: Collected) -> list[Unread]:
    change = found.change.problems if found.change else ()
    before = found.before.problems if found.before else ()
    sides = [("change", problem) for problem in change]
    sides += [("base", problem) for problem in before if problem not in change]
    return [
        Unread(
            side="base" if side == "base" else "change",
            file=text(problem.file),
            key=text(problem.key),
            reason=text(problem.reason),
        )
        for side, problem in [*sides, *found.unread]
    ]


def _params(params: Mapping[Key, tuple[str | None, str | None]]) -> list[Param]:
    names = metrics.names(params)
    return [
        Param(
            name=text(names[key]),
            file=text(key[0]),
            base=None if base is None else text(base),
            change=None if change is None else text(change),
        )
        for key, (base, change) in params.items()
        if base != change
    ]


def _curve(plot: Plot, base: str) -> Curve:
    lines = []
    for revision, points in plot.lines.items():
        side = "change" if revision == "workspace" else "base" if revision in (base, base[:7], "base") else "other"
        lines.append(Line.model_validate({"side": side, "name": text(revision), "points": _thinned(points)}))
    return Curve(title=text(plot.title), x_label=text(plot.x_label), y_label=text(plot.y_label), lines=tuple(lines[:4]))


def _thinned(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Keep the first, the last and evenly spread points between, by growing x; what is not finite cannot be drawn."""
    kept = sorted((float(x), float(y)) for x, y in points if math.isfinite(x) and math.isfinite(y))
    if len(kept) <= MAX_POINTS:
        return tuple(kept)
    return tuple(kept[round(index * (len(kept) - 1) / (MAX_POINTS - 1))] for index in range(MAX_POINTS))
