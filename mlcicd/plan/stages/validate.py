"""`validate`: the data is what the code expects."""

from __future__ import annotations

from mlcicd.config.model import Config, minutes
from mlcicd.plan.model import EVENTS, Call, Job, Setup
from mlcicd.plan.stages.common import READ_CODE, fetch, keep, machine


def jobs(config: Config) -> list[Job]:
    """Return the one job, when there are checkpoints to run."""
    if config.validate_ is None:
        return []
    data = fetch(config, "validate")
    return [
        Job(
            id="validate",
            name="Data validation",
            why="The data meets the Great Expectations checkpoints.",
            events=EVENTS,
            machine=machine(config, "default"),
            timeout=minutes(config.validate_.timeout),
            trusted=any(step.secrets for step in data),
            permissions=(READ_CODE,),
            steps=(Setup(), *data, Call(name="Run the checkpoints", verb="validate"), keep("validate")),
        )
    ]
