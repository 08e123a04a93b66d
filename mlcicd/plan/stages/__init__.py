"""One file per stage of the pipeline: `jobs(config) -> list of jobs`.

To add a stage: a file here, a line in `STAGES`, a golden case.
"""

from __future__ import annotations

from collections.abc import Callable

from mlcicd.config.model import Config
from mlcicd.plan.model import Job
from mlcicd.plan.stages import check, comment, extra, lock, report, status, test, train, validate

STAGES: tuple[Callable[[Config], list[Job]], ...] = (
    check.jobs,
    status.jobs,
    test.jobs,
    validate.jobs,
    train.jobs,
    lock.jobs,
    report.jobs,
    comment.jobs,
    extra.jobs,
)
