"""`train`: the model of this commit."""

from __future__ import annotations

from mlcicd.config.fields import Stage, minutes
from mlcicd.config.model import Config, Train
from mlcicd.plan.model import EVENTS, Call, Job
from mlcicd.plan.stages import extra, validate
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
    checks = (validate.check(config, "train"),) if _judges(config) else ()
    # What stands beside the validation stands in its job, where there is one.
    stages: tuple[Stage, ...] = ("train",) if validate.jobs(config) or not checks else ("train", "validate")
    judged = [
        step for one in checks for step in (extra.beside(config, "validate", one) if "validate" in stages else [one])
    ]
    trained = extra.beside(config, "train", training)
    return [
        Job(
            id="train",
            name="Train",
            why="The model of this commit, its metrics and what they cost.",
            events=EVENTS,
            needs=needs,
            machine=machine(config, config.train.runner),
            timeout=minutes(config.train.timeout) + MARGIN + extra.minutes_beside(config, *stages),
            trusted=opens_remote(config) or any(step.secrets for step in (*trained, *judged)),
            permissions=permissions(config),
            container=config.train.container,
            services=extra.services(config.train),
            steps=(
                validate.checkout(config, "train"),
                *_preflight(config, config.train),
                *extra.folders("train", config.train),
                *fetch(config, "train"),
                *trained,
                *judged,
                keep("train", *_left(config, config.train), *extra.left(config, *stages)),
            ),
        )
    ]


def _preflight(config: Config, train: Train) -> list[Call]:
    """Look at the GPU before anything is fetched for it, on a machine that promises one."""
    if config.runner(train.runner).gpu == "none":
        return []
    return [Call(name="Check the GPU", verb="gpu", why="Seconds, before the hours: what is missing is said here.")]


def _left(config: Config, train: Train) -> tuple[str, ...]:
    """Return what the job leaves in `.mlcicd/`."""
    data = validate.DATA if config.data else ()
    judged = ("validate-train.json", "validate-train/") if _judges(config) else ()
    checked = ("gpu.json",) if _preflight(config, train) else ()
    return (*data, *checked, "train.json", "train/", *judged)


def _judges(config: Config) -> bool:
    """Tell whether what training made is judged."""
    return bool(config.validate_ and config.validate_.at("train"))
