"""`Config` to `Pipeline`."""

from __future__ import annotations

from dataclasses import replace

from mlcicd.config.model import Config
from mlcicd.plan.check import check
from mlcicd.plan.model import Job, Permission, Pipeline
from mlcicd.plan.order import wired
from mlcicd.plan.stages import STAGES, forks


def build(config: Config) -> Pipeline:
    """Ask every stage for its jobs, in order.

    Raises:
        UsageError: when the jobs do not fit together (see `plan.check`).
    """
    jobs = tuple(_guarded(job, config) for job in wired([job for stage in STAGES for job in stage(config)], config))
    poster = forks.job(config)
    pipeline = Pipeline(
        jobs=jobs,
        branch=config.project.default_branch,
        python=config.project.python,
        profile=config.tool.profile,
        vendored=config.tool.actions == "vendored",
        source=config.tool.source or "",
        pins=config.tool.pins,
        updates=config.tool.updates,
        for_forks=_guarded(poster, config) if poster else None,
    )
    check(pipeline)
    return pipeline


def data_environment(config: Config) -> str:
    """Name the environment of jobs that see secrets, log in to a cloud, or run on a machine of the team's."""
    return f"{config.tool.environment}-data"


def _guarded(job: Job, config: Config) -> Job:
    """Say who may meet the job: no fork's code a machine of the team's, and nobody its secrets but by its environment.

    What lets a job write is kept apart from what lets one read data, which the project's own code sees.
    """
    own = any(job.machine.labels.values())
    guarded = job.secrets or job.identity or own
    name = config.tool.environment if job.writes else data_environment(config) if guarded else ""
    return replace(job, trusted=job.trusted or own, environment=name, permissions=_rights(job, config))


def _rights(job: Job, config: Config) -> tuple[Permission, ...]:
    """Let a job check copied actions out, which a private repository shows to nobody else."""
    reads = job.foreign or any(right.scope == "code" for right in job.permissions)
    if config.tool.actions == "published" or reads:
        return job.permissions
    why = "check out the actions that are kept here"
    return (Permission(scope="code", level="read", why=why), *job.permissions)
