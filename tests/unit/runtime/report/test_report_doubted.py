"""A base that was not trained as it is, and metrics that somebody wrote over, in real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcicd.runtime import facts
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.report import render
from mlcicd.runtime.report.model import Report
from mlcicd.runtime.report.run import report
from tests.unit.runtime.repository import git, stand_in
from tests.unit.runtime.test_committed import FILES, METRICS, PARAMS, PIPELINE, md5

CONFIG = """\
version: 1
train: {command: dvc repro}
report: {metrics: [metrics.json]}
gates:
  - {metric: accuracy, max-drop: 0.01}
  - {metric: accuracy, min: 0.5}
"""
RETRAINED = PARAMS.replace("epochs: 3", "epochs: 5")
TRAINED = facts.TrainFacts(command="dvc repro", exit=0, seconds=1, hardware=facts.Hardware(cpus=2, memory=2**30))
WORSE = '{"accuracy": 0.8}'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")
    stand_in(tmp_path)
    return tmp_path


def commit(files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    git(Path(), "add", "-A")
    git(Path(), "commit", "-q", "-m", "x")


def based_on(changed: dict[str, str]) -> None:
    commit({**FILES, ".gitignore": ".mlcicd\n.venv\n", "mlcicd.yaml": CONFIG, **changed})
    git(Path(), "checkout", "-q", "-b", "change")


def train(metrics: str, *, command: str = "dvc repro", stages: tuple[facts.Stage, ...] = ()) -> Report:
    """Train as `dvc repro` does, which notes the parameters and what was written, and report."""
    Path("metrics.json").write_text(metrics)
    if command == "dvc repro":
        Path("dvc.lock").write_text(
            FILES["dvc.lock"].replace("epochs: 3", "epochs: 5").replace(md5(METRICS), md5(metrics))
        )
    facts.write(TRAINED.model_copy(update={"command": command, "stages": stages}), "train")
    return report(Path("mlcicd.yaml"), "", (), Path(".mlcicd"), Ci()).report


def gates(report: Report) -> dict[str, tuple[str, str]]:
    return {verdict.rule: (verdict.status, verdict.cause) for verdict in report.gates}


def test_a_change_is_not_measured_by_a_base_that_was_never_trained(root: Path) -> None:
    """A merged change of the parameters, and nobody trained again: a README alone must not look like a worse model."""
    based_on({"params.yaml": RETRAINED})
    found = train(WORSE)
    assert gates(found) == {"max-drop": ("inconclusive", "base-untrained"), "min": ("pass", "")}
    assert found.state == "inconclusive"
    assert [(metric.base, metric.change, metric.reading) for metric in found.metrics] == [(0.9, 0.8, "untrained")]
    (notice,) = (item for item in found.notices if item.kind == "base-untrained")
    assert notice.names == ("parameter train.epochs 3 → 5 in params.yaml",)
    comment = render.markdown(found)
    assert "`train: {lock: propose}`" in comment
    assert "🔴" not in comment


def test_a_base_in_step_is_compared_with(root: Path) -> None:
    based_on({})
    found = train(WORSE)
    assert gates(found)["max-drop"] == ("fail", "")
    assert "base-untrained" not in [item.kind for item in found.notices]


def test_a_gate_may_ask_that_it_fails(root: Path) -> None:
    strict = CONFIG.replace("max-drop: 0.01", "max-drop: 0.01, inconclusive: fail")
    based_on({"params.yaml": RETRAINED, "mlcicd.yaml": strict})
    found = train(METRICS.replace("0.9", "0.95"))
    assert gates(found)["max-drop"] == ("fail", "base-untrained")
    assert "was not trained as it is" in render.terminal(found)


def test_a_base_whose_metrics_somebody_lowered_lets_nothing_pass(root: Path) -> None:
    based_on({"metrics.json": '{"accuracy": 0.7}'})
    found = train(WORSE)
    assert gates(found)["max-drop"] == ("error", "base-unreadable")
    assert [metric.base for metric in found.metrics] == [None]
    assert "not what evaluate wrote, says dvc.lock: run dvc repro" in render.terminal(found)


def test_metrics_of_the_change_that_somebody_wrote_over_open_no_gate(root: Path) -> None:
    based_on({})
    commit({"metrics.json": '{"accuracy": 0.99}'})
    facts.write(TRAINED, "train")
    found = report(Path("mlcicd.yaml"), "", (), Path(".mlcicd"), Ci()).report
    assert gates(found) == {"max-drop": ("error", "missing"), "min": ("error", "missing")}
    assert "not what evaluate wrote, says dvc.lock" in found.gates[0].reason


@pytest.mark.parametrize("command", ["python train.py", "make train"])
def test_another_program_that_trains_does_not_keep_the_lock(root: Path, command: str) -> None:
    config = CONFIG.replace("dvc repro", command)
    based_on({"mlcicd.yaml": config, "metrics.json": '{"accuracy": 0.81}', "params.yaml": RETRAINED})
    assert gates(train(WORSE, command=command))["max-drop"] == ("pass", "")


def test_a_program_that_calls_dvc_does(root: Path) -> None:
    based_on({"mlcicd.yaml": CONFIG.replace("dvc repro", "make train"), "params.yaml": RETRAINED})
    found = train(WORSE, command="make train", stages=(facts.Stage(name="train", state="run"),))
    assert gates(found)["min"] == ("error", "missing")  # its lock is not that of these metrics


def test_another_branch_is_judged_in_the_same_way(root: Path) -> None:
    against = CONFIG.replace("max-drop: 0.01", "max-drop: 0.01, against: champion")
    commit({**FILES, ".gitignore": ".mlcicd\n.venv\n", "mlcicd.yaml": against, "params.yaml": RETRAINED})
    git(Path(), "tag", "champion")
    lock = FILES["dvc.lock"].replace("epochs: 3", "epochs: 5")
    commit({"dvc.lock": lock})
    git(Path(), "checkout", "-q", "-b", "change")
    found = train(WORSE)
    assert gates(found)["max-drop"] == ("inconclusive", "base-untrained")
    assert "base-untrained" not in [item.kind for item in found.notices]


def test_a_base_whose_lock_is_broken_still_gives_a_report(root: Path) -> None:
    based_on({"dvc.lock": f"<<<<<<< ours\n{FILES['dvc.lock']}>>>>>>> theirs\n", "dvc.yaml": PIPELINE})
    found = train(WORSE)
    assert gates(found)["max-drop"] == ("inconclusive", "base-untrained")
    assert "dvc.lock" in found.gates[0].reason
