"""Where this process runs: the only reader of the CI systems' environment variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlcicd.config.fields import CLOUDS, Cloud
from mlcicd.config.identity import variable
from mlcicd.runtime.forges.model import Source

# What a job can get tokens of its identity with. Only `identity` reads these; the project's programs never see them.
_MINT = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
_NO_PERMISSION = (
    "the job needs `permissions: id-token: write`, which `mlcicd generate` writes; "
    "a pull request from a fork never gets it"
)
_NO_VARIABLE = (
    f"the job needs `id_tokens: {{{variable('aws')}: {{aud: …}}}}` and the like, which `mlcicd generate` writes; "
    "it takes GitLab 15.7 or newer"
)
# What may write to the forge, or make tokens: for our verbs, and not for programs of the project.
_TOKENS = ("MLCICD_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN", "ACTIONS_RUNTIME_TOKEN")
WITHHELD = frozenset({*_MINT, *map(variable, CLOUDS), *_TOKENS})
# Files through which a step gives orders to the steps and jobs behind it.
ORDERS = frozenset(f"GITHUB_{name}" for name in ("ENV", "OUTPUT", "PATH", "STATE", "STEP_SUMMARY"))


@dataclass(frozen=True, kw_only=True)
class Identity:
    """How this job proves who it is to a cloud. Outside CI every field is empty.

    Attributes:
        mint: address that makes a token, for whom is added to its query; or "".
        bearer: what that address is called with; never printed.
        tokens: tokens that are here already, by cloud; never printed.
        missing: in CI, why there is neither, and what to do; else "".
    """

    mint: str = ""
    bearer: str = field(default="", repr=False)
    tokens: Mapping[Cloud, str] = field(default_factory=dict, repr=False)
    missing: str = ""


@dataclass(frozen=True, kw_only=True)
class Ci:
    """One CI run, in neutral words; every field is empty outside CI.

    Attributes:
        forge: key of `runtime.forges.FORGES`, or "".
        api: base address of the forge's API, without a trailing slash.
        project: how the API names the repository (`owner/name`, or a numeric id).
        change: number of the pull or merge request.
        sha: commit the change's author pushed (not a merge commit made by the forge).
        base: revisions to compare with, best first; "" entries never occur.
        fetch: what to fetch from `origin`, best first, when none of `base` is here.
        run, attempt: order of runs; larger is newer.
        links: addresses for the report: `run`, `commit`, `change`; missing when unknown.
        token: what the API is called with; never printed.
        summary: file that the platform shows as the run's summary.
        git: address that the repository is fetched from and pushed to, without credentials.
        branch: the change's own branch, or the one that was pushed to; "" on a tag.
        checkout: commit that the jobs check out; another than `sha` when the forge tests a merge with the base.
        fork: the change comes from somebody's copy of the repository.
        proposal: this run is for a pull or merge request, also where the embedded engine plays one.
    """

    forge: str = ""
    api: str = ""
    project: str = ""
    change: int | None = None
    sha: str = ""
    base: tuple[str, ...] = ()
    fetch: tuple[str, ...] = ()
    run: int = 0
    attempt: int = 1
    links: Mapping[str, str] = field(default_factory=dict)
    token: str = field(default="", repr=False)
    summary: Path | None = None
    git: str = ""
    branch: str = ""
    checkout: str = ""
    fork: bool = False
    proposal: bool = False


def detect(environ: Mapping[str, str]) -> Ci:
    """Read the environment; the embedded engine says by `MLCICD_SHA` that it is the CI, whatever else is set."""
    if sha := environ.get("MLCICD_SHA"):
        base = _known((environ.get("MLCICD_BASE", ""),))
        return Ci(sha=sha, base=base, proposal=environ.get("MLCICD_EVENT") == "pull_request")
    here = forge(environ)
    return _github(environ) if here == "github" else _gitlab(environ) if here == "gitlab" else Ci()


def forge(environ: Mapping[str, str]) -> str:
    """Return whose CI system this process runs in, as a key of `runtime.forges.FORGES`, or ""."""
    if environ.get("MLCICD_SHA"):
        return ""
    return "github" if environ.get("GITHUB_ACTIONS") == "true" else "gitlab" if environ.get("GITLAB_CI") else ""


def source(environ: Mapping[str, str]) -> tuple[Ci, Source | None]:
    """Return this run as one that posts for the fork's run that started it, and that run; None when none did.

    `sha`, `run` and `attempt` are those of the fork's run, as the forge says them. Its pull request is not among them.
    """
    here = detect(environ)
    event = _event(environ.get("GITHUB_EVENT_PATH")) if here.forge == "github" else {}
    run = event.get("workflow_run")
    head = run.get("head_repository") if isinstance(run, dict) else None
    if not isinstance(run, dict) or not isinstance(head, dict) or run.get("event") != "pull_request":
        return here, None
    if head.get("id") == (event.get("repository") or {}).get("id"):
        return here, None  # not a fork: its own job comments
    sha, project = str(run.get("head_sha") or ""), here.git.removesuffix(".git")
    found = Source(
        id=int(run.get("id") or 0),
        sha=sha,
        branch=str(run.get("head_branch") or ""),
        owner=str((head.get("owner") or {}).get("login") or ""),
        repository=int(head.get("id") or 0),
    )
    links = {"run": f"{project}/actions/runs/{found.id}", "commit": f"{project}/commit/{sha}"}
    number, attempt = int(run.get("run_number") or 0), int(run.get("run_attempt") or 1)
    there = replace(here, sha=sha, run=number, attempt=attempt, links=links, fork=True, checkout="", branch="")
    return there, found


def identity(environ: Mapping[str, str]) -> Identity:
    """Read how the job proves its identity; the embedded engine has none, there a person's own log-in counts."""
    if environ.get("MLCICD_SHA"):
        return Identity()
    if environ.get("GITHUB_ACTIONS") == "true":
        mint, bearer = (environ.get(name, "") for name in _MINT)
        return Identity(mint=mint, bearer=bearer) if mint and bearer else Identity(missing=_NO_PERMISSION)
    if environ.get("GITLAB_CI"):
        tokens = {cloud: environ[variable(cloud)] for cloud in CLOUDS if environ.get(variable(cloud))}
        return Identity(tokens=tokens, missing="" if tokens else _NO_VARIABLE)
    return Identity()


def _github(environ: Mapping[str, str]) -> Ci:
    event = _event(environ.get("GITHUB_EVENT_PATH"))
    request = event.get("pull_request")
    request = request if isinstance(request, dict) else {}
    project = environ.get("GITHUB_REPOSITORY", "")
    server = f"{environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{project}"
    sha = (request.get("head") or {}).get("sha") or environ.get("GITHUB_SHA", "")
    change = request.get("number")
    base, fetch = _before(event.get("before"))
    if change:
        # A pull request is checked out as its merge with the base, whose first parent is that base.
        base = ("HEAD^1", (request.get("base") or {}).get("sha", ""))
        fetch = (environ.get("GITHUB_BASE_REF", ""),)
    links = {
        "run": f"{server}/actions/runs/{environ.get('GITHUB_RUN_ID', '')}",
        "commit": f"{server}/commit/{sha}",
        "change": f"{server}/pull/{change}" if change else "",
    }
    summary = environ.get("GITHUB_STEP_SUMMARY")
    return Ci(
        forge="github",
        api=environ.get("GITHUB_API_URL", "https://api.github.com").rstrip("/"),
        project=project,
        change=change,
        sha=sha,
        base=_known(base),
        fetch=_known(fetch),
        run=_number(environ.get("GITHUB_RUN_NUMBER")),
        attempt=_number(environ.get("GITHUB_RUN_ATTEMPT")) or 1,
        links={name: link for name, link in links.items() if link},
        token=_token(environ, "GITHUB_TOKEN"),
        summary=Path(summary) if summary else None,
        git=f"{server}.git" if project else "",
        branch=(request.get("head") or {}).get("ref", "") if change else _branch(environ.get("GITHUB_REF", "")),
        checkout=environ.get("GITHUB_SHA", ""),
        proposal=bool(change),
        fork=bool(change) and ((request.get("head") or {}).get("repo") or {}).get("full_name") != project,
    )


def _gitlab(environ: Mapping[str, str]) -> Ci:
    change = _number(environ.get("CI_MERGE_REQUEST_IID"))
    sha = environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA", "")
    project = environ.get("CI_PROJECT_URL", "")
    base, fetch = _before(environ.get("CI_COMMIT_BEFORE_SHA"))
    if change:
        diff_base = environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", "")
        base = (diff_base, environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", ""))
        fetch = (diff_base, environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", ""))
    links = {
        "run": environ.get("CI_PIPELINE_URL", ""),
        "commit": f"{project}/-/commit/{sha}" if project else "",
        "change": f"{project}/-/merge_requests/{change}" if project and change else "",
    }
    return Ci(
        forge="gitlab",
        api=environ.get("CI_API_V4_URL", "https://gitlab.com/api/v4").rstrip("/"),
        project=environ.get("CI_PROJECT_ID", ""),
        change=change or None,
        sha=sha,
        base=_known(base),
        fetch=_known(fetch),
        run=_number(environ.get("CI_PIPELINE_IID")),
        links={name: link for name, link in links.items() if link},
        token=_token(environ, "GITLAB_TOKEN"),
        git=f"{project}.git" if project else "",
        branch=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME" if change else "CI_COMMIT_BRANCH", ""),
        checkout=environ.get("CI_COMMIT_SHA", ""),
        proposal=bool(change),
        fork=environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID") != environ.get("CI_MERGE_REQUEST_PROJECT_ID"),
    )


def _before(sha: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a push is compared with, here and at `origin`: where the branch was, however many commits came.

    The commit before the last stands for it only where there is none, as in a run that somebody starts by hand.
    """
    known = _known((sha if isinstance(sha, str) else "",))
    return known or ("HEAD^1",), known


def _branch(ref: str) -> str:
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""


def _event(path: str | None) -> dict[str, Any]:
    try:
        event = json.loads(Path(path).read_text("utf-8")) if path else {}
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def _token(environ: Mapping[str, str], usual: str) -> str:
    """Return the token; a secret that was pasted with its line end is still the same token."""
    return environ.get("MLCICD_TOKEN", "").strip() or environ.get(usual, "").strip()


def _known(revisions: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out what is empty, and the row of zeros that stands for "no commit before"."""
    return tuple(revision for revision in revisions if revision and set(revision) != {"0"})


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
