"""What was collected, made into one bounded `Report`. Pure; whatever is cut is cut from the end and said."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from mlcicd.runtime import direction, evidence, facts, gate, metrics, weak_gates
from mlcicd.runtime.base import Base
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.evidence import At
from mlcicd.runtime.metrics import Key, Problem, Values
from mlcicd.runtime.plots import NotShown, Plot
from mlcicd.runtime.report import judged, plotted, reduce, shorten, troubles
from mlcicd.runtime.report.model import (
    Difference,
    Job,
    Machine,
    Metric,
    Notice,
    Outdated,
    OwnStep,
    Param,
    Report,
    Revision,
    Section,
    SelfTest,
    Unread,
    link,
)
from mlcicd.runtime.report.shorten import notice, text
from mlcicd.runtime.training.seed_record import Seeds
from mlcicd.runtime.verdict import BASE, Verdict
from mlcicd.runtime.weak_gates import Tested

Item = TypeVar("Item")
# What a report's state follows from stands first, and stays when there are too many gates.
WORST = {"fail": 0, "error": 1, "inconclusive": 2, "overridden": 3, "no-base": 4, "waiting": 5}


@dataclass(frozen=True, kw_only=True)
class Collected:
    """All that the report says, as it was found.

    Attributes:
        change, before: the metrics of both sides; None when nothing was measured, or when there is no base.
        smoke: those of the change are of a smoke training that the base's configuration allows.
        params: text on both sides by file and key.
        plots: what DVC's plots show, by revision.
        gates: what to judge.
        references: what is compared with, and the intervals that are known; the base without any when empty.
        history: earlier values of the metrics that nothing else tells of.
        base_seeds: metrics of the base's repeated trainings, by name and seed.
        margins: differences too small to matter, by metric.
        overrides: who answers for which gate.
        missing: jobs that should have left facts and did not.
        outdated: jobs whose facts are of another commit.
        base_machine: what the base was trained on, when that is another type of machine.
        unread: problems that are not in `change` or `before`, by side.
        steps: what steps and jobs of the team's own did.
        revision: which data both sides are of.
        sections: texts of the project's own.
    """

    title: str = ""
    base: Base = field(default_factory=Base)
    change: Values | None = None
    before: Values | None = None
    smoke: bool = False
    params: Mapping[Key, tuple[str | None, str | None]] = field(default_factory=dict)
    plots: Sequence[Plot] = ()
    gates: Sequence[gate.Applied] = ()
    references: Mapping[str, gate.Reference] = field(default_factory=dict)
    history: Mapping[Key, Sequence[float]] = field(default_factory=dict)
    base_seeds: Seeds = field(default_factory=dict)
    margins: Mapping[str, float] = field(default_factory=dict)
    overrides: Sequence[gate.Override] = ()
    data: facts.DataFacts | None = None
    status: facts.StatusFacts | None = None
    validation: facts.ValidateFacts | None = None
    tests: facts.TestFacts | None = None
    gpu: facts.GpuFacts | None = None
    training: facts.TrainFacts | None = None
    steps: tuple[OwnStep, ...] = ()
    missing: tuple[Job, ...] = ()
    outdated: tuple[Outdated, ...] = ()
    base_machine: Machine | None = None
    unread: Sequence[tuple[str, Problem]] = ()
    notices: tuple[Notice, ...] = ()
    revision: Revision | None = None
    sections: tuple[Section, ...] = ()


def build(found: Collected, ci: Ci, sha: str) -> Report:
    """Make the report of the commit `sha`."""
    references = {BASE: gate.Reference(values=found.before), **found.references}
    every = gate.judge(found.gates, found.change, references, smoke=found.smoke, overrides=found.overrides)
    verdicts = sorted(every, key=lambda verdict: WORST.get(verdict.status, len(WORST)))
    tested = Tested() if found.smoke else weak_gates.test(found.gates, found.change, references)
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
        outdated=found.outdated,
        gates=_first(100, verdicts, "gates", cuts),
        self_test=_self_test(tested),
        metrics=_first(200, _by_interest(_metrics(found), verdicts), "metrics", cuts),
        unread=_first(50, _unread(found), "unreadable values", cuts),
        params=_first(50, _params(found.params), "parameters", cuts),
        curves=_first(12, plotted.curves(found.plots, found.base.sha), "curves", cuts),
        bars=_first(6, plotted.bars(found.plots, found.base.sha), "bar charts", cuts),
        confusions=_first(4, plotted.confusions(found.plots, found.base.sha), "confusion matrices", cuts),
        images=_first(20, plotted.images(found.plots, found.base.sha), "pictures", cuts),
        data=shorten.data(found.data),
        revision=found.revision,
        base_machine=found.base_machine,
        sections=found.sections,
        status=shorten.status(found.status),
        validation=shorten.validation(found.validation),
        tests=shorten.tests(found.tests),
        gpu=shorten.gpu(found.gpu),
        training=shorten.training(found.training),
        steps=_first(20, sorted(found.steps, key=lambda step: not step.failed), "steps of the team's own", cuts),
        notices=(*found.notices, *_told(found, tested), *(Notice(kind="cut", names=(cut,)) for cut in cuts))[:20],
    )
    return reduce.small(report.model_copy(update={"state": troubles.state(report)}))


def whole(report: Report, found: Collected) -> Report:
    """Return the report with every metric, parameter and point again, for a page: more than report.json may hold."""
    complete: dict[str, object] = {
        "metrics": tuple(_by_interest(_metrics(found), report.gates)),
        "params": tuple(_params(found.params)),
    }
    # Reading millions of points twice is worth it only where some had to go.
    if any(item.kind == "dropped" for item in report.notices):
        complete |= {
            "curves": tuple(plotted.curves(found.plots, found.base.sha)[:12]),
            "bars": tuple(plotted.bars(found.plots, found.base.sha)[:6]),
            "confusions": tuple(plotted.confusions(found.plots, found.base.sha)[:4]),
        }
    notices = tuple(
        item for item in report.notices if item.kind != "cut" or not item.names[0].endswith(("metrics", "parameters"))
    )
    return report.model_copy(update={**complete, "notices": tuple(filter(None, map(_still_gone, notices)))})


def _still_gone(notice: Notice) -> Notice | None:
    """Return a notice without what the page has again; None when nothing remains of it."""
    if notice.kind != "dropped":
        return notice
    names = tuple(name for name in notice.names if name not in ("metrics", "parameters", "curves", reduce.FEWER))
    return notice.model_copy(update={"names": names}) if names else None


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
    seeds = judged.seeds(found.training.seeds) if found.training else {}
    margins = {key: margin for name, margin in found.margins.items() for key in metrics.find(name, names)}
    made = []
    for key, name in names.items():
        at = None if found.smoke else _interval(found, key)
        margin = margins.get(key, 0.0)
        reading, interval = judged.read(before.get(key), change.get(key), at, margin, key[1])
        if reading == "single" and _is_of_the_machine(found, key):
            reading = "machine"
        if reading == "single" and _is_untrained(found, key):
            reading = "untrained"
        made.append(
            Metric(
                name=text(name),
                file=text(key[0]),
                key=text(key[1]),
                base=before.get(key),
                change=change.get(key),
                seeds=tuple(seeds.get(":".join(key), {}).values())[:20],
                base_seeds=tuple(found.base_seeds.get(":".join(key), {}).values())[:20],
                direction=direction.better(key[1]) or "",
                interval=None if interval is None else Difference.model_validate(dataclasses.asdict(interval)),
                margin=margin,
                reading=reading,
            )
        )
    return made


def _interval(found: Collected, key: Key) -> At | None:
    base = found.references.get(BASE)
    # What an interval tells of noise is about neither two machines nor a base that was never trained.
    if _is_of_the_machine(found, key) or _is_untrained(found, key):
        return None
    if base and (known := base.intervals.get(key)):
        return known
    if found.change is None or key not in found.history:
        return None
    return partial(evidence.of_history, found.history[key], found.change.numbers[key])


def _is_of_the_machine(found: Collected, key: Key) -> bool:
    return found.base_machine is not None and direction.is_cost(key[1])


def _is_untrained(found: Collected, key: Key) -> bool:
    base = found.references.get(BASE)
    return base is not None and key[0] in base.untrained


def _told(found: Collected, tested: Tested) -> list[Notice]:
    """Name the gates that a far worse model would pass, and the plots that cannot be shown."""
    weak = _open(tested.weak)
    plots = dict.fromkeys(f"{plot.title}: {plot.reason}" for plot in found.plots if isinstance(plot, NotShown))
    return [*([notice("weak-gates", *weak)] if weak else []), *([notice("plots", *plots)] if plots else [])]


def _self_test(tested: Tested) -> SelfTest | None:
    known = tested.closed or tested.open
    return SelfTest(closed=tested.closed, open=tuple(map(text, _open(tested.open)))[:20]) if known else None


def _open(passed: Sequence[Verdict]) -> list[str]:
    """Return the rules that a worse model passed, each once."""
    return list(dict.fromkeys(f"{one.metric} {one.rule} {one.bound:g} (passes at {one.value:g})" for one in passed))


def _by_interest(metrics: Sequence[Metric], verdicts: Sequence[Verdict]) -> list[Metric]:
    """Put what a gate asks for first, then what moved: when there are too many, the others go."""
    asked = {verdict.metric for verdict in verdicts}

    def order(metric: Metric) -> tuple[bool, bool]:
        named = {metric.name, metric.key, f"{metric.file}:{metric.key}"}
        return (not asked & named, metric.base == metric.change)

    return sorted(metrics, key=order)


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
