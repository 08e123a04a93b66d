"""`check`: the generated files are the ones this configuration makes."""

from __future__ import annotations

from mlcicd.config.model import Config
from mlcicd.plan.model import EVENTS, Call, Job, Setup
from mlcicd.plan.stages.common import READ_CODE, machine


def jobs(config: Config) -> list[Job]:
    """Return the one job; it needs no project environment and takes seconds."""
    return [
        Job(
            id="check",
            name="Generated files are current",
            why="Without it, an edit of mlcicd.yaml that nobody ran `mlcicd generate` for would have no effect.",
            events=EVENTS,
            machine=machine(config, "default"),
            permissions=(READ_CODE,),
            steps=(
                Setup(project=False),
                Call(name="Compare with mlcicd.yaml", verb="check"),
            ),
        )
    ]
