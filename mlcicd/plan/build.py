"""`Config` to `Pipeline`."""

from __future__ import annotations

from dataclasses import replace

from mlcicd.config.model import Config
from mlcicd.plan.check import check
from mlcicd.plan.model import Job, Pipeline
from mlcicd.plan.stages import STAGES, forks


def build(config: Config) -> Pipeline:
    """Ask every stage for its jobs, in order.

    Raises:
        UsageError: when the jobs do not fit together (see `plan.check`).
    """
    jobs = tuple(_guarded(job) for stage in STAGES for job in stage(config))
    pipeline = Pipeline(
        jobs=jobs,
        branch=config.project.default_branch,
        python=config.project.python,
        vendored=config.tool.actions == "vendored",
        source=config.tool.source or "",
        for_forks=forks.job(config),
    )
    check(pipeline)
    return pipeline


def _guarded(job: Job) -> Job:
    """Code of a fork must not meet a machine of the team's, whatever the job does."""
    return replace(job, trusted=job.trusted or any(job.machine.labels.values()))
