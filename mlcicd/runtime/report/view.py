"""A report laid out for printing: what stands where, in which order, and how much of it.

Cells are `Words` (ours), text (from outside, the printer escapes it) or sentences (tuples of both).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from mlcicd.config import prices
from mlcicd.config.prices import Price
from mlcicd.runtime.markdown import Words
from mlcicd.runtime.report import charts, done, headline, notes, numbers, ruling, words
from mlcicd.runtime.report.model import Metric, Report
from mlcicd.runtime.report.numbers import counted, difference, duration, number, size
from mlcicd.runtime.verdict import Verdict

GATE_ORDER = {
    "fail": 0, "error": 1, "inconclusive": 2, "overridden": 3, "no-base": 4, "waiting": 5, "pass": 6,
}  # fmt: skip
FEW_SLICES = 8
READING_ORDER = {"worse": 0, "better": 1, "changed": 2, "unclear": 3, "small": 4}


def view(report: Report) -> dict[str, Any]:
    """Return everything that any printer shows."""
    return {
        "report": report,
        "state": Words(report.state),
        "icon": words.ICONS[report.state],
        "alert_kind": words.ALERTS[report.state],
        "failed": report.state in ("fail", "error"),
        "title": headline.title(report),
        "alert": headline.alert(report),
        "context": context(report),
        "gates": gates(report),
        "slices": slices(report),
        "self_test": notes.self_test(report.self_test),
        "metrics": metrics(report),
        "unread": unread(report),
        "has_seeds": any(metric.seeds and not is_repeated(metric) for metric in report.metrics),
        "has_intervals": any(metric.interval for metric in report.metrics),
        "captions": [*notes.evidence(report.metrics), *filter(None, [one_run(report)])],
        "params": [(param.name, param.base or Words("–"), param.change or Words("–")) for param in report.params],
        "stages": done.stages(report),
        "changed": done.changed(report),
        "status": done.status(report),
        "validation": done.validation(report),
        "tests": done.tests(report),
        "steps": done.steps(report),
        "tail": report.training.tail if report.training and report.training.exit else (),
        "test_tail": report.tests.tail if report.tests and report.tests.exit else (),
        "notices": _notices(report),
        "tracked": tracked(report),
        "sections": report.sections,
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
        on = Words(" on " if words.hardware(training) else "")
        facts.append((Words(f"training took {duration(training.seconds)}"), on, *notes.machine(training, report.gpu)))
        if training.cost:
            price = Price(minute=training.cost.price, unit=training.cost.unit)
            facts.append((Words(f"about {prices.estimate(price, training.cost.minutes)}"),))
        if training.peak_memory:
            gpu = f", {size(training.gpu_memory)} on the GPU" if training.gpu_memory else ""
            facts.append((Words(f"peak memory {size(training.peak_memory)}{gpu}"),))
    if report.data and not report.data.error:
        verified = ", verified" if report.data.verified else ""
        again = (
            f", {counted(len(report.data.repaired), 'corrupt copy', 'corrupt copies')} replaced"
            if report.data.repaired
            else ""
        )
        facts.append(
            (Words(f"data: {counted(report.data.files, 'file')}, {size(report.data.bytes)}{verified}{again}"),)
        )
    if report.revision and report.revision.change:
        facts.append((Words("data revision "), *words.revision(report.revision)))
    return facts


def _notices(report: Report) -> list[words.Sentence]:
    """Return what has to be known besides, what makes the numbers doubtful first."""
    doubts = [
        *map(notes.outdated, (item for item in report.outdated if item.used)),
        notes.no_gpu(report.training),
        notes.machines(report),
    ]
    return [*filter(None, doubts), *map(notes.notice, report.notices)]


def tracked(report: Report) -> list[Mapping[str, Any]]:
    """Return the runs in experiment trackers, each with the address of its page."""
    runs = report.training.tracked if report.training else ()
    return [{"tool": Words(run.tool), "run": run.run, "link": Words(run.link)} for run in runs]


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
            "metric": (verdict.metric, Words(" in "), verdict.slice) if verdict.slice else verdict.metric,
            "rule": ruling.rule(verdict),
            "outcome": ruling.outcome(verdict),
            "base": number(verdict.base, verdict.value),
            "source": ruling.source(verdict),
        }
        for verdict in sorted(report.gates, key=lambda verdict: GATE_ORDER[verdict.status])
    ]


def slices(report: Report) -> list[Mapping[str, Any]]:
    """Return a table for each gate on slices, a row for each of them, worst first."""
    return [_slices(verdict) for verdict in report.gates if verdict.slices]


def _slices(verdict: Verdict) -> Mapping[str, Any]:
    counts = Counter[str](one.status for one in verdict.slices)
    said = [f"{counts[status]} {name}" for status, name in words.SLICES.items() if counts[status]]
    return {
        "metric": verdict.metric,
        "column": verdict.column,
        "rule": ruling.rule(verdict),
        "summary": Words(", ".join([*said, *([f"{verdict.unlisted} not listed"] if verdict.unlisted else [])])),
        "state": Words(verdict.status),
        "is_open": verdict.status != "pass" and len(verdict.slices) <= FEW_SLICES,
        "has_intervals": any(one.low is not None for one in verdict.slices),
        "unlisted": verdict.unlisted,
        "rows": [
            {
                "icon": words.ICONS.get(one.status, Words("⚪")),
                "status": words.SLICES[one.status],
                "kind": Words(one.status),
                "name": one.name,
                "count": number(one.count),
                "value": number(one.value, verdict.bound),
                "base": number(one.base, one.value),
                "interval": words.interval(one.low, one.high) if one.low is not None else Words("–"),
            }
            for one in verdict.slices
        ],
    }


def metrics(report: Report) -> list[Mapping[str, Any]]:
    """Return one row per metric: those with a gate first, then those that got worse, better, or moved."""
    gated = {verdict.metric for verdict in report.gates}

    def order(metric: Metric) -> tuple[bool, int, bool]:
        is_gated = gated & {metric.name, metric.key, f"{metric.file}:{metric.key}"}
        return (not is_gated, READING_ORDER.get(metric.reading, 9), not is_moved(metric))

    return [
        {
            "name": (metric.name, words.ARROWS[metric.direction]),
            "file": metric.file,
            "base": spread(metric.base_seeds) if is_repeated(metric) else number(metric.base, metric.change),
            "change": spread(metric.seeds) if is_repeated(metric) else number(metric.change, metric.base),
            "delta": Words("–") if is_smoke(report) else delta(metric),
            "seeds": Words("–") if is_repeated(metric) else span(metric.seeds),
            "interval": words.interval(metric.interval.low, metric.interval.high) if metric.interval else Words("–"),
            "icon": words.READING_ICONS.get(metric.reading, Words("")),
            "reading": words.READINGS[metric.reading],
            "kind": Words({"better": "pass", "worse": "fail"}.get(metric.reading, "waiting")),
            "still": metric.base == metric.change,
        }
        for metric in sorted(report.metrics, key=order)
    ]


def is_repeated(metric: Metric) -> bool:
    """Tell whether both sides are means over repeated trainings."""
    return metric.interval is not None and metric.interval.method in ("paired-t", "welch-t")


def delta(metric: Metric) -> Words:
    """Return the difference of what the two sides show."""
    if is_repeated(metric) and metric.base_seeds and metric.seeds:
        return difference(fmean(metric.base_seeds), fmean(metric.seeds))
    return difference(metric.base, metric.change)


def spread(values: Sequence[float]) -> Words:
    """Return mean and standard deviation of some values."""
    return Words(f"{number(fmean(values))} ± {numbers.rough(stdev(values))}") if len(values) > 1 else Words("–")


def span(values: Sequence[float]) -> Words:
    """Return the least and the greatest of some values, and how many they are."""
    if not values:
        return Words("–")
    least, most = min(values), max(values)
    return Words(f"{number(least, most)} to {number(most, least)} ({len(values)})")


def is_smoke(report: Report) -> bool:
    """Tell whether the change was trained with less than the base: then their difference says nothing."""
    return bool(report.training and report.training.smoke)


def one_run(report: Report) -> Words:
    """Return what the differences are worth, when there are any."""
    if is_smoke(report) or not any(is_moved(metric) and metric.interval is None for metric in report.metrics):
        return Words("")
    if any(metric.interval for metric in report.metrics):
        return Words("Where there is no interval, nothing tells the difference from noise.")
    return notes.comparison(report)


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
