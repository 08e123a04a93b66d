"""Whatever the jobs left, the report is bounded, and says what it leaves out."""

from __future__ import annotations

import math

from mlcicd.config.judging import Gate
from mlcicd.runtime import facts
from mlcicd.runtime.base import Base
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.gate import Applied
from mlcicd.runtime.metrics import Values
from mlcicd.runtime.plots import Curve
from mlcicd.runtime.report import document, model
from mlcicd.runtime.report.build import Collected, build

SHA = "a" * 40


def test_a_flood_is_cut_said_and_stays_readable() -> None:
    huge = "😀" * 5_000
    numbers = {(f"{huge}{n}", huge): float(n) for n in range(3_000)}
    expectation = facts.Expectation(type=huge, success=False, expected=huge, observed=huge)
    found = Collected(
        title=huge,
        base=Base(sha="b" * 40, found=huge),
        change=Values(numbers=numbers),
        before=Values(numbers=numbers),
        params={(huge, f"{huge}{n}"): (huge, None) for n in range(900)},
        validation=facts.ValidateFacts(
            success=False,
            seconds=1,
            checkpoints=(facts.Checkpoint(name=huge, success=False, expectations=(expectation,) * 500),) * 50,
        ),
        tests=facts.TestFacts(command=huge, exit=1, seconds=1, failures=(huge,) * 500, tail=(huge,) * 500),
    )
    report = build(found, Ci(links={"run": "https://h/" + "x" * 900}), SHA)
    text = document.dump(report)
    assert len(text.encode()) <= model.MAX_BYTES
    assert document.parse(text.encode(), "x") == report
    assert report.state == "fail"
    assert report.link_run == ""
    assert {"cut", "dropped"} == {notice.kind for notice in report.notices}


def test_a_failed_gate_is_never_cut_away() -> None:
    gates = [Applied(gate=Gate(metric=f"m{n}", min=0), source="base") for n in range(300)]
    numbers = {("m.json", f"m{n}"): -1.0 if n == 299 else 1.0 for n in range(300)}
    report = build(Collected(gates=gates, change=Values(numbers=numbers)), Ci(), SHA)
    assert report.state == "fail"
    assert report.gates[0].metric == "m299"
    assert [notice.names for notice in report.notices] == [("100 of 300 gates",), ("200 of 300 metrics",)]


def test_curves_are_thinned_and_keep_their_ends() -> None:
    points = [(float(n), float(n)) for n in range(5_000)] + [(math.nan, 1.0), (1.0, math.inf)]
    plot = Curve(
        title="t", x_label="x", y_label="y", revisions={"workspace": points, SHA: points[:3], "v1": points[:2]}
    )
    (curve,) = build(Collected(plots=[plot], base=Base(sha=SHA)), Ci(), SHA).curves
    assert [line.side for line in curve.lines] == ["change", "base", "other"]
    assert len(curve.lines[0].points) == model.MAX_POINTS
    assert (curve.lines[0].points[0], curve.lines[0].points[-1]) == ((0.0, 0.0), (4_999.0, 4_999.0))


def test_a_number_that_is_not_finite_survives_the_journey() -> None:
    numbers = {("m.json", "a"): math.nan, ("m.json", "b"): -math.inf}
    report = build(Collected(change=Values(numbers=numbers), before=Values()), Ci(), SHA)
    again = document.parse(document.dump(report).encode(), "x")
    assert [str(metric.change) for metric in again.metrics] == ["nan", "-inf"]


def test_metrics_that_were_not_measured_are_not_gone() -> None:
    report = build(Collected(before=Values(numbers={("m.json", "a"): 1})), Ci(), SHA)
    assert report.metrics == ()
