"""A change of what decides what is examined is said, whichever key of mlcicd.yaml it stands under."""

from __future__ import annotations

import pytest

from mlcicd.config.load import parse
from mlcicd.runtime.report.examined import settings

BASE = "version: 1\ntest: {command: pytest}\ntrain: {command: make}\nvalidate: {checkpoints: [raw]}\n"


@pytest.mark.parametrize(
    ("named", "change"),
    [
        ("steps", BASE + "steps: [{name: Correct, after: train, run: sh correct.sh}]\n"),
        ("runners", BASE + "runners: {default: {gitlab: [fast]}}\n"),
        ("train.env", BASE.replace("{command: make}", "{command: make, env: {EASY: '1'}}")),
        ("test.env", BASE.replace("{command: pytest}", "{command: pytest, env: {EASY: '1'}}")),
        ("validate.env", BASE.replace("{checkpoints: [raw]}", "{checkpoints: [raw], env: {EASY: '1'}}")),
        ("train.container", BASE.replace("{command: make}", "{command: make, container: 'python:3.12'}")),
    ],
)
def test_it_is_said(named: str, change: str) -> None:
    (notice,) = settings(parse(change), parse(BASE))
    assert (notice.kind, notice.names) == ("settings-changed", (named,))


def test_nothing_is_said_when_nothing_changed() -> None:
    assert settings(parse(BASE), parse(BASE)) == []


def test_another_machine_for_training_is_said() -> None:
    runners = "runners: {gpu: {gitlab: [gpu]}}\n"
    change = (BASE + runners).replace("{command: make}", "{command: make, runner: gpu}")
    (notice,) = settings(parse(change), parse(BASE + runners))
    assert notice.names == ("train.runner",)
