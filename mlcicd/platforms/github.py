"""GitHub Actions: one workflow; our actions by commit, or copied beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mlcicd import pins, resources
from mlcicd.errors import UsageError
from mlcicd.pins import CACHE, CHECKOUT, DOWNLOAD, UPLOAD
from mlcicd.plan.access import Access
from mlcicd.plan.model import Job, Pipeline, Service
from mlcicd.platforms import github_steps as steps
from mlcicd.platforms import seeds as seeding
from mlcicd.platforms.common import Claims, Seed, images
from mlcicd.platforms.github_read import read as read
from mlcicd.release import Release
from mlcicd.render import render

MAIN = ".github/workflows/mlcicd.yml"
FOR_FORKS = ".github/workflows/mlcicd-comment.yml"
NO_FORKS = ""
_POSTER = "github/for-forks.yml.j2"
FIXED = (_POSTER,)
VENDORED = ".github/mlcicd"
OWNED = (".github/workflows/mlcicd*.yml", f"{VENDORED}/**/*")

_TRIGGER = {"pull_request": "pull_request", "push": "push", "manual": "workflow_dispatch"}
_PERMISSION = {"code": "contents", "comments": "pull-requests", "identity": "id-token", "runs": "actions"}
_HOSTED = ("ubuntu-latest",)
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
    made = {MAIN: render("github/workflow.yml.j2", view(pipeline, release), pipeline.templates)}
    if pipeline.for_forks:
        words = _references(pipeline, release)
        poster = _for_forks(pipeline.for_forks, words, pipeline)
        known = _knows_new_keys(pipeline)
        # No template of the team's own: it may write, and starts after a fork's code has run.
        made[FOR_FORKS] = render(_POSTER, {"job": poster, "cache_mode": known})
    if pipeline.vendored:
        made |= _vendored(pipeline)
    return made


def seeds(pipeline: Pipeline) -> list[Seed]:
    """Return what keeps pins new, and what tells the linter actionlint the names of the team's machines."""
    made = seeding.actionlint(label for job in pipeline.jobs for label in job.machine.labels.get("github", ()))
    if pipeline.updates == "renovate":
        made.append(seeding.renovate())
    elif pipeline.updates != "none":
        folders = ["/", f"/{VENDORED}/*"] if pipeline.vendored else ["/"]
        made.append(seeding.dependabot(folders, asked=pipeline.updates == "dependabot"))
    return made


def pinnable(pipeline: Pipeline) -> tuple[str, ...]:
    """Return the actions of others and the images that the files name; our published actions bring theirs along."""
    used = (CHECKOUT, CACHE, DOWNLOAD, UPLOAD) if pipeline.vendored else (CHECKOUT,)
    named = dict.fromkeys(name for job in pipeline.jobs for name in images(job) if "@" not in name)
    return (*(pin.action for pin in used), *named)


def access(job: Job) -> Access:
    """Say what a job meets here; a secret's name reaches a fork's run, and its value does not."""
    forks = "pull_request" in job.events and not job.trusted
    return Access(environment=_environment(job), secrets=job.secrets, forks=forks)


def claims(host: str, repository: str, branch: str, environment: str) -> Claims:
    """Say what the tokens of this repository's jobs hold: their subject is the environment they run in."""
    owner, _, name = (repository or "OWNER/REPOSITORY").partition("/")
    forms = (f"{owner}/{name}", f"{owner}@OWNER_ID/{name}@REPOSITORY_ID")
    return Claims(
        issuer=_issuer(host),
        subjects=tuple(f"repo:{form}:environment:{environment}" for form in forms),
        condition=f'assertion.repository == "{owner}/{name}" && assertion.environment == "{environment}"',
        repository=("repository", f"{owner}/{name}"),
        notes=(
            "repositories made or renamed since 15 July 2026 have the subjects with ids; "
            f"put the ids in, as this prints them: gh api repos/{owner}/{name} --jq '.owner.id, .id'",
            f"every branch may name the environment {environment}, unless its settings say which: {branch}, and "
            "refs/pull/*/merge for pull requests",
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
        "cache_mode": _knows_new_keys(pipeline),
        "triggers": [
            {"name": _TRIGGER[event], "branches": [pipeline.branch] if event == "push" else []} for event in events
        ],
        "jobs": [_foreign(job) if job.foreign else _job(job, words, pipeline) for job in pipeline.jobs],
    }


def _knows_new_keys(pipeline: Pipeline) -> bool:
    """Tell whether the platform knows `cache-mode` and `environment.deployment`; a server of one's own is older."""
    return pipeline.profile != "ghes"


def _job(job: Job, words: Mapping[str, str], pipeline: Pipeline) -> dict[str, Any]:
    roots = steps.roots(pipeline)
    return {
        "kind": "job",
        "id": job.id,
        "name": job.name,
        "why": job.why,
        "needs": list(job.needs),
        "condition": _condition(job),
        "runner": _runner(job),
        "own": "self-hosted" in (job.machine.labels.get("github") or ()),
        "timeout": job.timeout,
        "may_fail": job.may_fail,
        "environment": _environment(job),
        # Nothing is deployed, so the pull request is not told that something was.
        "quiet": _knows_new_keys(pipeline),
        "cache_mode": "write" if (job.cache or job.folders) and _knows_new_keys(pipeline) else "",
        "container": pins.image(job.container, pipeline.pins) if job.container else "",
        "gpus": job.machine.gpus,
        "services": [_service(job, one, pipeline) for one in job.services],
        "permissions": [{**asdict(right), "scope": _PERMISSION[right.scope]} for right in job.permissions],
        "steps": [steps.view(step, words, roots) for step in job.steps],
    }


def _foreign(job: Job) -> dict[str, Any]:
    """A job in this platform's own words; what it does not say is said as for any job."""
    tree = job.foreign["github"].tree
    return {
        "kind": "foreign",
        "id": job.id,
        "why": f"A job of this repository's own, from {job.foreign['github'].path}.",
        "needs": list(job.needs),
        "condition": "" if "if" in tree else _condition(job),
        "bare": "permissions" not in tree,
        "tree": tree,
    }


def _service(job: Job, service: Service, pipeline: Pipeline) -> dict[str, Any]:
    """A job in a container reaches it by its name; one on the machine itself by a port of the machine's."""
    return {
        "name": service.name,
        "image": pins.image(service.image, pipeline.pins),
        "env": list(service.env.items()),
        "ports": [] if job.container else [f"{service.port}:{service.port}"],
        "variable": service.variable,
        "host": service.name if job.container else "localhost",
    }


def _environment(job: Job) -> str:
    """Name where the job's secrets are; one that writes with its own token alone needs none."""
    return "" if job.writes and not job.secrets else job.environment


def _for_forks(job: Job, words: Mapping[str, str], pipeline: Pipeline) -> dict[str, Any]:
    """The same as any job, but for its `if`; what it checks out is the default branch, where this file is read from."""
    made = _job(job, words, pipeline)
    for step in made["steps"]:
        if step.get("checkout"):
            step["checkout"]["base"] = False
    return {**made, "condition": " && ".join(_OF_A_FORK)}


def _runner(job: Job) -> str | list[str]:
    labels = job.machine.labels.get("github") or _HOSTED
    return labels[0] if len(labels) == 1 else list(labels)


def _condition(job: Job) -> str:
    """Write the job's `if`; empty when the platform's own rule (every need succeeded) is meant."""
    parts = ["!cancelled()"] if job.always else []
    if job.events == ("pull_request",):
        # Nothing but a pull request has a head repository, so this also tells the event.
        parts.append(_SAME_REPOSITORY if job.trusted else "github.event_name == 'pull_request'")
    elif "pull_request" not in job.events:
        parts.append("github.event_name != 'pull_request'")
    elif job.trusted:
        either = f"github.event_name != 'pull_request' || {_SAME_REPOSITORY}"
        parts.append(f"({either})" if parts else either)
    return " && ".join(parts)


def _references(pipeline: Pipeline, release: Release) -> dict[str, str]:
    """Say how a step names one of our actions: `prefix` + action + `suffix`, and the comment behind it."""
    artifacts = "" if _knows_new_keys(pipeline) else "ghes/"
    checkout = pins.resolve(CHECKOUT.action, pipeline.pins)
    shared = {"checkout": checkout.uses, "checkout_version": checkout.version, "artifacts": artifacts}
    if pipeline.vendored:
        return {
            **shared,
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
        **shared,
        "prefix": f"{release.repository}/actions/",
        "suffix": f"@{release.commit}",
        "note": f"v{release.version}",
        "source": "",
    }


def _vendored(pipeline: Pipeline) -> dict[str, str]:
    """Return the actions as they are, for the user's repository; their documentation stays with us."""
    source = resources.find("actions")
    made = {}
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        wanted = path.suffix in (".yml", ".py", ".txt") and (pipeline.profile == "ghes" or not name.startswith("ghes/"))
        if path.is_file() and wanted:
            made[f"{VENDORED}/{name}"] = _pinned(path.read_text("utf-8"), pipeline.pins)
    return made


def _pinned(text: str, overrides: Mapping[str, str]) -> str:
    """Put the team's pins in the place of ours."""
    for ours in (pins.KNOWN[name] for name in overrides if name in pins.KNOWN):
        team = pins.resolve(ours.action, overrides)
        text = text.replace(f"@{ours.commit} # {ours.version}\n", f"@{team.commit} # {team.version}\n")
    return text
