"""The lock comes back, executed on both platforms: git behind a log-in, requests to a forge that checks them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlcicd import demo
from tests.e2e.conftest import COMMIT, ROOT
from tests.e2e.harness import repo as repository
from tests.e2e.harness.act import references
from tests.e2e.harness.forge import Forge
from tests.e2e.harness.git_server import GitServer
from tests.e2e.harness.tools import Tools

pytestmark = pytest.mark.e2e

# The report refuses, because these changes take validation and tests out to be quick; the lock does not wait for it.
GREEN = {"check": "ok", "train": "ok", "lock": "ok", "report": "failed"}
RESULTS = ["dvc.lock", "metrics.json", "plots/recall.csv", "plots/roc.csv"]
WORDS = {"success": "ok", "passed": "ok", "failure": "failed"}


@dataclass(frozen=True)
class Outcome:
    """What a pipeline did: its jobs' results and logs, and the origin as it is now."""

    jobs: Mapping[str, str]
    log: Callable[[str], str]
    origin: Path

    def assert_jobs(self, expected: Mapping[str, str]) -> None:
        wrong = [id for id in {**self.jobs, **expected} if self.jobs.get(id) != expected.get(id)]
        assert self.jobs == dict(expected), "\n".join(f"--- {id}\n{self.log(id)[-3000:]}" for id in wrong)


@dataclass(frozen=True)
class Platform:
    """`run(repo)` executes the pipeline of the change from `feature` into `main`."""

    name: str
    forge: Forge
    git: GitServer
    run: Callable[[Path], Outcome]


@pytest.fixture(params=["github", "gitlab"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    name: str = request.param
    forge: Forge = request.getfixturevalue(f"{name}_forge")
    folder = tmp_path / ("act" if name == "github" else "gitlab")

    def origin() -> Path:
        return max(folder.glob("*/origin.git"), key=lambda path: int(path.parent.name))

    with GitServer(forge.token, origin) as server:
        start = request.getfixturevalue(f"start_on_{name}")

        def run(repo: Path) -> Outcome:
            jobs, log = start(repo, server)
            return Outcome({id: WORDS.get(word, word) for id, word in jobs.items()}, log, origin())

        yield Platform(name=name, forge=forge, git=server, run=run)


@pytest.fixture
def start_on_github(act: Any, github_forge: Any, published: Path, programs: list[Path], tools: Tools) -> Any:
    def start(repo: Path, server: GitServer) -> Any:
        files = [repo / ".github/workflows", ROOT / "actions"]
        done = act(
            repo,
            "pull_request",
            repository.pull_request(repo),
            references=references(files, tools, {"mlcicd/mlcicd": published}),
            env={"GITHUB_API_URL": github_forge.url, "GITHUB_SERVER_URL": server.url},
            secrets={"GITHUB_TOKEN": github_forge.token},
            programs=programs,
        )
        return {id: job.result for id, job in done.jobs.items()}, lambda id: done.jobs[id].log

    return start


@pytest.fixture
def start_on_gitlab(gitlab: Any, gitlab_forge: Any, programs: list[Path]) -> Any:
    def start(repo: Path, server: GitServer) -> Any:
        address = {"CI_API_V4_URL": gitlab_forge.url, "CI_PROJECT_URL": f"{server.url}/{repository.PROJECT}"}
        variables = repository.merge_request(repo) | address
        done = gitlab(repo, variables, secrets={"MLCICD_TOKEN": gitlab_forge.token}, depth=1, programs=programs)
        jobs = {name.removeprefix("mlcicd-"): job.status for name, job in done.jobs.items()}
        return jobs, lambda id: done.jobs[f"mlcicd-{id}"].log

    return start


@pytest.fixture
def change(
    clone: demo.Demo, example: demo.Demo, environment: Path, wheel: Path, tmp_path: Path, platform: Platform
) -> Callable[[str], Path]:
    """`change(mode)`: the example with a DVC remote of its own and few jobs; more trees on `feature`."""

    def make(mode: str) -> Path:
        shutil.copytree(example.remote, tmp_path / "remote")
        clone.shell.type(f"dvc remote modify --quiet storage url {tmp_path / 'remote'}")
        (clone.repo / "mlcicd.yaml").write_text(
            f"version: 1\nplatforms: [{platform.name}]\nproject: {{install: ln -sfn {environment} .venv}}\ndata: {{}}\n"
            f"train: {{lock: {mode}}}\nreport: {{comment: never}}\ntool: {{source: {wheel}}}\n",
            encoding="utf-8",
        )
        for path in (".github", ".gitlab", ".gitlab-ci.yml"):
            shutil.rmtree(clone.repo / path) if (clone.repo / path).is_dir() else (clone.repo / path).unlink()
        assert clone.shell.mlcicd("generate") == 0
        params = clone.repo / "params.yaml"
        params.write_text(params.read_text("utf-8").replace("n_estimators: 10", "n_estimators: 40"), encoding="utf-8")
        repository.commit(clone.repo, "Grow 40 trees")
        return clone.repo

    return make


@pytest.fixture(autouse=True)
def _commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCICD_COMMIT", COMMIT)


def changed(origin: Path, base: str, head: str) -> list[str]:
    return repository.git(origin, "diff", "--name-only", base, head).splitlines()


def test_a_commit_on_the_branch_and_the_next_run_adds_none(change: Callable[[str], Path], platform: Platform) -> None:
    repo = change("commit")
    before = repository.git(repo, "rev-parse", "feature")
    old = json.loads((repo / "metrics.json").read_text("utf-8"))
    first = platform.run(repo)
    first.assert_jobs(GREEN)
    made = repository.git(first.origin, "rev-parse", "feature")
    assert repository.git(first.origin, "rev-parse", "feature^") == before
    assert set(changed(first.origin, before, made)) <= set(RESULTS)
    assert {"dvc.lock", "metrics.json"} <= set(changed(first.origin, before, made))
    new = json.loads(repository.git(first.origin, "show", "feature:metrics.json"))
    assert new["log_loss"] != old["log_loss"]
    assert platform.git.pushes[-1].status == 200
    assert {push.user for push in platform.git.pushes} <= {"x-access-token", "oauth2"}
    assert platform.forge.token not in "".join(first.log(id) for id in first.jobs)
    # A clone of the commit has all its data: nothing is left to train, and everything is in the remote.
    repository.git(repo, "pull", "--quiet", str(first.origin), "feature")
    pushes = len(platform.git.pushes)
    second = platform.run(repo)
    second.assert_jobs(GREEN)
    assert "nothing to commit" in second.log("lock")
    assert "3 unchanged" in second.log("train")
    assert repository.git(second.origin, "rev-parse", "feature") == made
    assert len(platform.git.pushes) == pushes
    assert platform.forge.proposals == []


def test_a_proposal_against_the_branch(change: Callable[[str], Path], platform: Platform) -> None:
    repo = change("propose")
    before = repository.git(repo, "rev-parse", "feature")
    outcome = platform.run(repo)
    outcome.assert_jobs(GREEN)
    assert repository.git(outcome.origin, "rev-parse", "feature") == before
    assert repository.git(outcome.origin, "rev-parse", "mlcicd/lock/feature^") == before
    (proposal,) = platform.forge.proposals
    assert proposal["title"] == "Update dvc.lock of feature after training"
    assert "dvc.lock" in (proposal.get("body") or proposal.get("description"))
