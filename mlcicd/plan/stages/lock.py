"""`lock`: bring `dvc.lock` and the metrics of training back to the branch."""

from __future__ import annotations

from mlcicd.config.model import Config
from mlcicd.plan.model import EVENTS, Call, Event, Job, Load, Permission, Save, Setup
from mlcicd.plan.stages.common import machine

FILES = (".mlcicd/lock.json",)
# A push with the token of a job starts no run on GitHub; one with this does.
TOKEN = "MLCICD_TOKEN"  # noqa: S105 - the name of one


def jobs(config: Config) -> list[Job]:
    """Return the one job, when the lock is to come back; it may write, and has no code of the change."""
    if config.train is None or config.train.lock == "none":
        return []
    # A smoke training of a pull request is not what the lock stands for.
    events: tuple[Event, ...] = ("push", "manual") if config.train.smoke else EVENTS
    return [
        Job(
            id="lock",
            name="Lock and metrics back",
            why="May write, so it has no code of the change: it reads files as bytes and commits what is a result.",
            events=events,
            needs=("train",),
            trusted=True,
            machine=machine(config, "default"),
            permissions=_rights(config.train.lock == "propose"),
            steps=(
                Setup(history="none", project=False),
                Load(artifacts=("mlcicd-train",)),
                Call(name="Bring the lock back", verb="lock", secrets=(TOKEN,)),
                Save(artifact="mlcicd-lock", paths=FILES),
            ),
        )
    ]


def _rights(proposes: bool) -> tuple[Permission, ...]:
    push = Permission(scope="code", level="write", why="push the commit")
    request = Permission(scope="comments", level="write", why="open the pull request for it")
    return (push, request) if proposes else (push,)
