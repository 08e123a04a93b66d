"""Every state of a report, as pairs: `<state>.json` becomes `<state>.md`, and `beside/<state>.txt`.

After an intended change: `MLCICD_UPDATE_GOLDEN=1 uv run pytest tests/unit/runtime/report`, and review the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcicd.runtime.report import document, junit, openmetrics, render, troubles

CASES = sorted(Path(__file__).parent.glob("*.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_comment(case: Path) -> None:
    made = render.markdown(document.load(case))
    expected = case.with_suffix(".md")
    if os.environ.get("MLCICD_UPDATE_GOLDEN"):
        expected.write_text(made, encoding="utf-8")
    assert made == expected.read_text("utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_state_follows_from_the_facts(case: Path) -> None:
    report = document.load(case)
    assert troubles.state(report) == report.state


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_what_stands_beside_the_comment(case: Path) -> None:
    """A terminal's few lines, and what forges read for their own views: JUnit (a line for each tag) and OpenMetrics."""
    report = document.load(case)
    tags = junit.junit(report).replace("><", ">\n<")
    made = "\n".join([f"{render.terminal(report)}\n", tags, openmetrics.openmetrics(report)])
    expected = case.parent / "beside" / f"{case.stem}.txt"
    if os.environ.get("MLCICD_UPDATE_GOLDEN"):
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(made, encoding="utf-8")
    assert made == expected.read_text("utf-8")


def test_there_is_a_state_for_all_that_a_reader_may_meet() -> None:
    names = {case.stem for case in CASES}
    assert names >= {
        "no-baseline", "training-crashed", "missing-job", "outdated", "data-changed", "machine-changed",
        "documentation-only", "inconclusive", "slices", "weak-gate", "failed-step",
    }  # fmt: skip
