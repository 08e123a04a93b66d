"""The embedded engine on the example: a failing change shows exactly what CI would show."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from mlcicd import demo
from tests.e2e.conftest import COMMIT
from tests.e2e.harness import repo as repository

pytestmark = pytest.mark.e2e


def test_a_crashed_training_is_reported_and_leaves_the_repository_alone(clone: demo.Demo) -> None:
    path = clone.repo / "src/train.py"
    path.write_text(path.read_text("utf-8") + "\nraise MemoryError('the tree is too big')\n", encoding="utf-8")
    repository.commit(clone.repo, "Crash")
    done = subprocess.run(
        [sys.executable, "-m", "mlcicd", "run", "--base", "main"],
        cwd=clone.repo,
        env=os.environ | {"MLCICD_COMMIT": COMMIT, "GITHUB_ACTIONS": "true", "GITHUB_TOKEN": "not for jobs"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    results = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if len(line.split()) > 2}
    expected = {"check": "passed", "test": "passed", "validate": "passed", "train": "failed", "report": "failed"}
    assert {job: results[job] for job in expected} == expected
    assert "the tree is too big" in done.stdout
    report = json.loads((clone.repo / ".mlcicd/report.json").read_text("utf-8"))
    assert report["state"] == "error"
    assert "the tree is too big" in (clone.repo / ".mlcicd/report.md").read_text("utf-8")
    assert repository.git(clone.repo, "status", "--porcelain", "--untracked-files=all") == ""
