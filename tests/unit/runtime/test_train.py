from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from mlcicd.errors import OutsideError, Refused, UsageError
from mlcicd.runtime import facts, project, train
from mlcicd.runtime.training import progress, trained
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


SEED = r"""
seed=$(sed -n 's/.*seed: \([0-9]*\).*/\1/p' params.yaml)
test "${MLCICD_SEED:-$seed}" = "$seed" || exit 9
case " $* " in *" $seed "*) exit 3;; esac
echo "{\"score\": 0.$seed, \"note\": \"x\"}" > m.json
"""
SEEDS = "train: {command: 'sh fit.sh %s', repeat: %d, seed: train.seed}\nreport: {metrics: [m.json]}\n"
SMOKE = "train: {command: 'cp params.yaml seen.yaml', smoke: {params: {train.epochs: 1}}}\n"


@pytest.fixture(autouse=True)
def no_ci(monkeypatch):
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "MLCICD_SHA", "MLCICD_EVENT", "MLCICD_BASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A project without DVC whose training reads its parameters."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fit.sh").write_text(SEED)
    (tmp_path / "params.yaml").write_text("train: {seed: 42, epochs: 10}  # committed\n")
    return tmp_path


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return repository.make(tmp_path)


def run(command=None, config="", **options):
    if config:
        Path("mlcicd.yaml").write_text(f"version: 1\n{config}")
    said: list[str] = []
    return train.run(project.load(), command, said.append, **options), said


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
    stages = progress.Stages()
    for line in output.splitlines():
        stages.see(line)
    assert {stage.name: stage.state for stage in stages.facts()} == states


def test_a_run_of_dvc_leaves_facts_and_results(root):
    dvc = repository.stand_in(root)
    dvc.answers("repro", REPRO, then=f'mkdir -p plots; echo x > "{root}/plots/roc.csv"; touch model.pkl')
    found, said = run()
    assert [f"dvc {call}" for call in dvc.calls()] == [found.command]
    assert found.exit == 0
    assert [stage.state for stage in found.stages] == ["unchanged", "run", "cached"]
    assert found.outputs == ("dvc.lock", "metrics.json", "plots/roc.csv")
    assert found.cpu_seconds > 0
    assert found.hardware.cpus >= 1
    assert found.hardware.memory > 1024**2
    assert found.tail == ()
    assert left() == found.model_copy(update={"origin": facts.origin.here()})
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
    assert (left().command, left().exit) == ("dvc repro --pull --allow-missing", 2)


def test_a_broken_dvc_yaml_is_told_before_training(root):
    (root / "dvc.yaml").write_text("stages: [")
    with pytest.raises(UsageError, match=r"dvc.yaml:1: cannot be read"):
        run("touch trained")
    assert not (root / "trained").exists()


def test_what_keeps_a_training_from_beginning_is_in_the_facts(program):
    with pytest.raises(UsageError) as caught:
        run(config="train: {command: 'true', repeat: 3, seed: train.sead}\n")
    found = left()
    assert (found.command, found.exit, found.tail) == ("true", 2, (caught.value.message,))
    assert "did you mean train.seed?" in found.tail[0]
    assert found.hardware.cpus >= 1
    assert found.stages == found.seeds == ()


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
    assert left().exit == 2


def test_gpus_are_recorded_where_there_are_some(root):
    repository.stand_in(root)
    smi = root / ".venv/bin/nvidia-smi"
    smi.write_text("#!/bin/sh\nprintf 'NVIDIA H200, 0\\nNVIDIA H200, 0\\n'\n")
    smi.chmod(0o755)
    assert run("true")[0].hardware.gpus == ("NVIDIA H200", "NVIDIA H200")
    smi.write_text("#!/bin/sh\necho no driver\nexit 9\n")
    assert run("true")[0].hardware.gpus == ()


def test_a_secret_of_the_configuration_does_not_reach_the_facts(root, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "db://user:pass@host")
    with pytest.raises(Refused):
        run("echo $DATABASE_URL; exit 1", config="train: {secrets: [DATABASE_URL]}")
    assert left().tail == ("***",)


def test_stages_are_shown_as_they_start_and_end_and_summed_up(root, capfd):
    dvc = repository.stand_in(root)
    dvc.answers("repro", REPRO, then="touch model.pkl")
    _, said = run()
    assert said[0] == "▸ stage train …"
    assert said[1].startswith("▸ stage train: 0.")
    assert [line.split()[:2] for line in said[2:5]] == [
        ["prepare", "unchanged"],
        ["train", "run"],
        ["evaluate", "cached"],
    ]
    assert capfd.readouterr().out == REPRO


def test_a_line_of_ours_waits_until_the_program_has_ended_its_own():
    shown: list[str] = []
    screen = progress.Screen(
        out=lambda chunk: shown.append(chunk.decode()), line=lambda line: shown.append(f"[{line}]")
    )
    screen.say("a")
    screen.show(b"one\nhal")
    screen.say("b")
    screen.show(b"f ")
    screen.show(b"two\nthree")
    screen.say("c")
    screen.end()
    assert "".join(shown) == "[a]one\nhalf two\n[b]three\n[c]"


def test_at_its_time_limit_training_is_ended_and_what_it_left_is_kept(root, monkeypatch):
    monkeypatch.setattr(train, "minutes", lambda duration: 0.01)
    dvc = repository.stand_in(root)
    dvc.answers("repro", "", then="echo \"Running stage 'train':\"; echo '{}' > metrics.json; sleep 60")
    with pytest.raises(Refused, match=r"ended at its time limit of 5h, in stage train after \d s") as caught:
        run()
    assert "train.timeout" in caught.value.hint
    found = left()
    assert (found.exit, found.timed_out) == (124, True)
    assert [(stage.name, stage.state) for stage in found.stages] == [("train", "failed")]
    assert (root / ".mlcicd/train/files/metrics.json").read_text() == "{}\n"


def test_a_program_that_ends_with_124_by_itself_is_no_timeout(root):
    with pytest.raises(Refused, match="training failed with exit status 124"):
        run("exit 124")
    assert not left().timed_out


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("dependency 'data/in.csv' does not exist", "data/in.csv was gone after", "must not delete"),
        ("failed to run: python t.py, exited with -9", "killed", "memory ran out"),
        ("failed to run: t, exited with 127", "a program was not found", "project.install"),
        ("Parameters 'a.b' are missing from 'params.yaml'.", "parameter a.b is not in its file", "add it"),
        (
            "'in/y.csv' does not exist as an output or a stage name in 'dvc.yaml': Stage",
            "in/y.csv, .* not here",
            "deps",
        ),
        ("[Errno 2] No such file or directory: '/w/data.csv'", "data.csv was gone after", "must not delete"),
    ],
)
def test_what_dvc_says_of_a_crash_is_told_in_words(root, line, message, hint):
    dvc = repository.stand_in(root)
    dvc.answers("repro", "Running stage 'fit':\n", exit=255, err=f"ERROR: failed to reproduce 'fit': {line}\n")
    with pytest.raises(Refused, match=f"in stage fit with exit status 255: .*{message}") as caught:
        run()
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ERROR: Same item(s) are defined as both a dependency and an output in stages: b, a.", "circle: b, a"),
        ("ERROR: unable to read: 'params.yaml', YAML file structure is corrupted: while", "params.yaml cannot be read"),
        ("'./dvc.lock' is invalid (possible merge conflicts).", "merge left its markers"),
        ("ERROR: failed to reproduce 'a': [Errno 2] No such file or directory: '/w/in.csv'", "in.csv, .* is not here"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried", "memory of the GPU ran out"),
    ],
)
def test_what_is_wrong_before_any_stage_is_told_in_words(root, text, message):
    repository.stand_in(root).answers("repro", "", exit=255, err=text)
    with pytest.raises(Refused, match=message):
        run()


def test_each_seed_is_trained_and_the_committed_one_last(program):
    before = (program / "params.yaml").read_bytes()
    found, said = run(config=SEEDS % ("", 3))
    assert [(seed.seed, seed.exit, seed.metrics) for seed in found.seeds] == [
        (43, 0, {"m.json:score": 0.43}),
        (44, 0, {"m.json:score": 0.44}),
        (42, 0, {"m.json:score": 0.42}),
    ]
    assert (program / "params.yaml").read_bytes() == before
    assert json.loads((program / ".mlcicd/train/files/m.json").read_text())["score"] == 0.42
    record = json.loads((program / ".mlcicd/train/files/metrics.seeds.json").read_text())
    assert record["metrics"] == {"m.json:score": {"42": 0.42, "43": 0.43, "44": 0.44}}
    assert "▸ seed 43, 1 of 3 …" in said
    assert said[-1].startswith("trained with 3 seeds in ")
    assert found.seconds >= sum(seed.seconds for seed in found.seeds) - 0.01


def test_a_repetition_that_fails_costs_only_its_numbers(program):
    found, _ = run(config=SEEDS % ("43", 3))
    assert found.exit == 0
    assert (found.seeds[0].seed, found.seeds[0].exit, found.seeds[0].metrics) == (43, 3, {})


@pytest.mark.parametrize(("failing", "count", "trained"), [("43 44", 2, 2), ("42", 1, 3)])
def test_training_fails_with_most_seeds_or_the_committed_one(program, failing, count, trained):
    """When most have failed, no time is spent on the others."""
    with pytest.raises(Refused, match=f"failed with {count} of 3 seeds, at last with exit status 3"):
        run(config=SEEDS % (failing, 3))
    assert left().exit == 3
    assert len(left().seeds) == trained
    assert not (program / "metrics.seeds.json").exists()


def test_the_time_limit_leaves_room_for_the_committed_seed(program, monkeypatch):
    monkeypatch.setattr(train, "minutes", lambda duration: 0.025)
    found, said = run("sleep 0.3; sh fit.sh", config=SEEDS % ("", 20))
    assert 2 <= len(found.seeds) < 6
    assert (found.seeds[-1].seed, found.exit) == (42, 0)
    assert f"▸ train.timeout leaves time for {len(found.seeds)} of 20 seeds only" in said


def test_without_a_parameter_the_seed_is_only_a_variable(program):
    config = "train: {command: 'echo {} > m.json; echo $MLCICD_SEED >> seeds', repeat: 3}\n"
    assert [seed.seed for seed in run(config=config)[0].seeds] == [1, 2, 0]
    assert (program / "seeds").read_text() == "1\n2\n0\n"


def test_dvc_needs_a_parameter_to_see_another_seed(root):
    dvc = repository.stand_in(root)
    with pytest.raises(UsageError, match="DVC runs a stage again only when something changed"):
        run(config="train: {repeat: 2}\n")
    assert dvc.calls() == []
    run(config="train: {repeat: 2, command: dvc repro --force}\n")
    assert dvc.calls().count("repro --force") == 2


def test_with_dvc_the_metrics_of_each_seed_are_those_that_dvc_declares(root):
    (root / "params.yaml").write_text("seed: 1\n")
    dvc = repository.stand_in(root)
    shown = {"": {"data": {"metrics.json": {"data": {"a": 1, "b": {"c": 0.5}, "d": float("nan")}}}}}
    dvc.answers("metrics show", shown)
    found, _ = run(config="train: {repeat: 2, seed: seed}\n")
    assert found.seeds[0].metrics == {"metrics.json:a": 1, "metrics.json:b.c": 0.5}


def test_stopped_in_the_middle_the_parameters_come_back(program):
    before = (program / "params.yaml").read_bytes()
    stop = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
    stop.start()
    with pytest.raises(KeyboardInterrupt):
        run("cp params.yaml seen.yaml; sleep 20", config=SEEDS % ("", 2))
    assert (program / "params.yaml").read_bytes() == before
    assert yaml.safe_load((program / "seen.yaml").read_text())["train"]["seed"] == 43


@pytest.mark.parametrize(
    ("event", "smoke", "epochs"),
    [
        ("pull_request", None, 1),
        ("pull_request", False, 10),
        ("push", None, 10),
        ("push", True, 1),
    ],
)
def test_on_a_pull_request_training_is_short(program, monkeypatch, event, smoke, epochs):
    monkeypatch.setenv("MLCICD_SHA", "a" * 40)
    monkeypatch.setenv("MLCICD_EVENT", event)
    before = (program / "params.yaml").read_bytes()
    found, _ = run(config=SMOKE, smoke=smoke)
    assert found.smoke == (("train.epochs=1",) if epochs == 1 else ())
    assert yaml.safe_load((program / "seen.yaml").read_text())["train"]["epochs"] == epochs
    assert (program / "params.yaml").read_bytes() == before


def test_a_smoke_training_is_done_once(program):
    config = SMOKE.replace("train: {", "train: {repeat: 3, seed: train.seed, ")
    found, said = run(config=config, smoke=True)
    assert found.seeds == ()
    assert said[0] == "smoke training, with train.epochs=1"
    assert "git checkout" in said[-1]


def test_a_smoke_training_that_nobody_described_is_refused(program):
    with pytest.raises(UsageError, match=r"mlcicd.yaml has no train.smoke"):
        run("true", smoke=True)


def test_what_trackers_printed_is_in_the_facts_without_secrets(program, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "0123456789abcdef")
    found, _ = run("echo 'View run x at: https://t.example/#/experiments/0/runs/0123456789abcdef'")
    assert [(run.tool, run.run, run.link) for run in found.tracked] == [("mlflow", "***", "")]


def test_outputs_that_git_holds_are_handed_over_unless_they_are_large(root, monkeypatch):
    pipeline = yaml.safe_load((root / "dvc.yaml").read_text())
    pipeline["stages"]["evaluate"]["outs"] = [{"small.txt": {"cache": False}}, {"large.txt": {"cache": False}}]
    (root / "dvc.yaml").write_text(yaml.safe_dump(pipeline))
    monkeypatch.setattr(trained, "MAX_HELD", 10)
    found, _ = run("echo 1 > small.txt; echo 12345678901 > large.txt")
    assert found.outputs == ("dvc.lock", "metrics.json", "small.txt")


@pytest.mark.parametrize(
    ("lock", "variables", "options", "state"),
    [
        ("propose", {"GITLAB_CI": "true"}, {}, "pushed"),
        ("none", {"GITLAB_CI": "true"}, {}, "none"),
        ("commit", {}, {}, "none"),
        ("commit", {"GITLAB_CI": "true"}, {"smoke": True}, "none"),
    ],
)
def test_the_data_of_the_new_lock_is_pushed_where_the_lock_comes_back(
    program, monkeypatch, lock, variables, options, state
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(train.push, "results", lambda project, environ, say: "pushed")
    config = f"data: {{}}\ntrain: {{command: 'true', lock: {lock}, smoke: {{params: {{train.epochs: 1}}}}}}\n"
    assert run(config=config, **options)[0].lock == state
    assert left().lock == state


def test_a_failed_training_pushes_nothing(program, monkeypatch):
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setattr(train.push, "results", lambda *_: pytest.fail("nothing to push"))
    with pytest.raises(Refused):
        run(config="data: {}\ntrain: {command: 'false', lock: commit}\n")


def test_the_stages_know_which_others_they_read(root):
    out = "outs: [{path: %s, hash: md5, md5: aa}]"
    lock = f"""\
schema: '2.0'
stages:
  prepare: {{cmd: x, {out % "data/parts"}}}
  train: {{cmd: x, deps: [{{path: data/parts/train.csv}}], {out % "model.bin"}}}
  evaluate: {{cmd: x, deps: [{{path: model.bin}}, {{path: data/parts}}], {out % "m.json"}}}
"""
    (root / "dvc.lock").write_text(lock)
    repository.stand_in(root).answers("repro", REPRO, then="touch model.bin")
    run()
    stages = facts.read(facts.TrainFacts, "train").stages
    assert [(stage.name, stage.needs) for stage in stages if stage.name in ("prepare", "train", "evaluate")] == [
        ("prepare", ()),
        ("train", ("prepare",)),
        ("evaluate", ("train", "prepare")),
    ]


def test_a_lock_that_training_left_broken_costs_the_graph_only(root):
    repository.stand_in(root).answers("repro", FAILED, exit=255, then="printf 'stages: [' > dvc.lock")
    with pytest.raises(Refused):
        run()
    assert [stage.needs for stage in facts.read(facts.TrainFacts, "train").stages] == [(), ()]


LOCKED = "schema: '2.0'\nstages:\n  train: {cmd: %s, outs: [{path: model.pkl, hash: md5, md5: aa}]}\n"
# What DVC 3.67.1 does with `--allow-missing` when a stage writes none of its outputs: it notes the old one.
FALSE = """\
echo "schema: '2.0'
stages:
  train: {cmd: new, outs: [{path: model.pkl, hash: md5, md5: aa}]}" > dvc.lock
mkdir -p cache/runs/aa/bb cache/runs/cc/dd
echo '{cmd: new, outs: [{path: model.pkl, hash: md5, md5: aa}]}' | tee cache/runs/cc/dd/false > cache/runs/aa/bb/false
echo '{cmd: new, outs: [{path: model.pkl, hash: md5, md5: bb}]}' > cache/runs/aa/bb/true
"""


def test_a_stage_that_did_not_write_its_output_has_failed(root, monkeypatch):
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setattr(train.push, "results", lambda *_: pytest.fail("nothing to push"))
    (root / "dvc.lock").write_text(LOCKED % "old")
    dvc = repository.stand_in(root)
    dvc.answers("repro", "Running stage 'train':\nUpdating lock file 'dvc.lock'\n", then=FALSE.strip())
    dvc.answers("cache dir", f"{root}/cache\n")
    with pytest.raises(Refused, match=r"in stage train with exit status 1: .* did not write its output model\.pkl"):
        run(config="data: {}\ntrain: {lock: propose}\n")
    found = left()
    assert (found.exit, found.lock) == (1, "none")
    assert [(stage.name, stage.state) for stage in found.stages] == [("train", "failed")]
    assert (root / "dvc.lock").read_text() == LOCKED % "old"
    assert (root / ".mlcicd/train/files/dvc.lock").read_text() == LOCKED % "old"
    # Else DVC would bring the old model from its run cache next time, as what the new command makes.
    assert [path.name for path in (root / "cache/runs/aa/bb").iterdir()] == ["true"]
    assert not (root / "cache/runs/cc/dd").exists()


@pytest.mark.parametrize(
    ("output", "then"),
    [
        ("Running stage 'train':\n", "touch model.pkl"),
        ("Stage 'train' is cached - skipping run, checking out outputs\n", ""),
        ("Stage 'train' didn't change, skipping\n", ""),
    ],
)
def test_an_output_is_asked_for_only_where_its_stage_ran(root, output, then):
    repository.stand_in(root).answers("repro", output, then=then)
    assert run()[0].exit == 0


def test_an_experiment_elsewhere_leaves_no_output_here(root):
    dvc = repository.stand_in(root)
    dvc.answers("exp run", "Running stage 'train':\n")
    assert run("dvc exp run --temp")[0].exit == 0
    assert dvc.calls() == ["exp run --temp"]


@pytest.mark.parametrize(
    ("lock", "deps", "message"),
    [
        ("schema: '2.0'\nstages: {}\n", "[model.pkl, inn.csv, '${root}/x']", "at all: model.pkl, inn.csv is not here"),
        (repository.LOCK, "[model.pkl, inn.csv]", "with inn.csv, which is not here"),
    ],
)
def test_a_stage_that_never_ran_with_what_it_reads_is_not_unchanged(root, lock, deps, message):
    """DVC 3.67.1 says so with --allow-missing, when what is new to a stage is not there."""
    (root / "dvc.lock").write_text(lock)
    pipeline = yaml.safe_load((root / "dvc.yaml").read_text())
    pipeline["stages"]["evaluate"]["deps"] = yaml.safe_load(deps)
    (root / "dvc.yaml").write_text(yaml.safe_dump(pipeline))
    repository.stand_in(root).answers("repro", "Stage 'evaluate' didn't change, skipping\n")
    with pytest.raises(Refused, match=rf"in stage evaluate .*: it has never run {message}") as caught:
        run()
    assert "correct `deps`" in caught.value.hint
    assert left().exit == 1


DIES = """
case $(sed -n 's/.*seed: //p' params.yaml) in
43) echo 'a: 43' > dvc.lock; echo 43 > metrics.json; echo 43 > new.json;;
*) %s;;
esac
"""


@pytest.mark.parametrize(
    ("repetitions", "second", "minutes", "message"),
    [(3, "sleep 20", 0.02, "ended at its time limit of 5h, after 1 of 3 seeds"), (2, "exit 3", 1, "1 of 2 seeds")],
)
def test_what_another_seed_left_does_not_stay(root, monkeypatch, repetitions, second, minutes, message):
    (root / "params.yaml").write_text("seed: 42\n")
    (root / "dvc.lock").write_text(LOCKED % "old")
    monkeypatch.setattr(train, "minutes", lambda duration: minutes)
    config = f"train: {{repeat: {repetitions}, seed: seed}}\nreport: {{metrics: [new.json]}}\n"
    (root / "fit.sh").write_text(DIES % second)
    with pytest.raises(Refused, match=message) as caught:
        run("sh fit.sh", config=config)
    assert "are kept" not in caught.value.hint
    assert (root / "dvc.lock").read_text() == LOCKED % "old"
    assert (root / "metrics.json").read_text() == repository.METRICS
    assert not (root / "new.json").exists()
    assert (root / ".mlcicd/train/files/metrics.json").read_text() == repository.METRICS
    assert (left().seeds[0].seed, left().seeds[0].exit) == (43, 0)


def test_stopped_among_the_seeds_the_lock_comes_back_and_parameters_are_left_alone(root):
    (root / "params.yaml").write_text("seed: 42\n")
    (root / "fit.sh").write_text(DIES % "echo 'other: 1' >> params.yaml; sleep 20")
    said: list[str] = []
    Path("mlcicd.yaml").write_text("version: 1\ntrain: {command: sh fit.sh, repeat: 3, seed: seed}\n")
    stop = threading.Timer(0.6, os.kill, (os.getpid(), signal.SIGTERM))
    stop.start()
    with pytest.raises(KeyboardInterrupt):
        train.run(project.load(), None, said.append)
    assert (root / "dvc.lock").read_text() == repository.LOCK
    assert (root / "params.yaml").read_text() == "seed: 42\nother: 1\n"
    assert any("put back as before the first seed: dvc.lock, metrics.json" in line for line in said)


def test_what_dvc_refuses_it_is_asked_once(root):
    (root / "params.yaml").write_text("seed: 1\n")
    dvc = repository.stand_in(root)
    dvc.answers("repro", exit=255, err="ERROR: you are not inside of a DVC repository\n")
    with pytest.raises(Refused, match=r"^training failed with exit status 255"):
        run(config="train: {repeat: 5, seed: seed}\n")
    assert len([call for call in dvc.calls() if call.startswith("repro")]) == 1


def test_two_trainings_at_the_same_time_are_refused(program):
    with (facts.make() / "train.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another `mlcicd train` is going on"):
            run("touch trained")
    assert not (program / "trained").exists()
    assert left() is None
    run("touch trained")
    assert (program / "trained").exists()


def test_what_a_killed_training_had_overridden_comes_back_first(program):
    before = (program / "params.yaml").read_bytes()
    (program / "mlcicd.yaml").write_text(f"version: 1\n{SMOKE}".replace("cp params.yaml", "sleep 20; cp params.yaml"))
    killed = subprocess.Popen([sys.executable, "-m", "mlcicd", "train", "--smoke"], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while (program / "params.yaml").read_bytes() == before and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    assert "epochs: 1}" in (program / "params.yaml").read_text()
    _, said = run("cp params.yaml seen.yaml")
    assert f"(process {killed.pid}) was killed: params.yaml still has its train.epochs" in said[0]
    assert (program / "seen.yaml").read_bytes() == (program / "params.yaml").read_bytes() == before
    assert not (program / ".mlcicd/params").exists()


def test_ended_by_a_signal_the_exit_status_says_which(program):
    (program / "mlcicd.yaml").write_text("version: 1\ntrain: {command: 'touch began; sleep 20'}\n")
    child = subprocess.Popen([sys.executable, "-m", "mlcicd", "train"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while not (program / "began").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    child.terminate()
    _, told = child.communicate(timeout=20)
    assert child.returncode == 143
    assert told.strip() == "stopped"
