from __future__ import annotations

import contextlib
import os
import sqlite3
import time

import pytest

from mlcicd.runtime.training import trackers

# What MLflow 3 and Weights & Biases 0.2x printed.
MLFLOW = "🏃 View run hello world at: {address}"
WANDB = "\x1b[34m\x1b[1mwandb\x1b[0m: 🚀 View run \x1b[33mfaithful-sun-1\x1b[0m at: \x1b[34m{address}\x1b[0m"
RUN = "8e7129848b994067b8b276bd567ed3c0"


def found(lines=(), root=None, began=None, trained=True, scrub=lambda text: text):
    tracker = trackers.Tracker(began=time.time() - 60 if began is None else began)
    for line in lines:
        tracker.see(line)
    runs = tracker.found(root, scrub=scrub, trained=trained and root is not None)
    return [(run.tool, run.run, run.link) for run in runs]


def test_what_they_print_says_run_and_page():
    page = f"https://mlflow.example:5000/#/experiments/0/runs/{RUN}"
    wandb = "https://wandb.example/team/project/runs/ab12cd34"
    lines = [
        MLFLOW.format(address=page),
        "🧪 View experiment at: https://mlflow.example:5000/#/experiments/0",
        WANDB.format(address=wandb),
        "wandb: ⭐️ View project at https://wandb.example/team/project",
        f"wandb: 🚀 View run at {wandb}",
        "epoch 1",
    ]
    assert found(lines) == [("mlflow", RUN, page), ("wandb", "ab12cd34", wandb)]


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("https://w.example/t/p/runs/ab?apiKey=0123456789", "https://w.example/t/p/runs/ab"),
        ("https://m.example/?token=x#/experiments/0/runs/1", "https://m.example/#/experiments/0/runs/1"),
        ("https://user:secret@m.example/runs/1", ""),
        ("https://user@m.example/runs/1", ""),
        ("http://127.0.0.1:5000/#/experiments/0/runs/1", ""),
        ("http://localhost:5000/runs/1", ""),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("https://m.example/runs/1)<script>", ""),
        ("https://[bad/runs/1", ""),
        ("https://m.example/" + "a" * 300, ""),
    ],
)
def test_only_a_plain_address_is_kept(address, link):
    assert trackers.link(address) == link


def test_a_secret_in_a_run_does_not_reach_the_facts():
    line = MLFLOW.format(address=f"https://m.example/#/experiments/0/runs/{RUN}")
    assert found([line], scrub=lambda text: text.replace(RUN, "***")) == [("mlflow", "***", "")]


def test_a_local_folder_of_mlflow_has_the_new_runs(tmp_path):
    for number, run in enumerate(("a" * 32, "b" * 32, "models")):
        meta = tmp_path / "mlruns" / "0" / run / "meta.yaml"
        meta.parent.mkdir(parents=True)
        meta.touch()
        os.utime(meta, (number * 1000,) * 2)
    assert found(root=tmp_path, began=500) == [("mlflow", "b" * 32, "")]
    assert found(root=tmp_path, began=500, trained=False) == []


def test_a_local_database_of_mlflow_has_the_new_runs(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as store, store:
        store.execute("create table runs (run_uuid text, start_time bigint)")
        store.executemany("insert into runs values (?, ?)", [("old", 1_000), ("new", int(time.time() * 1000))])
    assert found(root=tmp_path) == [("mlflow", "new", "")]
    (tmp_path / "mlflow.db").write_text("no database")
    assert found(root=tmp_path) == []


def test_dvclive_is_seen_by_its_file_and_named_by_the_experiment(tmp_path):
    (tmp_path / "dvclive").mkdir()
    (tmp_path / "dvclive" / "metrics.json").write_text("{}")
    assert found(root=tmp_path) == [("dvclive", "dvclive", "")]
    assert found(["Ran experiment(s): fancy-cat"], tmp_path) == [("dvclive", "fancy-cat", "")]
    assert found(root=tmp_path, began=time.time() + 60) == []


def test_a_program_that_prints_runs_for_ever_fills_no_memory():
    lines = [MLFLOW.format(address=f"https://m.example/runs/{number}") for number in range(100)]
    assert len(found(lines)) == trackers.MAX_RUNS
