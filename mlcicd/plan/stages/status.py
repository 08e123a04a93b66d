"""`status`: code, data, parameters, lock and metrics agree."""

from __future__ import annotations

from mlcicd.config.fields import minutes
from mlcicd.config.model import Config
from mlcicd.plan.model import EVENTS, Call, Job, Setup
from mlcicd.plan.stages import extra
from mlcicd.plan.stages.common import READ_CODE, identity, keep, machine, opens_remote, permissions, secrets


def jobs(config: Config) -> list[Job]:
    """Return the one job, when it is asked for; it downloads no data, and logs in only to ask the remote."""
    if config.status is None:
        return []
    asks = config.status.remote and config.data is not None
    compare = Call(
        name="Compare with the lock",
        verb="status",
        secrets=secrets(config) if asks else (),
        identity=identity(config) if asks else (),
        why="Names what is stale, why, and the command that repairs it.",
    )
    return [
        Job(
            id="status",
            name="In step",
            why="Code, data, parameters, lock and metrics agree, so what is merged is what was trained.",
            events=EVENTS,
            machine=machine(config, "default"),
            timeout=minutes(config.status.timeout) + extra.minutes_beside(config, "status"),
            trusted=(asks and opens_remote(config)) or bool(extra.secrets_beside(config, "status")),
            permissions=permissions(config) if asks else (READ_CODE,),
            container=config.status.container,
            services=extra.services(config.status),
            steps=(
                Setup(),
                *extra.folders("status", config.status),
                *extra.beside(config, "status", compare),
                keep("status", "status.json", *extra.left(config, "status")),
            ),
        )
    ]
