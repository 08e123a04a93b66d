"""GitLab CI: one file to include, and the file that includes it when the repository has none."""

from __future__ import annotations

import shlex
from typing import Any

from mlcicd import yamlio
from mlcicd.plan.model import Call, Job, Load, Pipeline, Setup
from mlcicd.platforms.common import Claims, Seed
from mlcicd.release import Release
from mlcicd.render import render

MAIN = ".gitlab/mlcicd.yml"
ROOT = ".gitlab-ci.yml"
OWNED = (".gitlab/mlcicd*.yml",)
NO_FORKS = (
    "on GitLab a fork's pipeline runs in the fork's own project, with tokens of that project: its report is in that "
    "pipeline's artifacts and test view"
)

# Job names are one space per project here, so ours are told apart from the team's own.
_PREFIX = "mlcicd-"
_SOURCE = {
    "pull_request": '$CI_PIPELINE_SOURCE == "merge_request_event"',
    "push": '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == "{branch}"',
    "manual": '$CI_PIPELINE_SOURCE == "web"',
}
# Variables that are scoped to it reach the jobs that may write, and no other.
_ENVIRONMENT = "mlcicd"
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


def claims(host: str, repository: str, branch: str) -> Claims:
    """Say what the tokens of this project's jobs hold. A merge request's has its source branch, so any may stand."""
    project = repository or "GROUP/PROJECT"
    return Claims(
        issuer=f"https://{host or 'gitlab.com'}",
        subjects=(f"project_path:{project}:ref_type:branch:ref:*",),
        condition=f'assertion.project_path == "{project}"',
        repository=("project_path", project),
        notes=(
            f"a token of a merge request names its source branch, so every branch of {project} is let in, "
            f"not only {branch}; what may not read the data may not push to {project}",
            "the jobs that log in are left out of a fork's merge requests; switch off that those run in this project "
            "at all (ci_allow_fork_pipelines_to_run_in_parent_project)",
        ),
    )


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
        "rules": [rule for event in job.events for rule in _rules(job, event, pipeline.branch)],
        "always": job.always,
        "timeout": _timeout(job.timeout),
        "may_fail": job.may_fail,
        # Not `none`, which would leave the last job's files where this one, which may write, looks for programs.
        "strategy": "empty" if _history(job) == "none" else "",
        "environment": _ENVIRONMENT if any(right.level == "write" for right in job.permissions) else "",
        "secrets": list(job.secrets),
        "tokens": [{"variable": one.variable, "audience": one.audience} for one in job.identity],
        "cache": _cache(job),
        "script": _script(job),
        "save": next(iter(job.saves), None),
    }


def _need(need: Job, job: Job) -> dict[str, Any]:
    """A job that a fork's pipeline does not have must not make the pipeline of those that need it invalid."""
    loads = [name for step in job.steps if isinstance(step, Load) for name in step.artifacts]
    return {
        "job": _PREFIX + need.id,
        "artifacts": any(save.artifact in loads for save in need.saves),
        "optional": _withheld(need) and not _withheld(job),
    }


def _cache(job: Job) -> dict[str, Any] | None:
    if job.cache is None:
        return None
    policy = "MLCICD_CACHE_POLICY"
    return {"why": job.cache.why, "paths": [f"{job.cache.path}/"], "variable": policy, "policy": f"${policy}"}


def _withheld(job: Job) -> bool:
    """Tell whether a fork's pipeline has no such job. A member who starts one here would lend it our identity."""
    return job.trusted or bool(job.identity)


def _rules(job: Job, event: str, branch: str) -> list[dict[str, Any]]:
    """A newer push replaces the pipeline of a merge request; what runs on the default branch finishes.

    A fork's pipeline that a member starts here may use what others kept, and leaves nothing for them.
    """
    condition = _SOURCE[event].format(branch=branch)
    if event != "pull_request":
        return [{"condition": condition, "finishes": True, "policy": ""}]
    ours = {"condition": condition + _SAME_PROJECT, "finishes": False, "policy": ""}
    if _withheld(job):
        return [ours]
    anybody = {"condition": condition, "finishes": False, "policy": "pull" if job.cache else ""}
    return [ours, anybody] if job.cache else [anybody]


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
            lines.append(shlex.join(["mlcicd", *step.command]))
        if isinstance(step, Call):
            lines.append(shlex.join(["mlcicd", *step.command]))
    return lines
