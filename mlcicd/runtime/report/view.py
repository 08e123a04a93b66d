"""A report laid out for printing: what stands where, in which order, and how much of it.

Cells are `Words` (ours), text (from outside, the printer escapes it) or sentences (tuples of both).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlcicd.runtime.markdown import Words
from mlcicd.runtime.report import charts, numbers, words
from mlcicd.runtime.report.model import Checkpoint, Metric, Report
from mlcicd.runtime.report.numbers import counted, difference, duration, number, size

GATE_ORDER = {"fail": 0, "error": 1, "no-base": 2, "pass": 3}


def view(report: Report) -> dict[str, Any]:
    """Return everything that any printer shows."""
    return {
        "report": report,
        "state": Words(report.state),
        "icon": words.ICONS[report.state],
        "alert_kind": words.ALERTS[report.state],
        "failed": report.state in ("fail", "error"),
        "title": words.title(report),
        "alert": words.alert(report),
        "context": context(report),
        "gates": gates(report),
        "metrics": metrics(report),
        "unread": unread(report),
        "one_run": words.ONE_RUN if any(is_moved(metric) for metric in report.metrics) else Words(""),
        "params": [(param.name, param.base or Words("–"), param.change or Words("–")) for param in report.params],
        "stages": stages(report),
        "validation": validation(report),
        "tests": tests(report),
        "tail": report.training.tail if report.training and report.training.exit else (),
        "test_tail": report.tests.tail if report.tests and report.tests.exit else (),
        "notices": [words.notice(item) for item in report.notices],
        "links": {"run": Words(report.link_run), "commit": Words(report.link_commit), "base": base_link(report)},
        "words": words,
        "numbers": numbers,
        "charts": charts,
    }


def context(report: Report) -> list[words.Sentence]:
    """Return the facts of the line under the alert, apart from commits and links."""
    facts: list[words.Sentence] = []
    if report.training:
        training = report.training
        gpus = tuple(part for gpu in training.gpus[:2] for part in (Words(", "), gpu))
        machine = words.hardware(training)
        facts.append(
            (Words(f"training took {duration(training.seconds)}" + (f" on {machine}" if machine else "")), *gpus)
        )
        if training.peak_memory:
            facts.append((Words(f"peak memory {size(training.peak_memory)}"),))
    if report.data and not report.data.error:
        verified = ", verified" if report.data.verified else ""
        facts.append((Words(f"data: {counted(report.data.files, 'file')}, {size(report.data.bytes)}{verified}"),))
    return facts


def base_link(report: Report) -> Words:
    """Return the address of the base commit, made of the change's."""
    known = report.base and report.sha and report.link_commit.endswith(report.sha)
    return Words(report.link_commit.removesuffix(report.sha) + report.base) if known else Words("")


def gates(report: Report) -> list[Mapping[str, Any]]:
    """Return one row per verdict, what fails first."""
    return [
        {
            "icon": words.ICONS[verdict.status],
            "status": words.STATUS[verdict.status],
            "kind": Words(verdict.status),
            "metric": verdict.metric,
            "rule": words.rule(verdict),
            "outcome": words.outcome(verdict),
            "base": number(verdict.base, verdict.value),
            "source": words.source(verdict),
        }
        for verdict in sorted(report.gates, key=lambda verdict: GATE_ORDER[verdict.status])
    ]


def metrics(report: Report) -> list[Mapping[str, Any]]:
    """Return one row per metric: those with a gate first, then those that moved."""
    gated = {verdict.metric for verdict in report.gates}

    def order(metric: Metric) -> tuple[bool, bool]:
        return (not gated & {metric.name, metric.key, f"{metric.file}:{metric.key}"}, not is_moved(metric))

    return [
        {
            "name": metric.name,
            "file": metric.file,
            "base": number(metric.base, metric.change),
            "change": number(metric.change, metric.base),
            "delta": difference(metric.base, metric.change),
            "still": metric.base == metric.change,
        }
        for metric in sorted(report.metrics, key=order)
    ]


def is_moved(metric: Metric) -> bool:
    """Return whether both sides have the metric and differ."""
    if metric.base is None or metric.change is None or (math.isnan(metric.base) and math.isnan(metric.change)):
        return False
    return metric.base != metric.change


def unread(report: Report) -> list[tuple[str, words.Sentence]]:
    """Return what could not be read, each with its reason."""
    return [
        (
            f"{item.file}: {item.key}" if item.key else item.file,
            (item.reason, Words(" (at the base)" if item.side == "base" else "")),
        )
        for item in report.unread
    ]


def stages(report: Report) -> list[words.Sentence]:
    """Return each stage of the pipeline and what became of it."""
    return [(stage.name, Words(f" {stage.state}")) for stage in report.training.stages] if report.training else []


def validation(report: Report) -> Mapping[str, Any] | None:
    """Return data validation: a summary, and per expectation a row, what failed first."""
    found = report.validation
    if found is None:
        return None
    passed, failed = (sum(getattr(point, name) for point in found.checkpoints) for name in ("passed", "failed"))
    bad = counted(failed, "warning") if found.success else f"{failed} failed"
    data = found.checkpoints[0].rows if len(found.checkpoints) == 1 else 0
    rows = [row for checkpoint in found.checkpoints for row in _expectations(checkpoint)]
    return {
        "success": found.success,
        "state": Words("pass" if found.success else "fail"),
        "summary": Words(f"{passed} passed, {bad}" + (f" in {number(data)} rows" if data > 0 else "")),
        "failed": [row for row in rows if not row["success"]],
        "passed": [row for row in rows if row["success"]],
        "errors": [(point.name, point.error) for point in found.checkpoints if point.error]
        + ([(Words("all"), found.error)] if found.error else []),
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
            "checkpoint": checkpoint.name,
        }
        for item in checkpoint.expectations
    ]
