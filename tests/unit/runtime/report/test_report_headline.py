"""The one sentence at the top: which line of a crash it tells, and what the fold "What changed" counts."""

from __future__ import annotations

import pytest

from mlcicd.runtime.report import done, headline, render
from mlcicd.runtime.report.model import Param, Report, Stage, Training

DVC = "ERROR: failed to reproduce 'train': failed to run: python x.py, exited with 1"


@pytest.mark.parametrize(
    ("tail", "told"),
    [
        (("Traceback (most recent call last):", '  File "train.py", line 1', "ValueError: bad shape", "", DVC),
         "ValueError: bad shape"),
        (("KeyError: 'a'", "During handling of it:", "model.errors.BadShapeError", DVC), "model.errors.BadShapeError"),
        (("KeyboardInterrupt", "Closing the database", DVC), "KeyboardInterrupt"),
        (("epoch 3", "Killed", DVC), "Killed"),
        (("requests.exceptions.Timeout: no answer", DVC), "requests.exceptions.Timeout: no answer"),
        ((DVC,), DVC),
        (("  ", DVC, ""), DVC),
        (("epoch 3: ValueError: only told of", "done"), "done"),
    ],
)  # fmt: skip
def test_a_crash_is_told_by_the_program_itself(tail: tuple[str, ...], told: str) -> None:
    training = Training(command="dvc repro", exit=1, seconds=1.0, tail=tail)
    sentence = headline.alert(Report(state="error", training=training))
    assert render.plain(sentence).split("its last line is ")[1] == f"{told}."


def test_a_crash_that_says_nothing_is_told_without_a_line() -> None:
    training = Training(command="dvc repro", exit=1, seconds=1.0, tail=("", " "))
    assert "last line" not in render.plain(headline.alert(Report(state="error", training=training)))


@pytest.mark.parametrize(
    ("params", "states", "told"),
    [
        (0, ["unchanged", "unchanged"], "no parameter, no stage"),
        (1, ["unchanged", "run"], "1 parameter, 1 stage"),
        (2, [], "2 parameters"),
        (0, ["cached", "failed", "unchanged"], "2 stages"),
    ],
)
def test_only_what_changed_is_counted(params: int, states: list[str], told: str) -> None:
    stages = tuple(Stage.model_validate({"name": f"s{index}", "state": state}) for index, state in enumerate(states))
    report = Report(
        state="pass",
        training=Training(command="dvc repro", exit=0, seconds=1.0, stages=stages),
        params=tuple(Param(name=f"p{index}", file="params.yaml") for index in range(params)),
    )
    assert done.changed(report) == told
