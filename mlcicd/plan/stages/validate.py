"""`validate`: the data is what the code expects."""

from __future__ import annotations

from mlcicd.config.fields import minutes
from mlcicd.config.model import Config
from mlcicd.config.validation import When
from mlcicd.plan.model import EVENTS, Call, Job, Setup
from mlcicd.plan.stages import extra
from mlcicd.plan.stages.common import fetch, identity, keep, machine, opens_remote, permissions, secrets

DATA = ("data.json",)


def jobs(config: Config) -> list[Job]:
    """Return the one job, when something is judged before training."""
    if config.validate_ is None or not config.validate_.at("data"):
        return []
    judging = check(config, "data")
    return [
        Job(
            id="validate",
            name="Data validation",
            why="The data is what the code expects: checkpoints, suites and built-in checks.",
            events=EVENTS,
            machine=machine(config, "default"),
            timeout=minutes(config.validate_.timeout) + extra.minutes_beside(config, "validate"),
            trusted=opens_remote(config) or bool(judging.secrets or extra.secrets_beside(config, "validate")),
            permissions=permissions(config),
            container=config.validate_.container,
            services=extra.services(config.validate_),
            steps=(
                checkout(config, "data"),
                *extra.folders("validate", config.validate_),
                *fetch(config, "validate"),
                *extra.beside(config, "validate", judging),
                keep(
                    "validate",
                    *DATA * bool(config.data),
                    "validate.json",
                    "validate/",
                    *extra.left(config, "validate"),
                ),
            ),
        )
    ]


def check(config: Config, when: When) -> Call:
    """Return the step that judges the data: what is here at first, or what training has made.

    It sees the addresses of databases, and where files are compared with the base's, what opens the remote.
    """
    connections = config.validate_.connections if config.validate_ else ()
    # After training, files of stages that did not run are fetched.
    opens = compares_with_base(config, when) or (when == "train" and has_tables(config, when))
    return Call(
        name="Check the data" if when == "data" else "Check the results",
        verb="validate",
        inputs={} if when == "data" else {"when": when},
        secrets=tuple(dict.fromkeys((*connections, *(secrets(config) if opens else ())))),
        identity=identity(config) if opens else (),
    )


def checkout(config: Config, when: When) -> Setup:
    """Return the first step of a job that judges data: built-in checks need the base, and what DVC had there."""
    tables = has_tables(config, when)
    if compares_with_base(config, when):
        why = "The commit before it is the one whose data this data is compared with."
        return Setup(history="base", tables=tables, why=why)
    return Setup(tables=tables)


def compares_with_base(config: Config, when: When) -> bool:
    """Tell whether built-in checks look at what a file was before the change."""
    return bool(config.validate_ and config.validate_.checks.compares) and has_tables(config, when)


def has_tables(config: Config, when: When) -> bool:
    """Tell whether files are judged then by themselves."""
    return bool(config.validate_ and config.validate_.files(when))
