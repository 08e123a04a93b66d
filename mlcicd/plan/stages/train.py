"""`train`: the model of this commit."""

from __future__ import annotations

from mlcicd.config.model import Config, minutes
from mlcicd.plan.model import EVENTS, Call, Job
from mlcicd.plan.stages import validate
from mlcicd.plan.stages.common import fetch, identity, keep, machine, opens_remote, permissions, secrets

# Training ends at its own limit, and what it left is then still checked, hashed and kept.
MARGIN = 15  # minutes


def jobs(config: Config) -> list[Job]:
    """Return the one job; it waits for tests and validation, which are cheap beside it."""
    if config.train is None:
        return []
    needs = (("test",) if config.test else ()) + (("validate",) if validate.jobs(config) else ())
    training = Call(
        name="Train",
        verb="train",
        secrets=tuple(dict.fromkeys((*secrets(config), *config.train.secrets))),
        identity=identity(config),
    )
    checks = (validate.check(config, "train"),) if config.validate_ and config.validate_.at("train") else ()
    return [
        Job(
            id="train",
            name="Train",
            why="The model of this commit, its metrics and what they cost.",
            events=EVENTS,
            needs=needs,
            machine=machine(config, config.train.runner),
            timeout=minutes(config.train.timeout) + MARGIN,
            trusted=opens_remote(config) or any(step.secrets for step in (training, *checks)),
            permissions=permissions(config),
            steps=(
                validate.checkout(config, "train"),
                *fetch(config, "train"),
                training,
                *checks,
                keep("train", *_left(config)),
            ),
        )
    ]


def _left(config: Config) -> tuple[str, ...]:
    """Return what the job leaves in `.mlcicd/`."""
    data = validate.DATA if config.data else ()
    judged = ("validate-train.json", "validate-train/") if config.validate_ and config.validate_.at("train") else ()
    return (*data, "train.json", "train/", *judged)
