"""The generated pull-request pipelines, executed: GitHub's by act, GitLab's by gitlab-ci-local.

The same changes of the same repository go through both, and must end in the same results and the same report.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlcicd import demo
from tests.e2e.conftest import COMMIT, ROOT
from tests.e2e.harness import repo as repository
from tests.e2e.harness.act import references
from tests.e2e.harness.forge import Forge
from tests.e2e.harness.tools import Tools

pytestmark = pytest.mark.e2e

GREEN = {"check": "ok", "test": "ok", "validate": "ok", "train": "ok", "report": "ok", "comment": "ok"}


@dataclass(frozen=True)
class Outcome:
    """What a platform made of a change, in words common to both."""

    jobs: Mapping[str, str]
    report: Mapping[str, Any]
    log: Callable[[str], str]

    def assert_jobs(self, expected: Mapping[str, str]) -> None:
        """Compare every job's result; show the logs of those that differ."""
        wrong = [id for id in {**self.jobs, **expected} if self.jobs.get(id) != expected.get(id)]
        logs = [f"--- {id}\n{self.log(id)[-3000:]}" for id in wrong if id in self.jobs]
        assert self.jobs == dict(expected), "\n".join(logs)


@dataclass(frozen=True)
class Platform:
    """`run(repo, number)` executes the pull request's pipeline; `number` orders the runs."""

    run: Callable[[Path, int], Outcome]
    forge: Forge


@pytest.fixture(params=["github", "gitlab"])
def platform(request: pytest.FixtureRequest) -> Platform:
    return request.getfixturevalue(f"on_{request.param}")


@pytest.fixture
def on_github(act: Any, github_forge: Any, published: Path, programs: list[Path], tools: Tools) -> Platform:
    words = {"success": "ok", "failure": "failed", "skipped": "skipped"}

    def run(repo: Path, number: int) -> Outcome:
        files = [repo / ".github/workflows", ROOT / "actions"]
        done = act(
            repo,
            "pull_request",
            repository.pull_request(repo),
            references=references(files, tools, {"mlcicd/mlcicd": published}),
            env={"GITHUB_API_URL": github_forge.url, "GITHUB_RUN_ID": str(number), "GITHUB_RUN_NUMBER": str(number)},
            secrets={"GITHUB_TOKEN": github_forge.token},
            programs=programs,
        )
        assert done.left == ()
        with zipfile.ZipFile(done.artifacts["mlcicd-report"]) as archive:
            report = json.loads(archive.read("report.json"))
        jobs = {id: words.get(job.result, job.result) for id, job in done.jobs.items()}
        return Outcome(jobs=jobs, report=report, log=lambda id: done.jobs[id].log)

    return Platform(run=run, forge=github_forge)


@pytest.fixture
def on_gitlab(gitlab: Any, gitlab_forge: Any, programs: list[Path]) -> Platform:
    words = {"passed": "ok", "failed": "failed", "skipped": "skipped"}

    def run(repo: Path, number: int) -> Outcome:
        variables = repository.merge_request(repo) | {
            "CI_API_V4_URL": gitlab_forge.url,
            "CI_PIPELINE_IID": str(number),
        }
        done = gitlab(repo, variables, secrets={"MLCICD_TOKEN": gitlab_forge.token}, depth=1, programs=programs)
        assert done.left == ()
        report = json.loads((done.jobs["mlcicd-report"].artifacts / ".mlcicd/report.json").read_text("utf-8"))
        jobs = {name.removeprefix("mlcicd-"): words.get(job.status, job.status) for name, job in done.jobs.items()}
        return Outcome(jobs=jobs, report=report, log=lambda id: done.jobs[f"mlcicd-{id}"].log)

    return Platform(run=run, forge=gitlab_forge)


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
    edit(clone, ".github/workflows/mlcicd.yml", "timeout-minutes: 300", "timeout-minutes: 301")
    repository.commit(clone.repo, "One stump, and all day for it")
    outcome = platform.run(clone.repo, 1)
    outcome.assert_jobs(GREEN | {"check": "failed", "report": "failed"})
    assert "timeout-minutes: 301" in outcome.log("check")
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
