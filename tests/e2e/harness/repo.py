"""Git on both sides of a forge: the origin that runners clone from, and what the forge says about a change."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

PROJECT = "acme/ml"
IDENTITY = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (("NAME", "Ada"), ("EMAIL", "ada@example.com"), ("DATE", "2026-01-02T03:04:05Z"))
}


def git(folder: Path, *arguments: str) -> str:
    """Run git, apart from the settings of the person who runs the tests, and return its output."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environ |= IDENTITY | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def commit(folder: Path, message: str = "change") -> str:
    """Commit everything in the folder, making it a repository first if need be; return the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def snapshot(source: Path, folder: Path) -> Path:
    """Copy what git would commit from `source`, now and without its history; return `folder`."""
    listed = git(source, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (source / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, folder / name)
    return folder


def serve(repo: Path, folder: Path) -> Path:
    """Make a bare copy of `repo` that may be cloned by branch or by commit, at any depth; return its path."""
    origin = folder / "origin.git"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(origin))
    for setting in ("uploadpack.allowAnySHA1InWant", "uploadpack.allowFilter"):
        git(origin, "config", setting, "true")
    return origin


def merge(origin: Path, number: int, base: str, head: str) -> str:
    """Store what a forge tests for a pull request, the merge of head into base, and return its commit."""
    tree = git(origin, "merge-tree", "--write-tree", base, head)
    made = git(origin, "commit-tree", tree, "-p", base, "-p", head, "-m", f"Merge {head} into {base}")
    git(origin, "update-ref", f"refs/pull/{number}/merge", made)
    git(origin, "update-ref", f"refs/pull/{number}/head", head)
    return made


def pull_request(
    repo: Path, *, number: int = 7, base: str = "main", head: str = "feature", fork: bool = False
) -> dict[str, Any]:
    """Return the payload of a `pull_request` event for two branches of `repo`.

    Args:
        fork: the head branch belongs to somebody else's copy of the repository.
    """
    owner = "stranger" if fork else PROJECT.split("/")[0]
    from_project = {"full_name": f"{owner}/{PROJECT.split('/')[1]}", "fork": fork}
    return {
        "action": "synchronize",
        "number": number,
        "repository": _repository(base),
        "sender": {"login": owner},
        "pull_request": {
            "number": number,
            "draft": False,
            "user": {"login": owner},
            "head": {"ref": head, "sha": git(repo, "rev-parse", head), "repo": from_project},
            "base": {"ref": base, "sha": git(repo, "rev-parse", base), "repo": {"full_name": PROJECT, "fork": False}},
        },
    }


def push(repo: Path, *, branch: str = "main") -> dict[str, Any]:
    """Return the payload of a `push` event for the newest commit of `branch`."""
    after = git(repo, "rev-parse", branch)
    try:
        before = git(repo, "rev-parse", f"{branch}^1")
    except RuntimeError:
        before = "0" * 40
    return {
        "ref": f"refs/heads/{branch}",
        "before": before,
        "after": after,
        "repository": _repository("main"),
        "sender": {"login": PROJECT.split("/")[0]},
    }


def dispatch(repo: Path, *, branch: str = "main", inputs: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the payload of a `workflow_dispatch` event on `branch`."""
    return {
        "ref": f"refs/heads/{branch}",
        "after": git(repo, "rev-parse", branch),
        "inputs": inputs or {},
        "repository": _repository("main"),
        "sender": {"login": PROJECT.split("/")[0]},
    }


def merge_request(
    repo: Path, *, iid: int = 12, target: str = "main", source: str = "feature", fork: bool = False
) -> dict[str, str]:
    """Return the variables of a GitLab merge-request pipeline (of the detached kind: it tests the source branch)."""
    head = git(repo, "rev-parse", source)
    return {
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_COMMIT_SHA": head,
        "CI_COMMIT_REF_NAME": source,
        "CI_MERGE_REQUEST_ID": str(1000 + iid),
        "CI_MERGE_REQUEST_IID": str(iid),
        "CI_MERGE_REQUEST_EVENT_TYPE": "detached",
        "CI_MERGE_REQUEST_PROJECT_ID": "99",
        "CI_MERGE_REQUEST_PROJECT_PATH": PROJECT,
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "98" if fork else "99",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "stranger/ml" if fork else PROJECT,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": source,
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": target,
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": git(repo, "merge-base", target, source),
    }


def branch_push(repo: Path, *, branch: str = "main") -> dict[str, str]:
    """Return the variables of a GitLab branch pipeline for the newest commit of `branch`."""
    payload = push(repo, branch=branch)
    return {
        "CI_PIPELINE_SOURCE": "push",
        "CI_COMMIT_SHA": payload["after"],
        "CI_COMMIT_BEFORE_SHA": payload["before"],
        "CI_COMMIT_BRANCH": branch,
        "CI_COMMIT_REF_NAME": branch,
    }


def _repository(branch: str) -> dict[str, Any]:
    owner, name = PROJECT.split("/")
    return {
        "full_name": PROJECT,
        "name": name,
        "owner": {"login": owner},
        "default_branch": branch,
        "private": True,
        "fork": False,
    }
