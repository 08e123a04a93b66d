"""`mlcicd status` with the real DVC: in fresh clones without data, and the command it names does repair it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mlcicd.runtime.project import environ
from tests.e2e.harness import repo as repository

pytestmark = pytest.mark.e2e

FILES = {
    "data/raw.csv": "1\n2\n3\n4\n",
    "params.yaml": "train:\n  scale: 10\n",
    "mlcicd.yaml": "version: 1\ndata: {}\nstatus: {}\n",
    ".gitignore": "/.venv\n/.mlcicd\n",
    "src/prepare.py": """\
import pathlib
rows = pathlib.Path("data/raw.csv").read_text().split()
folder = pathlib.Path("data/prepared")
folder.mkdir(exist_ok=True)
(folder / "train.csv").write_text("\\n".join(rows[:3]))
(folder / "test.csv").write_text("\\n".join(rows[3:]))
""",
    "src/train.py": """\
import json, pathlib
rows = pathlib.Path("data/prepared/train.csv").read_text().split()
params = pathlib.Path("params.yaml").read_text()
pathlib.Path("model.json").write_text(json.dumps([*rows, params]))
""",
    "src/evaluate.py": """\
import json, pathlib
size = len(pathlib.Path("model.json").read_text()) + len(pathlib.Path("data/prepared/test.csv").read_text())
pathlib.Path("metrics.json").write_text(json.dumps({"size": size}))
""",
    "dvc.yaml": """\
stages:
  prepare: {cmd: python src/prepare.py, deps: [data/raw.csv, src/prepare.py], outs: [data/prepared]}
  train:
    cmd: python src/train.py
    deps: [data/prepared/train.csv, src/train.py]
    params: [train]
    outs: [model.json]
  evaluate:
    cmd: python src/evaluate.py
    deps: [data/prepared/test.csv, model.json, src/evaluate.py]
    metrics: [{metrics.json: {cache: false}}]
""",
}


@pytest.fixture(scope="module")
def origin(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained repository whose data is pushed; it has several clones."""
    folder = tmp_path_factory.mktemp("status")
    repo = folder / "repo"
    for name, text in FILES.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text, encoding="utf-8")
    (repo / ".venv").symlink_to(environment)
    repository.git(repo, "init", "--quiet", "--initial-branch=main")
    sh(repo, "dvc init --quiet")
    sh(repo, f"dvc remote add --quiet --default storage {folder / 'remote'}")
    sh(repo, "dvc add --quiet data/raw.csv && dvc repro --quiet && dvc push --quiet")
    repository.commit(repo, "Trained")
    return repo


@pytest.fixture
def clone(origin: Path, environment: Path, tmp_path: Path) -> Path:
    """A fresh clone, as CI has it: one commit, no data."""
    repository.git(tmp_path, "clone", "--quiet", "--depth=1", origin.as_uri(), "clone")
    (tmp_path / "clone/.venv").symlink_to(environment)
    return tmp_path / "clone"


def sh(folder: Path, command: str) -> None:
    path = environ(folder, os.environ) | {"GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(["bash", "-ec", command], cwd=folder, env=path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def status(folder: Path, *options: str) -> tuple[int, dict[str, Sequence[str]], dict]:
    argv = [sys.executable, "-P", "-m", "mlcicd", "status", "--json", *options]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    return done.returncode, {step["name"]: step["why"] for step in found["steps"] if step["stale"]}, found


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text("utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def other_data(folder: Path) -> None:
    """A new version of the data, added and pushed elsewhere; here is only its .dvc file."""
    (folder / "data/raw.csv").write_text("5\n6\n7\n8\n", encoding="utf-8")
    sh(folder, "dvc add --quiet data/raw.csv && dvc push --quiet data/raw.csv.dvc")
    shutil.rmtree(folder / ".dvc/cache")
    (folder / "data/raw.csv").unlink()


OLD = "1065e32f2cfab7352c6d3211f5447069"
LEFT = f"    outs:\n    - {{path: old.bin, hash: md5, md5: {OLD}, size: 10}}\n    - path: model.json"
MERGED = f"path: data/prepared/train.csv\n      hash: md5\n      md5: {OLD} #"
CASES: dict[str, tuple[Callable[[Path], None], dict[str, str]]] = {
    "parameter": (
        lambda folder: edit(folder, "params.yaml", "10", "20"),
        {"train": "parameter train.scale 10 → 20 in params.yaml", "evaluate": "reads what stage train writes"},
    ),
    "code": (
        lambda folder: edit(folder, "src/evaluate.py", "size =", "size = 1 +"),
        {"evaluate": "code src/evaluate.py changed"},
    ),
    "command": (
        lambda folder: edit(folder, "dvc.yaml", "python src/train.py", "python -O src/train.py"),
        {"train": "command: python src/train.py → python -O src/train.py", "evaluate": "reads what stage train writes"},
    ),
    "data": (
        other_data,
        {
            "prepare": "data data/raw.csv: it ran with md5",
            "train": "reads what stage prepare writes",
            "evaluate": "reads what stage prepare and stage train writes",
        },
    ),
    "metrics": (
        lambda folder: (folder / "metrics.json").write_text('{"size": 1}') and None,
        {"evaluate": "metrics.json is not what dvc.lock says this stage wrote"},
    ),
    "output left in the lock": (
        lambda folder: edit(folder, "dvc.lock", "    outs:\n    - path: model.json", LEFT),
        {"train": "dvc.lock names the output old.bin, which dvc.yaml no longer has"},
    ),
    "lock merged by hand": (
        lambda folder: edit(folder, "dvc.lock", "path: data/prepared/train.csv\n      hash: md5\n      md5: ", MERGED),
        {"train": "data data/prepared/train.csv: it ran with md5", "evaluate": "reads what stage train writes"},
    ),
    "a new stage": (
        lambda folder: edit(folder, "dvc.yaml", "stages:\n", "stages:\n  copy: {cmd: cp metrics.json m, outs: [m]}\n"),
        {"copy": "never run"},
    ),
}


def test_a_fresh_clone_is_in_step_without_downloading_data(clone: Path) -> None:
    code, stale, found = status(clone)
    assert (code, stale, found["remote"], found["notes"]) == (0, {}, "complete", [])
    assert [step["name"] for step in found["steps"]] == ["prepare", "train", "evaluate"]
    assert not (clone / "data/raw.csv").exists()
    objects = [path for path in (clone / ".dvc/cache/files").rglob("*") if path.is_file()]
    assert all(path.suffix == ".dir" for path in objects)


@pytest.mark.parametrize("case", CASES)
def test_what_is_stale_is_named_and_its_repair_works(case: str, clone: Path) -> None:
    change, expected = CASES[case]
    change(clone)
    repository.commit(clone, case) if case != "metrics" else None
    code, stale, found = status(clone)
    assert code == 1
    assert {name: why[0][: len(expected.get(name, ""))] for name, why in stale.items()} == expected
    sh(clone, "\n".join(found["repair"]))
    repository.commit(clone, "Repaired")
    assert status(clone)[:2] == (0, {})


def test_a_lock_whose_data_nobody_pushed_is_refused(clone: Path) -> None:
    edit(clone, "params.yaml", "10", "30")
    sh(clone, "dvc repro --quiet --pull")
    repository.commit(clone, "Trained, and forgot to push")
    code, stale, found = status(clone)
    assert (code, stale, found["remote"]) == (1, {}, "incomplete")
    assert any("model.json" in line for line in found["missing"])
    assert status(clone, "--no-remote")[0] == 0
    sh(clone, found["repair"][0].partition(",")[0])
    assert status(clone)[0] == 0
