"""`train`: the model of this commit."""

from __future__ import annotations

from mlcicd.config.model import Config, minutes
from mlcicd.plan.model import EVENTS, Call, Job, Setup
from mlcicd.plan.stages.common import READ_CODE, fetch, keep, machine


def jobs(config: Config) -> list[Job]:
    """Return the one job; it waits for tests and validation, which are cheap beside it."""
    if config.train is None:
        return []
    data = fetch(config, "train")
    needs = (("test",) if config.test else ()) + (("validate",) if config.validate_ else ())
    runner = machine(config, config.train.runner)
    training = Call(
        name="Train",
        verb="train",
        secrets=(*(data[0].secrets if data else ()), *config.train.secrets),
    )
    return [
        Job(
            id="train",
            name="Train",
            why="The model of this commit, its metrics and what they cost.",
            events=EVENTS,
            needs=needs,
            machine=runner,
            timeout=minutes(config.train.timeout),
            trusted=bool(training.secrets),
            permissions=(READ_CODE,),
            steps=(Setup(), *data, training, keep("train")),
        )
    ]
