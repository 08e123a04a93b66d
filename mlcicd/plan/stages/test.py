"""`test`: the project's own tests."""

from __future__ import annotations

from mlcicd.config.model import Config, minutes
from mlcicd.plan.model import EVENTS, Call, Job, Setup
from mlcicd.plan.stages.common import READ_CODE, keep, machine


def jobs(config: Config) -> list[Job]:
    """Return the one job, when the project has tests."""
    if config.test is None:
        return []
    return [
        Job(
            id="test",
            name="Tests",
            why="The code works, before money is spent on training it.",
            events=EVENTS,
            machine=machine(config, "default"),
            timeout=minutes(config.test.timeout),
            permissions=(READ_CODE,),
            steps=(Setup(), Call(name="Run the tests", verb="test"), keep("test", "test.json", "test/")),
        )
    ]
