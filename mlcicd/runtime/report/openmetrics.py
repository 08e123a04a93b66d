"""The report's numbers as OpenMetrics text, which a forge can compare with those of the target branch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from mlcicd.runtime.markdown import clean
from mlcicd.runtime.report.model import Report
from mlcicd.runtime.verdict import Verdict

DIGITS = 6  # with more, noise in the last digits shows every metric as changed
Labels = Sequence[tuple[str, str]]


def openmetrics(report: Report) -> str:
    """Return the report as an OpenMetrics document: metrics, gates (1 passes, 0 does not), what training cost."""
    lines = [line for family in _families(report) for line in family]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _families(report: Report) -> Iterator[list[str]]:
    metrics = [
        ((("name", metric.name), ("file", metric.file)), metric.change)
        for metric in report.metrics
        if metric.change is not None
    ]
    yield _family("mlcicd_metric", "Metric of the model.", metrics)
    judged = [verdict for verdict in report.gates if verdict.status in ("pass", "fail", "error")]
    gates = [(_gate(one), float(one.status == "pass")) for one in judged]
    yield _family("mlcicd_gate_passed", "Whether a gate passed.", gates)
    slices = [
        ((("metric", verdict.metric), ("slice", one.name)), one.value)
        for verdict in report.gates
        for one in verdict.slices
        if one.value is not None
    ]
    yield _family("mlcicd_slice_metric", "Metric of the model on some rows of its predictions.", slices)
    if report.training:
        yield _family("mlcicd_training_seconds", "Time of training.", [((), report.training.seconds)])
        yield _family("mlcicd_training_memory_bytes", "Peak memory of training.", [((), report.training.peak_memory)])


def _gate(verdict: Verdict) -> Labels:
    """Return what tells one gate from every other, and nothing that differs from run to run."""
    return (
        ("metric", verdict.metric),
        ("rule", verdict.rule),
        ("bound", repr(verdict.bound)),
        ("against", verdict.against),
        ("slice", verdict.column),
        ("from", verdict.source),
    )


def _family(name: str, help: str, samples: Sequence[tuple[Labels, float]]) -> list[str]:
    """Return the lines of one family; none without samples. Of samples with equal labels the first is kept."""
    lines = {_labels(labels): _value(value) for labels, value in reversed(samples)}
    if not lines:
        return []
    shown = [f"{name}{labels} {value}" for labels, value in reversed(lines.items())]
    return [f"# TYPE {name} gauge", f"# HELP {name} {help}", *shown]


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels) + "}" if labels else ""


def _escaped(text: str) -> str:
    # A forge's reader takes everything behind a # for a comment, also inside quotes, and then reads no metric at all.
    return clean(text).replace("#", "＃").replace("\\", "\\\\").replace('"', '\\"')


def _value(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return f"{value:.{DIGITS}g}" if math.isfinite(value) else ("+Inf" if value > 0 else "-Inf")
