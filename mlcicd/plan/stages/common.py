"""What several stages use."""

from __future__ import annotations

from mlcicd.config.model import Config
from mlcicd.plan.model import Call, Machine, Permission, Save

READ_CODE = Permission(scope="code", level="read", why="check the repository out")


def keep(job: str) -> Save:
    """Keep what the job's verbs left in `.mlcicd/`, for the report."""
    return Save(artifact=f"mlcicd-{job}")


def fetch(config: Config, purpose: str) -> list[Call]:
    """Fetch the DVC data for one purpose (`validate` or `train`); nothing without a `data` section."""
    if config.data is None:
        return []
    return [
        Call(
            name="Fetch data",
            verb="data",
            inputs={"for": purpose},
            secrets=config.data.credentials.secrets,
            why="Only what this job reads, hashed against the lock.",
        )
    ]


def machine(config: Config, name: str) -> Machine:
    """Translate a runner of the configuration."""
    runner = config.runner(name)
    return Machine(name=name, labels=runner.labels, image=runner.image)
