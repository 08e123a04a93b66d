"""A fork's pull request on GitHub: its run may not write, and a second run posts what the first one kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import COMMIT, ROOT
from tests.e2e.harness import repo as repository
from tests.e2e.harness.act import references
from tests.e2e.harness.tools import Tools

pytestmark = pytest.mark.e2e

FILES = {
    "mlcicd.yaml": """\
version: 1
platforms: [github]
train: {command: python3 train.py}
report: {metrics: [metrics.json], forks: post}
gates:
  - {metric: accuracy, max-drop: 0.01}
tool: {source: WHEEL}
""",
    "train.py": "import json\njson.dump({'accuracy': 0.9}, open('metrics.json', 'w'))\n",
    "metrics.json": '{"accuracy": 0.9}\n',
}
FORK = {"id": 55, "full_name": "stranger/ml", "owner": {"login": "stranger"}}


@pytest.fixture
def repo(tmp_path: Path, wheel: Path) -> Path:
    """A repository, and on `feature` what a stranger proposes for it."""
    folder = tmp_path / "repo"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text.replace("WHEEL", str(wheel)), encoding="utf-8")
    generate = [sys.executable, "-m", "mlcicd", "generate"]
    subprocess.run(generate, cwd=folder, env=os.environ | {"MLCICD_COMMIT": COMMIT}, check=True, capture_output=True)
    repository.commit(folder, "Base")
    repository.git(folder, "switch", "--quiet", "--create", "feature")
    (folder / "train.py").write_text(FILES["train.py"].replace("0.9}", "0.5}"), encoding="utf-8")
    repository.commit(folder, "Worse")
    return folder


def test_the_second_run_posts_what_the_first_one_kept(
    repo: Path, act: Any, github_forge: Any, published: Path, programs: list[Path], tools: Tools
) -> None:
    forge, head = github_forge, repository.git(repo, "rev-parse", "feature")
    files = [repo / ".github/workflows", ROOT / "actions"]
    common = {
        "references": references(files, tools, {"mlcicd/mlcicd": published}),
        "env": {"GITHUB_API_URL": forge.url},
        "programs": programs,
    }
    first = act(
        repo,
        "pull_request",
        repository.pull_request(repo, fork=True),
        secrets={"GITHUB_TOKEN": forge.read_only_token},
        **common,
    )
    first.assert_jobs({"check": "success", "train": "success", "report": "failure", "comment": "skipped"})
    assert forge.comments == []

    forge.head = head
    known = {"ref": "feature", "label": "stranger:feature", "sha": head, "repo": {"id": FORK["id"]}}
    forge.pulls = [{"number": 7, "state": "open", "head": known, "base": {"ref": "main"}}]
    forge.keep(4242, first.artifacts["mlcicd-report"].read_bytes())
    repository.git(repo, "switch", "--quiet", "main")
    for fork, jobs in ((FORK, "success"), (FORK | {"id": 1, "full_name": "acme/ml"}, "skipped")):
        second = act(
            repo, "workflow_run", _completed(repo, head, fork), secrets={"GITHUB_TOKEN": forge.token}, **common
        )
        second.assert_jobs({"comment": jobs})
    (comment,) = forge.comments
    assert comment["body"].startswith(f"<!-- mlcicd:report v=1 key=default run=12 attempt=1 sha={head} state=fail ")
    assert "`accuracy`" in comment["body"]
    assert "The code of a fork reported these numbers about itself" in comment["body"]


def _completed(repo: Path, head: str, fork: dict[str, Any]) -> dict[str, Any]:
    run = {
        "id": 4242,
        "name": "ML pipeline",
        "path": ".github/workflows/mlcicd.yml",
        "event": "pull_request",
        "conclusion": "failure",
        "run_number": 12,
        "run_attempt": 1,
        "head_sha": head,
        "head_branch": "feature",
        "head_repository": fork,
        "pull_requests": [],
    }
    return {
        "action": "completed",
        "after": repository.git(repo, "rev-parse", "main"),
        "repository": {"id": 1, "full_name": repository.PROJECT, "default_branch": "main", "owner": {"login": "acme"}},
        "sender": {"login": "stranger"},
        "workflow_run": run,
    }
