"""GitHub Actions: one workflow; our actions by commit, or copied beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mlcicd import resources, yamlio
from mlcicd.errors import UsageError
from mlcicd.plan.model import Cache, Call, Job, Pipeline, Save, Setup, Step
from mlcicd.platforms.common import Claims, Seed
from mlcicd.platforms.pins import CHECKOUT
from mlcicd.release import Release
from mlcicd.render import render

MAIN = ".github/workflows/mlcicd.yml"
FOR_FORKS = ".github/workflows/mlcicd-comment.yml"
NO_FORKS = ""
VENDORED = ".github/mlcicd"
OWNED = (".github/workflows/mlcicd*.yml", f"{VENDORED}/**/*")

_TRIGGER = {"pull_request": "pull_request", "push": "push", "manual": "workflow_dispatch"}
_PERMISSION = {"code": "contents", "comments": "pull-requests", "identity": "id-token", "runs": "actions"}
_HOSTED = ("ubuntu-latest",)
# What the action `save` does by default, as the plan does; it is not written out.
_SAVE = Save(artifact="")
# What the event says is the forge's word. A fork may give any workflow our name, but not our file's path.
_OF_A_FORK = (
    "github.event.workflow_run.event == 'pull_request'",
    "github.event.workflow_run.head_repository.full_name != github.repository",
    f"startsWith(github.event.workflow_run.path, '{MAIN}')",
)
_SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"


def files(pipeline: Pipeline, release: Release) -> dict[str, str]:
    """Return the workflow, and with vendored actions their folder.

    Raises:
        UsageError: when actions are referenced as published but this build does not know its commit.
    """
    made = {MAIN: render("github/workflow.yml.j2", view(pipeline, release))}
    if pipeline.for_forks:
        words = _references(pipeline, release)
        made[FOR_FORKS] = render("github/for-forks.yml.j2", {"job": _for_forks(pipeline.for_forks, words)})
    if pipeline.vendored:
        made |= _vendored()
    return made


def seeds() -> list[Seed]:
    """This platform needs no file that is the team's own."""
    return []


def read(text: str) -> dict[str, tuple[str, ...]]:
    """Read the job graph back from the workflow: job → what it needs."""
    return {id: tuple(job.get("needs", ())) for id, job in yamlio.load_foreign(text)["jobs"].items()}


def claims(host: str, repository: str, branch: str) -> Claims:
    """Say what the tokens of this repository's jobs hold: of its own pull requests, and of the default branch."""
    owner, _, name = (repository or "OWNER/REPOSITORY").partition("/")
    forms = (f"{owner}/{name}", f"{owner}@OWNER_ID/{name}@REPOSITORY_ID")
    events = ("pull_request", f"ref:refs/heads/{branch}")
    return Claims(
        issuer=_issuer(host),
        subjects=tuple(f"repo:{form}:{event}" for form in forms for event in events),
        condition=f'assertion.repository == "{owner}/{name}" && '
        f'(assertion.event_name == "pull_request" || assertion.ref == "refs/heads/{branch}")',
        repository=("repository", f"{owner}/{name}"),
        notes=(
            "repositories made or renamed since 15 July 2026 have the subjects with ids; "
            f"put the ids in, as this prints them: gh api repos/{owner}/{name} --jq '.owner.id, .id'",
            "a pull request from a fork gets no token, unless the repository's settings send write tokens to forks: "
            "leave that off",
        ),
    )


def _issuer(host: str) -> str:
    if host in ("", "github.com"):
        return "https://token.actions.githubusercontent.com"
    return f"https://token.actions.{host}" if host.endswith(".ghe.com") else f"https://{host}/_services/token"


def view(pipeline: Pipeline, release: Release) -> dict[str, Any]:
    """Translate the pipeline into what the workflow template prints."""
    words = _references(pipeline, release)
    events = dict.fromkeys(event for job in pipeline.jobs for event in job.events)
    return {
        "triggers": [
            {"name": _TRIGGER[event], "branches": [pipeline.branch] if event == "push" else []} for event in events
        ],
        "jobs": [_job(job, words) for job in pipeline.jobs],
    }


def _job(job: Job, words: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": job.id,
        "name": job.name,
        "why": job.why,
        "needs": list(job.needs),
        "condition": _condition(job),
        "runner": _runner(job),
        "timeout": job.timeout,
        "may_fail": job.may_fail,
        "permissions": _permissions(job, words),
        "steps": [_step(step, words) for step in job.steps],
    }


def _for_forks(job: Job, words: Mapping[str, str]) -> dict[str, Any]:
    """The same as any job, but for its `if`; what it checks out is the default branch, where this file is read from."""
    made = _job(job, words)
    for step in made["steps"]:
        if step.get("checkout"):
            step["checkout"]["base"] = False
    return {**made, "condition": " && ".join(_OF_A_FORK)}


def _permissions(job: Job, words: Mapping[str, str]) -> list[dict[str, str]]:
    rights = [{**asdict(right), "scope": _PERMISSION[right.scope]} for right in job.permissions]
    if words["source"] and not any(right["scope"] == "contents" for right in rights):
        # Without it the checkout of a private repository fails.
        rights.insert(0, {"scope": "contents", "level": "read", "why": "check out the actions that are kept here"})
    return rights


def _runner(job: Job) -> str | list[str]:
    labels = job.machine.labels.get("github") or _HOSTED
    return labels[0] if len(labels) == 1 else list(labels)


def _condition(job: Job) -> str:
    """Write the job's `if`; empty when the platform's own rule (every need succeeded) is meant."""
    parts = ["!cancelled()"] if job.always else []
    if job.events == ("pull_request",):
        # Nothing but a pull request has a head repository, so this also tells the event.
        parts.append(_SAME_REPOSITORY if job.trusted else "github.event_name == 'pull_request'")
    elif job.trusted:
        either = f"github.event_name != 'pull_request' || {_SAME_REPOSITORY}"
        parts.append(f"({either})" if parts else either)
    return " && ".join(parts)


def _step(step: Step, words: Mapping[str, str]) -> dict[str, Any]:
    """Translate a step; an input is written only where it differs from the action's default."""
    if isinstance(step, Setup):
        inputs: list[tuple[str, object]] = [("source", words["source"])] if words["source"] else []
        inputs += [] if step.project else [("project", False)]
        inputs += [("tables", True)] if step.tables else []
        return {
            "kind": "setup",
            "checkout": _checkout(step, words),
            **_action("setup", words),
            "inputs": inputs,
        }
    if isinstance(step, Call):
        return {
            "kind": "call",
            "name": step.name,
            "why": step.why,
            **_action(step.verb, words),
            "inputs": list(step.inputs.items()),
            "secrets": [(name, f"${{{{ secrets.{name} }}}}") for name in step.secrets],
        }
    if isinstance(step, Cache):
        return {
            "kind": "call",
            "name": "Bring back kept data",
            "why": step.why,
            **_action("cache", words),
            # The folder is the one that the action keeps by default, as a test sees.
            "inputs": [("purpose", step.purpose)],
            "secrets": [],
        }
    if isinstance(step, Save):
        return {
            "kind": "save",
            **_action("save", words),
            "artifact": step.artifact,
            "paths": [] if step.paths == _SAVE.paths else list(step.paths),
            "days": None if step.days == _SAVE.days else step.days,
        }
    return {"kind": "load", **_action("load", words), "artifacts": list(step.artifacts)}


def _checkout(step: Setup, words: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the checkout step; actions that are kept in the repository must be there in every job."""
    if step.history == "none" and not words["source"]:
        return None
    return {
        "uses": CHECKOUT.uses,
        "version": CHECKOUT.version,
        # A pull request is checked out as its merge, so the second commit of depth is the base.
        "depth": 2 if step.history == "base" else None,
        "why": step.why,
        # The job without a checkout has no code of the change: it takes the actions as the base branch has them.
        "base": step.history == "none",
    }


def _action(name: str, words: Mapping[str, str]) -> dict[str, str]:
    return {"uses": words["prefix"] + name + words["suffix"], "note": words["note"]}


def _references(pipeline: Pipeline, release: Release) -> dict[str, str]:
    """Say how a step names one of our actions: `prefix` + action + `suffix`, and the comment behind it."""
    if pipeline.vendored:
        return {
            "prefix": f"./{VENDORED}/",
            "suffix": "",
            "note": "zizmor: ignore[self-repository] copied here on purpose",
            "source": pipeline.source or release.requirement,
        }
    if not release.commit:
        raise UsageError(
            "this build of mlcicd does not know the commit it was made from, so it cannot name its actions",
            hint="write `tool: {actions: vendored, source: …}` in mlcicd.yaml, or install a released version",
        )
    return {
        "prefix": f"{release.repository}/actions/",
        "suffix": f"@{release.commit}",
        "note": f"v{release.version}",
        "source": "",
    }


def _vendored() -> dict[str, str]:
    """Return the actions as they are, for the user's repository; their documentation stays with us."""
    source = resources.find("actions")
    made = {}
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.suffix in (".yml", ".py", ".txt"):
            made[f"{VENDORED}/{path.relative_to(source).as_posix()}"] = path.read_text("utf-8")
    return made
