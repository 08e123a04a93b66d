"""`comment` for forks: post the report of a fork's pipeline, from a pipeline that has nothing of the fork."""

from __future__ import annotations

from mlcicd.config.model import Config
from mlcicd.plan.model import Call, Job, Permission, Setup
from mlcicd.plan.stages.comment import inputs, reading
from mlcicd.plan.stages.common import machine


def job(config: Config) -> Job | None:
    """Return the one job, when reports of forks are to be posted; it runs apart from every other one."""
    if config.report.forks == "summary" or config.report.comment == "never":
        return None
    return Job(
        id="comment",
        name="Comment for a fork",
        why="Has no code of the fork: it finds the pull request by the forge, and reads the fork's report as data.",
        # None of its own: the end of a run for a fork starts it.
        events=(),
        machine=machine(config, "default"),
        timeout=5,
        permissions=(
            *reading(config),
            Permission(scope="runs", level="read", why="read the report that the fork's run kept"),
            Permission(scope="comments", level="write", why="create or update the one comment"),
        ),
        steps=(
            Setup(history="none", project=False),
            Call(
                name="Post the report",
                verb="comment",
                # No other program gets to see what a fork wrote.
                inputs={**inputs(config), "publisher": "native", "from-fork": "true"},
            ),
        ),
    )
