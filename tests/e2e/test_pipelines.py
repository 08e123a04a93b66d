"""The generated pull-request pipelines, executed: GitHub's by act, GitLab's by gitlab-ci-local.

The same changes of the same repository go through both, and must end in the same results and the same report.
"""

from __future__ import annotations

import json

import pytest

from mlcicd import demo
from tests.e2e.conftest import COMMIT
from tests.e2e.harness import repo as repository
from tests.e2e.harness.forge import Forge
from tests.e2e.harness.platforms import Platform

pytestmark = pytest.mark.e2e

GREEN = {"check": "ok", "test": "ok", "validate": "ok", "train": "ok", "report": "ok", "comment": "ok"}


def edit(clone: demo.Demo, name: str, old: str, new: str) -> None:
    path = clone.repo / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def comments(forge: Forge) -> list[str]:
    return [comment["body"] for comment in forge.comments]


@pytest.fixture
def better(clone: demo.Demo) -> demo.Demo:
    edit(clone, "params.yaml", "n_estimators: 10", "n_estimators: 200")
    repository.commit(clone.repo, "Grow 200 trees")
    return clone


def test_a_better_model_passes_and_its_second_push_updates_the_comment(better: demo.Demo, platform: Platform) -> None:
    base = json.loads((better.repo / "metrics.json").read_text("utf-8"))
    first = platform.run(better.repo, 1)
    first.assert_jobs(GREEN)
    assert first.report["state"] == "pass"
    assert [row["status"] for row in first.report["gates"]] == ["pass"] * 3
    rows = {row["name"]: row for row in first.report["metrics"]}
    assert rows["accuracy"]["base"] == base["accuracy"]
    assert rows["accuracy"]["change"] > base["accuracy"]
    changes = [(row["name"], row["base"], row["change"]) for row in first.report["params"]]
    assert changes == [("train.n_estimators", "10", "200")]
    assert len(comments(platform.forge)) == 1
    edit(better, "params.yaml", "n_estimators: 200", "n_estimators: 150")
    repository.commit(better.repo, "Fewer")
    second = platform.run(better.repo, 2)
    second.assert_jobs(GREEN)
    (body,) = comments(platform.forge)
    assert "`150`" in body
    assert repository.git(better.repo, "rev-parse", "HEAD")[:7] in body


def test_bad_data_stops_before_training_and_the_report_names_the_expectation(
    clone: demo.Demo, platform: Platform
) -> None:
    clone.shell.type("dvc pull --quiet data/raw.csv")
    edit(clone, "data/raw.csv", "malignant", "unknown")
    clone.shell.type("dvc add --quiet data/raw.csv")
    clone.shell.type("dvc push --quiet")
    repository.commit(clone.repo, "Bad labels")
    outcome = platform.run(clone.repo, 1)
    outcome.assert_jobs(GREEN | {"validate": "failed", "train": "skipped", "report": "failed"})
    (body,) = comments(platform.forge)
    assert "expect_column_values_to_be_in_set" in body


def test_a_worse_model_closes_the_gate_and_an_edited_file_is_noticed(clone: demo.Demo, platform: Platform) -> None:
    edit(clone, "params.yaml", "n_estimators: 10", "n_estimators: 1")
    edit(clone, "params.yaml", "max_depth: ", "max_depth: 1  # was ")
    edit(clone, ".github/workflows/mlcicd.yml", "timeout-minutes: 315", "timeout-minutes: 316")
    repository.commit(clone.repo, "One stump, and all day for it")
    outcome = platform.run(clone.repo, 1)
    outcome.assert_jobs(GREEN | {"check": "failed", "report": "failed"})
    assert "jobs.train.timeout-minutes: expected 315, found 316" in outcome.log("check")
    assert outcome.report["state"] == "fail"
    (body,) = comments(platform.forge)
    assert "❌ fail | `accuracy`" in body


def test_a_crashed_training_still_gives_a_report_that_says_so(clone: demo.Demo, platform: Platform) -> None:
    path = clone.repo / "src/train.py"
    path.write_text(path.read_text("utf-8") + "\nraise MemoryError('the tree is too big')\n", encoding="utf-8")
    repository.commit(clone.repo, "Crash")
    outcome = platform.run(clone.repo, 1)
    outcome.assert_jobs(GREEN | {"train": "failed", "report": "failed"})
    (body,) = comments(platform.forge)
    assert "the tree is too big" in body


def test_generated_files_name_the_commit(example: demo.Demo) -> None:
    workflow = (example.repo / ".github/workflows/mlcicd.yml").read_text("utf-8")
    assert f"mlcicd/mlcicd/actions/report@{COMMIT}" in workflow
