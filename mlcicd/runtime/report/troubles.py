"""What is wrong in a report, in the order of cause and effect; its state follows from that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mlcicd.runtime.report.model import Report, State

Kind = Literal[
    "base", "removed", "data", "status", "validation", "tests", "step", "training", "missing", "outdated", "gate",
    "self-test",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One reason not to merge.

    Attributes:
        error: something did not work, as against: it worked and the answer is no.
        effect: it follows from another trouble of this report.
        index: which of `report.steps`, `missing`, `outdated` or `gates` it is about.
    """

    kind: Kind
    error: bool = False
    effect: bool = False
    index: int = 0


def find(report: Report) -> list[Trouble]:
    """Return every trouble, causes before effects."""
    found = list(_of_jobs(report))
    for index, _ in enumerate(report.missing):
        found.append(Trouble(kind="missing", error=True, effect=bool(found) and _waits(report, index), index=index))
    unused = [index for index, item in enumerate(report.outdated) if not item.used]
    found += [Trouble(kind="outdated", error=True, index=index) for index in unused]
    # A pull request always has a base: one that cannot be found took its gates with it.
    if any(item.kind == "base-lost" for item in report.notices):
        found.append(Trouble(kind="base", error=True))
    if any(item.kind == "sections-removed" for item in report.notices):
        found.append(Trouble(kind="removed"))
    for index, verdict in enumerate(report.gates):
        if verdict.status in ("fail", "error"):
            effect = verdict.cause == "not-measured" and bool(found)
            found.append(Trouble(kind="gate", error=verdict.status == "error", effect=effect, index=index))
    if report.self_test and report.self_test.open:
        found.append(Trouble(kind="self-test", error=True))
    return found


def state(report: Report) -> State:
    """Return the state that the report's facts mean."""
    causes = [trouble for trouble in find(report) if not trouble.effect]
    if causes:
        return "error" if all(trouble.error for trouble in causes) else "fail"
    if any(verdict.status == "waiting" for verdict in report.gates) or (report.training and report.training.smoke):
        return "smoke"
    if any(verdict.status in ("inconclusive", "overridden") for verdict in report.gates):
        return "inconclusive"
    return "no-baseline" if not report.base and (report.metrics or report.gates) else "pass"


def is_still(report: Report) -> bool:
    """Tell whether a report that passes is about nothing that a model is made of: a change of documentation, say."""
    stages = report.training.stages if report.training else ()
    moved = any(metric.base != metric.change for metric in report.metrics)
    data = report.revision and report.revision.base != report.revision.change
    ran = any(stage.state != "unchanged" for stage in stages)
    return report.state == "pass" and bool(report.base and stages) and not (moved or report.params or data or ran)


def _of_jobs(report: Report) -> Iterator[Trouble]:
    if report.data and report.data.error:
        yield Trouble(kind="data", error=True)
    if report.status and not report.status.success:
        yield Trouble(kind="status", error=bool(report.status.error))
    if report.validation and not report.validation.success:
        broken = report.validation.error or any(checkpoint.error for checkpoint in report.validation.checkpoints)
        yield Trouble(kind="validation", error=bool(broken))
    if report.tests and report.tests.exit:
        yield Trouble(kind="tests")
    for index, step in enumerate(report.steps):
        if step.failed:
            yield Trouble(kind="step", index=index)
    if report.training and report.training.exit:
        yield Trouble(kind="training", error=True)


def _waits(report: Report, index: int) -> bool:
    """Training waits for the others to succeed, every job for its data, and a stage for the steps before it."""
    job = report.missing[index]
    stopped = any(step.failed and step.stage == job for step in report.steps)
    return job == "train" or stopped or bool(report.data and report.data.error)
