"""What the jobs did, laid out for printing: stages, whether all is in step, data validation, the project's tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from mlcicd.runtime.markdown import Words
from mlcicd.runtime.report import words
from mlcicd.runtime.report.model import Checkpoint, OwnStep, Report
from mlcicd.runtime.report.numbers import counted, duration, number


def stages(report: Report) -> list[words.Sentence]:
    """Return each stage of the pipeline and what became of it."""
    found = report.training.stages if report.training else ()
    times = [f" {duration(stage.seconds)}" if stage.seconds else "" for stage in found]
    return [(stage.name, Words(f" {stage.state}{time}")) for stage, time in zip(found, times, strict=True)]


def changed(report: Report) -> Words:
    """Return how many parameters and stages are not as they were."""
    ran = sum(stage.state != "unchanged" for stage in report.training.stages) if report.training else 0
    parts = [counted(len(report.params), "parameter") if report.params else "", counted(ran, "stage") if ran else ""]
    return Words(", ".join(filter(None, parts)) or "no parameter, no stage")


def status(report: Report) -> Mapping[str, Any] | None:
    """Return whether code, data, parameters, lock and metrics agree: a summary, what does not, and the repair."""
    found = report.status
    if found is None:
        return None
    parts = [
        f"{len(found.stale)} stale" if found.stale else "",
        f"{len(found.missing)} not pushed" if found.missing else "",
    ]
    said = ", ".join(part for part in parts if part)
    good = f"{counted(found.compared, 'stage')} in step" if found.compared else "nothing to compare"
    return {
        "success": found.success,
        "state": Words("pass" if found.success else "fail"),
        "summary": Words(good if found.success else said or "could not be told"),
        "rows": [(stale.name, why) for stale in found.stale for why in stale.why or ("",)],
        "missing": found.missing,
        "repair": found.repair,
    }


def validation(report: Report) -> Mapping[str, Any] | None:
    """Return data validation: a summary, and per expectation a row, what failed first."""
    found = report.validation
    if found is None:
        return None
    counts = Counter[str]()
    for point in found.checkpoints:
        counts.update(passed=point.passed, failed=point.failed - point.warnings, warning=point.warnings)
    said = [f"{counts['passed']} passed", f"{counts['failed']} failed" if counts["failed"] else ""]
    said += [counted(counts["warning"], "warning") if counts["warning"] else ""]
    tables = [point for point in found.checkpoints if point.kind in ("checkpoint", "suite")]
    data = tables[0].rows if len(tables) == 1 else 0
    rows = [row for checkpoint in found.checkpoints for row in _expectations(checkpoint)]
    return {
        "success": found.success,
        "state": Words("pass" if found.success else "fail"),
        "summary": Words(", ".join(filter(None, said)) + (f" in {number(data)} rows" if data > 0 else "")),
        "count": counts.total(),
        "failed": [row for row in rows if not row["success"]],
        "passed": [row for row in rows if row["success"]],
        "errors": [(words.GROUPS[point.kind], point.name, point.error) for point in found.checkpoints if point.error]
        + ([(Words("all"), Words(""), found.error)] if found.error else []),
    }


def tests(report: Report) -> Mapping[str, Any] | None:
    """Return the project's tests: a summary, and the names of those that failed."""
    found = report.tests
    if found is None:
        return None
    counts = f"{found.passed} passed, {found.failed} failed, {found.skipped} skipped"
    summary = counts if found.passed >= 0 else "passed" if found.exit == 0 else f"exit status {found.exit}"
    return {
        "success": found.exit == 0,
        "state": Words("fail" if found.exit else "pass"),
        "summary": Words(f"{summary}, in {duration(found.seconds)}"),
        "command": found.command,
        "failures": found.failures,
    }


def steps(report: Report) -> Mapping[str, Any] | None:
    """Return steps and jobs of the team's own: a summary, a row for each, and the last lines of those that failed."""
    found = report.steps
    if not found:
        return None
    failed = sum(step.failed for step in found)
    return {
        "success": not failed,
        "state": Words("fail" if failed else "pass"),
        "summary": Words(f"{failed} of {len(found)} failed" if failed else f"{len(found)} done"),
        "rows": [_step(step) for step in found],
        "tails": [(step.name, step.tail) for step in found if step.failed and step.tail],
    }


def _step(step: OwnStep) -> Mapping[str, Any]:
    status = "fail" if step.failed else "warning" if step.exit else "pass"
    return {
        "icon": words.ICONS[status],
        "status": Words(status),
        "name": step.name,
        "place": Words(f"{step.when} {step.stage}" if step.stage else "job of its own"),
        "seconds": Words(duration(step.seconds)),
        "exit": Words(f"{step.exit}, may fail" if status == "warning" else f"{step.exit}"),
    }


def _expectations(checkpoint: Checkpoint) -> list[Mapping[str, Any]]:
    return [
        {
            "icon": words.ICONS["pass" if item.success else "fail" if item.severity == "critical" else "warning"],
            "status": Words("pass" if item.success else "fail" if item.severity == "critical" else item.severity),
            "success": item.success,
            "type": item.type,
            "column": item.column,
            "expected": item.expected,
            "observed": item.error or item.observed,
            "checkpoint": (checkpoint.name,)
            if checkpoint.kind == "checkpoint"
            else (words.GROUPS[checkpoint.kind], Words(" "), checkpoint.name),
            "engine": Words(item.engine),
        }
        for item in checkpoint.expectations
    ]
