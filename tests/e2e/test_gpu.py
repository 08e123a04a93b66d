"""The look at the GPU, executed by act and by gitlab-ci-local on a machine whose nvidia-smi is a stand-in."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcicd import demo
from tests.e2e.conftest import COMMIT
from tests.e2e.harness import repo as repository
from tests.e2e.harness.platforms import Platform
from tests.unit.runtime import gpus

pytestmark = pytest.mark.e2e

CONFIG = """\
version: 1
platforms: [github, gitlab]
train: {command: sh train.sh, smoke: {params: {epochs: 1}}}
report: {metrics: [metrics.json]}
gates: [{metric: score, min: 5}]
"""
TRAIN = 'sed "s/epochs: \\(.*\\)/{\\"score\\": \\1}/" params.yaml > metrics.json\n'


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Where a stand-in for nvidia-smi is."""
    folder = tmp_path / "machine"
    folder.mkdir()
    return folder


@pytest.fixture
def programs(programs: list[Path], machine: Path) -> list[Path]:
    """What jobs find on PATH."""
    return [*programs, machine]


def changed(folder: Path, wheel: Path, need: str) -> Path:
    """Return a repository with a change on a branch `feature`."""
    repo = folder / "repo"
    repo.mkdir()
    runner = f"runners: {{default: {{gpu: {need}}}}}\ntool: {{source: {wheel}}}\n"
    files = {"mlcicd.yaml": CONFIG + runner, "train.sh": TRAIN, "params.yaml": "epochs: 9\n"}
    for path, text in {**files, "metrics.json": '{"score": 9}\n'}.items():
        (repo / path).write_text(text, encoding="utf-8")
    repository.git(folder, "init", "--quiet", "--initial-branch=main", str(repo))
    assert demo.Shell(folder=repo).mlcicd("generate") == 0
    repository.commit(repo, "Trained")
    repository.git(repo, "switch", "--quiet", "--create", "feature")
    (repo / "README.md").write_text("A change.\n")
    repository.commit(repo, "Change")
    return repo


@pytest.fixture(autouse=True)
def released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCICD_COMMIT", COMMIT)


def test_a_usable_gpu_is_in_the_report(tmp_path: Path, wheel: Path, machine: Path, platform: Platform) -> None:
    gpus.smi(machine, gpus.T4)
    outcome = platform.run(changed(tmp_path, wheel, "required"), 1)
    outcome.assert_jobs(dict.fromkeys(("check", "train", "report", "comment"), "ok"))
    assert "Tesla T4: 15.0 GiB, 14.6 GiB free, driver 570.124.06" in outcome.log("train")
    assert outcome.report["gpu"]["devices"][0]["name"] == "Tesla T4"


def test_a_required_gpu_that_fails_ends_the_job(tmp_path: Path, wheel: Path, machine: Path, platform: Platform) -> None:
    gpus.smi(machine, gpus.MISMATCH, exit=18)
    outcome = platform.run(changed(tmp_path, wheel, "required"), 1)
    outcome.assert_jobs({"check": "ok", "train": "failed", "report": "failed", "comment": "ok"})
    assert "the NVIDIA driver was replaced while it ran" in outcome.log("train")
    assert outcome.report["missing"] == ["train"]
    assert "the NVIDIA driver was replaced" in outcome.report["gpu"]["problem"]
    (comment,) = platform.forge.comments
    assert "no usable GPU" in comment["body"]
