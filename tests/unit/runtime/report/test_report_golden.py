"""Every state of a report, as pairs: `<state>.json` becomes `<state>.md`.

After an intended change: `MLCICD_UPDATE_GOLDEN=1 uv run pytest tests/unit/runtime/report`, and review the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcicd.runtime.report import document, render, troubles

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
