"""`test`: the project's own tests."""

from __future__ import annotations

from mlcicd.config.fields import minutes
from mlcicd.config.model import Config
from mlcicd.plan.model import EVENTS, Call, Job, Setup
from mlcicd.plan.stages import extra
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
            timeout=minutes(config.test.timeout) + extra.minutes_beside(config, "test"),
            trusted=bool(extra.secrets_beside(config, "test")),
            permissions=(READ_CODE,),
            container=config.test.container,
            services=extra.services(config.test),
            steps=(
                Setup(),
                *extra.folders("test", config.test),
                *extra.beside(config, "test", Call(name="Run the tests", verb="test")),
                keep("test", "test.json", "test/", *extra.left(config, "test")),
            ),
        )
    ]
