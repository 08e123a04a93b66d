"""GitLab CI: one file to include, and the file that includes it when the repository has none."""

from __future__ import annotations

import shlex
from typing import Any

from mlcicd import pins
from mlcicd.plan.access import Access
from mlcicd.plan.model import Call, Folder, Job, Load, Pipeline, Service, Setup
from mlcicd.plan.stages.lock import TOKEN
from mlcicd.platforms import seeds as seeding
from mlcicd.platforms.common import Claims, Seed, images
from mlcicd.platforms.gitlab_read import read as read
from mlcicd.release import Release
from mlcicd.render import render

MAIN = ".gitlab/mlcicd.yml"
ROOT = ".gitlab-ci.yml"
OWNED = (".gitlab/mlcicd*.yml",)
FIXED = ("gitlab/root.yml.j2",)
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
# What a job does with its caches at its end; a rule changes it to `pull` where nothing may be left for others.
_CACHE_POLICY = "MLCICD_CACHE_POLICY"
_FOLDER_POLICY = "MLCICD_FOLDER_POLICY"
_SAME_PROJECT = " && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID"


def files(pipeline: Pipeline, release: Release) -> dict[str, str]:
    """Return the one file."""
    return {MAIN: render("gitlab/pipeline.yml.j2", view(pipeline, release), pipeline.templates)}


def seeds(pipeline: Pipeline) -> list[Seed]:
    """Return the file that includes ours (a team that has one adds one line to it), and what keeps pins new."""
    line = f"include: [{{local: {MAIN}}}]"
    text = render("gitlab/root.yml.j2", {"local": MAIN})
    root = Seed(path=ROOT, text=text, needle=MAIN, advice=f"add to {ROOT}: {line}")
    return [root, *([seeding.renovate()] if pipeline.updates == "renovate" else [])]


def pinnable(pipeline: Pipeline) -> tuple[str, ...]:
    """Return the images that the file names by a tag."""
    names = [f"python:{pipeline.python}", *(job.machine.image or "" for job in pipeline.jobs)]
    names += [name for job in pipeline.jobs for name in images(job)]
    return tuple(dict.fromkeys(name for name in names if name and "@" not in name))


def access(job: Job) -> Access:
    """Say what a job meets here; what may write needs a token that the team has made, as a job's own may not."""
    secrets = tuple(dict.fromkeys((*job.secrets, *((TOKEN,) if job.writes else ()))))
    forks = "pull_request" in job.events and not _withheld(job)
    return Access(environment=job.environment, secrets=secrets, forks=forks)


def claims(host: str, repository: str, branch: str, environment: str) -> Claims:
    """Say what the tokens of this project's jobs hold. A merge request's has its source branch, so any may stand."""
    project = repository or "GROUP/PROJECT"
    return Claims(
        issuer=f"https://{host or 'gitlab.com'}",
        subjects=(f"project_path:{project}:ref_type:branch:ref:*",),
        condition=f'assertion.project_path == "{project}" && assertion.environment == "{environment}"',
        repository=("project_path", project),
        notes=(
            f"a token of a merge request names its source branch, so every branch of {project} is let in, "
            f"not only {branch}; what may not read the data may not push to {project}",
            f"only Google Cloud can ask for the environment {environment} too, which protected environments guard",
            "the jobs that log in are left out of a fork's merge requests; switch off that those run in this project "
            "at all (ci_allow_fork_pipelines_to_run_in_parent_project)",
        ),
    )


def view(pipeline: Pipeline, release: Release) -> dict[str, Any]:
    """Translate the pipeline into what the template prints."""
    return {
        "base": f".{_PREFIX.rstrip('-')}",
        "image": _image(f"python:{pipeline.python}", pipeline),
        "source": pipeline.source or release.requirement,
        "jobs": [_foreign(job, pipeline) if job.foreign else _job(job, pipeline) for job in pipeline.jobs],
    }


def _job(job: Job, pipeline: Pipeline) -> dict[str, Any]:
    image = job.container or job.machine.image
    return {
        "kind": "job",
        "id": _PREFIX + job.id,
        "why": job.why,
        "image": _image(image, pipeline) if image else None,
        "tags": list(job.machine.labels.get("gitlab") or ()),
        "needs": [_need(pipeline.job(id), job) for id in job.needs],
        "rules": [rule for event in job.events for rule in _rules(job, event, pipeline.branch)],
        "always": job.always,
        "timeout": _timeout(job.timeout),
        "may_fail": job.may_fail,
        "services": [_service(one, pipeline) for one in job.services],
        "variables": _variables(job),
        # Variables that are scoped to it reach this job and those like it, and no other.
        "environment": job.environment,
        "secrets": list(access(job).secrets),
        "tokens": [{"variable": one.variable, "audience": one.audience} for one in job.identity],
        "cache_why": job.cache.why if job.cache else "",
        "caches": _caches(job),
        "script": _script(job),
        "save": next(iter(job.saves), None),
    }


def _image(name: str, pipeline: Pipeline) -> dict[str, Any]:
    full = pins.image(name, pipeline.pins)
    return {"name": full, "pinned": "@sha256:" in full}


def _need(need: Job, job: Job) -> dict[str, Any]:
    """A job that a fork's pipeline does not have must not make the pipeline of those that need it invalid."""
    loads = [name for step in job.steps if isinstance(step, Load) for name in step.artifacts]
    return {
        "job": _PREFIX + need.id,
        "artifacts": any(save.artifact in loads for save in need.saves),
        "optional": _withheld(need) and not _withheld(job),
    }


def _foreign(job: Job, pipeline: Pipeline) -> dict[str, Any]:
    """A job in this platform's own words; where it does not say when it runs, it runs as any job does."""
    tree = job.foreign["gitlab"].tree
    when = [rule for event in job.events for rule in _rules(job, event, pipeline.branch)]
    return {
        "kind": "foreign",
        "id": _PREFIX + job.id,
        "why": f"A job of this repository's own, from {job.foreign['gitlab'].path}.",
        "needs": [_need(pipeline.job(id), job) for id in job.needs],
        "rules": [] if "rules" in tree else when,
        "always": False,
        "tree": tree,
    }


def _service(service: Service, pipeline: Pipeline) -> dict[str, Any]:
    """A dollar is doubled, because the platform would read a variable there."""
    return {
        "name": service.name,
        "image": _image(service.image, pipeline),
        "env": [(name, value.replace("$", "$$")) for name, value in service.env.items()],
    }


def _variables(job: Job) -> list[tuple[str, str]]:
    """Return what the platform has to know of the job, and the addresses of what stands beside it."""
    # Not `none`, which would leave the last job's files where this one, which may write, looks for programs.
    made = [("GIT_STRATEGY", "empty")] if _history(job) == "none" else []
    made += [(_CACHE_POLICY, "pull-push")] if job.cache else []
    made += [(_FOLDER_POLICY, "pull-push")] if job.folders else []
    return [*made, *((one.variable, one.name) for one in job.services)]


def _caches(job: Job) -> list[dict[str, Any]]:
    """One key for all of DVC's data, whose files are named by their content; a folder has one of its own."""
    made: list[dict[str, Any]] = []
    if job.cache:
        made.append({"key": "mlcicd-dvc", "paths": [f"{job.cache.path}/"], "policy": f"${_CACHE_POLICY}"})
    return made + [_folder(one) for one in job.folders]


def _folder(folder: Folder) -> dict[str, Any]:
    prefix = f"mlcicd-{folder.purpose}"
    key = {"files": list(folder.files), "prefix": prefix} if folder.files else prefix
    return {"key": key, "paths": [f"{folder.path.rstrip('/')}/"], "policy": f"${_FOLDER_POLICY}"}


def _withheld(job: Job) -> bool:
    """Tell whether a fork's pipeline has no such job. A member who starts one here would lend it our identity."""
    return job.trusted or bool(job.identity)


def _rules(job: Job, event: str, branch: str) -> list[dict[str, Any]]:
    """A newer push replaces the pipeline of a merge request; what runs on the default branch finishes.

    A fork's pipeline that a member starts here may use what others kept, and leaves nothing for them.
    """
    condition = _SOURCE[event].format(branch=branch)
    if event != "pull_request":
        return [{"condition": condition, "finishes": True, "policies": []}]
    reads = [_FOLDER_POLICY] if job.folders else []
    ours = {"condition": condition + _SAME_PROJECT, "finishes": False, "policies": reads}
    if _withheld(job):
        return [ours]
    cached = [_CACHE_POLICY] if job.cache else []
    anybody = {"condition": condition, "finishes": False, "policies": [*cached, *reads]}
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
