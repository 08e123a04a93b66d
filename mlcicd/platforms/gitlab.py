"""GitLab CI: one file to include, and the file that includes it when the repository has none."""

from __future__ import annotations

import shlex
from typing import Any

from mlcicd import yamlio
from mlcicd.plan.model import Call, Job, Load, Pipeline, Setup
from mlcicd.platforms.common import Seed
from mlcicd.release import Release
from mlcicd.render import render

MAIN = ".gitlab/mlcicd.yml"
ROOT = ".gitlab-ci.yml"
OWNED = (".gitlab/mlcicd*.yml",)

# Job names are one space per project here, so ours are told apart from the team's own.
_PREFIX = "mlcicd-"
_SOURCE = {
    "pull_request": '$CI_PIPELINE_SOURCE == "merge_request_event"',
    "push": '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == "{branch}"',
    "manual": '$CI_PIPELINE_SOURCE == "web"',
}
_SAME_PROJECT = " && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID"


def files(pipeline: Pipeline, release: Release) -> dict[str, str]:
    """Return the one file."""
    return {MAIN: render("gitlab/pipeline.yml.j2", view(pipeline, release))}


def seeds() -> list[Seed]:
    """Return the file that includes ours; a team that has one already adds one line to it."""
    line = f"include: [{{local: {MAIN}}}]"
    text = render("gitlab/root.yml.j2", {"local": MAIN})
    return [Seed(path=ROOT, text=text, needle=MAIN, advice=f"add to {ROOT}: {line}")]


def read(text: str) -> dict[str, tuple[str, ...]]:
    """Read the job graph back from the file: job → what it needs, in the plan's words."""
    jobs = {id: job for id, job in yamlio.load_foreign(text).items() if id.startswith(_PREFIX)}
    return {
        id.removeprefix(_PREFIX): tuple(need["job"].removeprefix(_PREFIX) for need in job["needs"])
        for id, job in jobs.items()
    }


def view(pipeline: Pipeline, release: Release) -> dict[str, Any]:
    """Translate the pipeline into what the template prints."""
    return {
        "base": f".{_PREFIX.rstrip('-')}",
        "image": f"python:{pipeline.python}",
        "source": pipeline.source or release.requirement,
        "jobs": [_job(job, pipeline) for job in pipeline.jobs],
    }


def _job(job: Job, pipeline: Pipeline) -> dict[str, Any]:
    return {
        "id": _PREFIX + job.id,
        "why": job.why,
        "image": job.machine.image,
        "tags": list(job.machine.labels.get("gitlab") or ()),
        "needs": [_need(pipeline.job(id), job) for id in job.needs],
        "rules": [_rule(job, event, pipeline.branch) for event in job.events],
        "always": job.always,
        "timeout": _timeout(job.timeout),
        "may_fail": job.may_fail,
        "strategy": "none" if _history(job) == "none" else "",
        "secrets": list(job.secrets),
        "script": _script(job),
        "save": next(iter(job.saves), None),
    }


def _need(need: Job, job: Job) -> dict[str, Any]:
    """A job that a fork's pipeline does not have must not make the pipeline of those that need it invalid."""
    loads = [name for step in job.steps if isinstance(step, Load) for name in step.artifacts]
    return {
        "job": _PREFIX + need.id,
        "artifacts": any(save.artifact in loads for save in need.saves),
        "optional": need.trusted and not job.trusted,
    }


def _rule(job: Job, event: str, branch: str) -> dict[str, Any]:
    """A newer push replaces the pipeline of a merge request; what runs on the default branch finishes."""
    proposed = event == "pull_request"
    condition = _SOURCE[event].format(branch=branch) + (_SAME_PROJECT if job.trusted and proposed else "")
    return {"condition": condition, "finishes": not proposed}


def _timeout(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours}h"] * bool(hours) + [f"{rest}m"] * bool(rest))


def _history(job: Job) -> str:
    return next(step.history for step in job.steps if isinstance(step, Setup))


def _script(job: Job) -> list[str]:
    """The verbs, one command a line; artifacts come and go by the job's own keywords."""
    lines = []
    for step in job.steps:
        if isinstance(step, Setup) and step.project:
            lines.append("mlcicd setup")
        if isinstance(step, Call):
            lines.append(shlex.join(["mlcicd", *step.command]))
    return lines
