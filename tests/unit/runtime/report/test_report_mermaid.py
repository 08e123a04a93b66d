"""Every chart of every comment is one that every version of mermaid reads."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mlcicd.runtime.report import charts, document, graph, render
from mlcicd.runtime.report.model import Curve, Line, Stage
from tests.unit.runtime.report import hostile, mermaid

CASES = sorted(Path(__file__).parent.glob("*.json"))

CHART = """\
---
config:
  xyChart:
    width: 720
  themeVariables:
    xyChart:
      plotColorPalette: "#0969da"
---
xychart-beta
  title "loss"
  x-axis "epoch" 0 --> 3
  y-axis "loss" 0.1 --> 0.9
  line [0.8, 0.5, 0.2]"""
FLOW = 'flowchart LR\n  n0["prepare · run"]\n  n1["train · run"]\n  n0 --> n1'


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_of_every_state(case: Path) -> None:
    found = mermaid.blocks(render.markdown(document.load(case)))
    assert [mermaid.complaint(text) for text in found] == [""] * len(found)


def test_some_states_have_charts() -> None:
    texts = [text for case in CASES for text in mermaid.blocks(render.markdown(document.load(case)))]
    assert len([text for text in texts if "xychart" in text]) > 1
    assert [text for text in texts if text.startswith("flowchart")]


def test_of_hostile_text() -> None:
    found = mermaid.blocks(render.markdown(hostile.report(), limit=10**6))
    assert len(found) == 4
    assert [mermaid.complaint(text) for text in found] == [""] * 4


def test_of_random_numbers_and_names() -> None:
    draw = random.Random(20_240_613)
    letters = "aé猫\"'`|<>{}[]()#;%\\\n\u202e-_:@.·"
    for _ in range(300):
        scale = 10 ** draw.uniform(-12, 12)
        points = tuple((float(n) * draw.choice([1, scale]), draw.uniform(-1, 1) * scale) for n in range(2, 60))
        name = "".join(draw.choices(letters, k=draw.randrange(90)))
        line = Line(side=draw.choice(["base", "change"]), name=name, points=points)
        if made := charts.mermaid(Curve(title=name, x_label=name[::-1], y_label=name, lines=(line,))):
            assert mermaid.complaint(made.text) == "", made.text
        stages = [Stage(name=name, state="run"), Stage(name=f"{name}x", state="cached", needs=(name,))]
        assert mermaid.complaint(graph.mermaid(stages)) == ""


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        (CHART, "", ""),
        (FLOW, "", ""),
        (CHART, 'loss"\n  x', 'lo"ss"\n  x'),
        (CHART, "0.5", "5e-1"),
        (CHART, "0.5", "NaN"),
        (CHART, "0.5", "1.5"),
        (CHART, "0.8, 0.5, 0.2", ""),
        (CHART, "0 --> 3", "3 --> 3"),
        (CHART, "line [0.8, 0.5, 0.2]", "line [0.8, 0.5, 0.2]\n  line [0.8]"),
        (CHART, "-beta", ""),
        (CHART, "loss", "50 %% off"),
        (FLOW, "n0 -->", "n2 -->"),
        (FLOW, "n1[", "n0["),
        (FLOW, "prepare", 'pre"pare'),
        (FLOW, "LR", "LR  é"),
    ],
)
def test_the_check_finds_what_a_version_refuses(text: str, before: str, after: str) -> None:
    assert bool(mermaid.complaint(text.replace(before, after, 1))) is bool(before)
