"""What must hold between jobs; no linter of any platform checks all of it."""

from __future__ import annotations

import graphlib
from collections import Counter
from collections.abc import Iterator

from mlcicd.errors import UsageError
from mlcicd.plan.model import Load, Pipeline


def check(pipeline: Pipeline) -> None:
    """Refuse a pipeline that a platform would refuse, or worse, accept and never run.

    Raises:
        UsageError: naming every problem.
    """
    if problems := list(_problems(pipeline)):
        raise UsageError("the jobs do not fit together", detail="\n".join(problems))


def _problems(pipeline: Pipeline) -> Iterator[str]:
    ids = Counter(job.id for job in pipeline.jobs)
    yield from (f"two jobs are called '{id}'" for id, count in ids.items() if count > 1)
    for job in pipeline.jobs:
        yield from (f"{job.id}: needs '{need}', which does not exist" for need in job.needs if need not in ids)
    try:
        graphlib.TopologicalSorter({job.id: job.needs for job in pipeline.jobs}).prepare()
    except graphlib.CycleError as error:
        yield "jobs need each other in a circle: " + " → ".join(error.args[1])
        return
    saved = {save.artifact: job.id for job in pipeline.jobs for save in job.saves}
    for job in pipeline.jobs:
        for step in job.steps:
            for name in step.artifacts if isinstance(step, Load) else ():
                if name not in saved:
                    yield f"{job.id}: loads '{name}', which no job saves"
                elif saved[name] not in job.needs:
                    yield f"{job.id}: loads '{name}' but does not need '{saved[name]}'"
