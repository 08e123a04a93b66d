from __future__ import annotations

from pathlib import Path

import pytest

from mlcicd.errors import OutsideError, Refused, UsageError
from mlcicd.runtime import facts, project, train
from tests.unit.runtime import repository

# What DVC 3.67.1 printed, by what happened.
REPRO = """\
'data/raw.csv.dvc' didn't change, skipping
Stage 'prepare' didn't change, skipping
Running stage 'train':
> python src/train.py
Updating lock file 'dvc.lock'

Stage 'evaluate' is cached - skipping run, checking out outputs
Updating lock file 'dvc.lock'

WARNING: stage: 'frozen' is frozen. Its dependencies are not going to be reproduced.
Use `dvc push` to send your updates to remote storage.
"""
FAILED = """\
Stage 'prepare' didn't change, skipping
Running stage 'train':
> python src/train.py
ERROR: failed to reproduce 'train': failed to run: python src/train.py, exited with 3
"""
KEPT_GOING = """\
Running stage 'a':
WARNING: failed to run: false, exited with 1
WARNING: Stage 'c' will be skipped due to this failure
Running stage 'sub/dvc.yaml:b@x':
ERROR: failed to reproduce stages: 'a' and 'sub/dvc.yaml:b@x'
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return repository.make(tmp_path)


def run(command=None, config=""):
    if config:
        Path("mlcicd.yaml").write_text(f"version: 1\n{config}")
    said: list[str] = []
    return train.run(project.load(), command, said.append), said


def left():
    return facts.read(facts.TrainFacts, "train")


@pytest.mark.parametrize(
    ("output", "states"),
    [
        (REPRO, {"prepare": "unchanged", "train": "run", "evaluate": "cached"}),
        (FAILED, {"prepare": "unchanged", "train": "failed"}),
        (KEPT_GOING, {"a": "failed", "sub/dvc.yaml:b@x": "failed"}),
        ("epoch 1: loss 0.3\nStage 1 is cached\n", {}),
    ],
)
def test_stages_are_read_from_what_dvc_prints(output, states):
    stages = train.Stages()
    for line in output.splitlines():
        stages.see(line)
    assert {stage.name: stage.state for stage in stages.facts()} == states


def test_a_run_of_dvc_leaves_facts_and_results(root):
    dvc = repository.stand_in(root)
    dvc.answers("repro", REPRO, then=f'mkdir -p plots; echo x > "{root}/plots/roc.csv"')
    found, said = run()
    assert [f"dvc {call}" for call in dvc.calls()] == [found.command]
    assert found.exit == 0
    assert [stage.state for stage in found.stages] == ["unchanged", "run", "cached"]
    assert found.outputs == ("dvc.lock", "metrics.json", "plots/roc.csv")
    assert found.peak_memory > 1024**2
    assert found.hardware.cpus >= 1
    assert found.hardware.memory > 1024**2
    assert found.tail == ()
    assert left() == found
    assert "stages: 1 unchanged, 1 run, 1 cached" in said[-1]
    assert (root / ".mlcicd/train/files/plots/roc.csv").is_file()


def test_a_crash_names_the_stage_and_still_leaves_everything(root, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef")
    dvc = repository.stand_in(root)
    dvc.answers("repro", FAILED, exit=255, then="echo using $WANDB_API_KEY")
    with pytest.raises(Refused, match="training failed in stage train with exit status 255"):
        run()
    assert left().exit == 255
    assert left().tail[0] == "using ***"
    assert left().tail[-1].startswith("ERROR: failed to reproduce 'train'")
    assert left().outputs == ("dvc.lock", "metrics.json")


def test_without_dvc_any_command_trains(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = "train: {command: 'echo 1 > out.json'}\nreport: {metrics: [out.json], params: [p.yaml]}\n"
    found, _ = run(config=config)
    assert found.outputs == ("out.json",)
    assert found.stages == ()


def test_a_pipeline_without_dvc_yaml_is_explained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"needs a dvc.yaml, and there is none in \."):
        run()
    assert left() is None


def test_a_broken_dvc_yaml_is_told_before_training(root):
    (root / "dvc.yaml").write_text("stages: [")
    with pytest.raises(UsageError, match=r"dvc.yaml:1: cannot be read"):
        run("touch trained")
    assert not (root / "trained").exists()


def test_a_training_that_breaks_dvc_yaml_keeps_its_results(root):
    found, _ = run("echo 'stages: [' > dvc.yaml")
    assert found.outputs == ("dvc.lock", "metrics.json")


def test_no_dvc_is_explained_with_the_line_that_installs_it(root, monkeypatch):
    monkeypatch.setattr(train.dvc.project, "program", lambda name, environ: None)
    with pytest.raises(OutsideError) as caught:
        run()
    assert "uv pip install 'dvc>=3.60,<4'" in caught.value.hint


def test_the_facts_of_an_earlier_run_are_removed(root):
    run("true")
    (root / "dvc.yaml").unlink()
    with pytest.raises(UsageError):
        run()
    assert left() is None


def test_gpus_are_recorded_where_there_are_some(root):
    repository.stand_in(root)
    smi = root / ".venv/bin/nvidia-smi"
    smi.write_text("#!/bin/sh\n[ $# = 2 ] && printf 'NVIDIA H200\\nNVIDIA H200\\n'\n")
    smi.chmod(0o755)
    assert run("true")[0].hardware.gpus == ("NVIDIA H200", "NVIDIA H200")
    smi.write_text("#!/bin/sh\necho no driver\nexit 9\n")
    assert run("true")[0].hardware.gpus == ()


def test_a_secret_of_the_configuration_does_not_reach_the_facts(root, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "db://user:pass@host")
    with pytest.raises(Refused):
        run("echo $DATABASE_URL; exit 1", config="train: {secrets: [DATABASE_URL]}")
    assert left().tail == ("***",)
