"""Run a pull request's pipeline on either platform, and say what came of it in words common to both."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.harness import repo as repository
from tests.e2e.harness.act import references
from tests.e2e.harness.forge import Forge
from tests.e2e.harness.tools import Tools

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Outcome:
    """What a platform made of a change: each job's result (ok, failed, skipped), the report, a job's log."""

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


def github(act: Callable[..., Any], forge: Forge, published: Path, programs: Sequence[Path], tools: Tools) -> Platform:
    """Return GitHub, executed by act."""
    words = {"success": "ok", "failure": "failed", "skipped": "skipped"}

    def run(repo: Path, number: int) -> Outcome:
        files = [repo / ".github/workflows", ROOT / "actions"]
        forge.head = repository.git(repo, "rev-parse", "feature")
        done = act(
            repo,
            "pull_request",
            repository.pull_request(repo),
            references=references(files, tools, {"mlcicd/mlcicd": published}),
            env={"GITHUB_API_URL": forge.url, "GITHUB_RUN_ID": str(number), "GITHUB_RUN_NUMBER": str(number)},
            secrets={"GITHUB_TOKEN": forge.token},
            programs=programs,
        )
        assert done.left == ()
        with zipfile.ZipFile(done.artifacts["mlcicd-report"]) as archive:
            report = json.loads(archive.read("report.json"))
        jobs = {id: words.get(job.result, job.result) for id, job in done.jobs.items()}
        return Outcome(jobs=jobs, report=report, log=lambda id: done.jobs[id].log)

    return Platform(run=run, forge=forge)


def gitlab(gitlab: Callable[..., Any], forge: Forge, programs: Sequence[Path]) -> Platform:
    """Return GitLab, executed by gitlab-ci-local."""
    words = {"passed": "ok", "failed": "failed", "skipped": "skipped"}

    def run(repo: Path, number: int) -> Outcome:
        forge.head = repository.git(repo, "rev-parse", "feature")
        variables = repository.merge_request(repo) | {"CI_API_V4_URL": forge.url, "CI_PIPELINE_IID": str(number)}
        done = gitlab(repo, variables, secrets={"MLCICD_TOKEN": forge.token}, depth=1, programs=programs)
        assert done.left == ()
        report = json.loads((done.jobs["mlcicd-report"].artifacts / ".mlcicd/report.json").read_text("utf-8"))
        jobs = {name.removeprefix("mlcicd-"): words.get(job.status, job.status) for name, job in done.jobs.items()}
        return Outcome(jobs=jobs, report=report, log=lambda id: done.jobs[f"mlcicd-{id}"].log)

    return Platform(run=run, forge=forge)
