"""`comment`: post the report on the pull request."""

from __future__ import annotations

from mlcicd.config.load import FILE
from mlcicd.config.model import Config
from mlcicd.plan.model import Call, Job, Load, Permission, Setup
from mlcicd.plan.stages.common import machine
from mlcicd.plan.stages.report import ARTIFACT


def jobs(config: Config) -> list[Job]:
    """Return the one job; it has the only write permission and no code of the change."""
    if config.report.comment == "never":
        return []
    return [
        Job(
            id="comment",
            name="Comment",
            why="May write, so it has no code of the change and reads nothing but report.json"
            + (", and the base's templates." if config.report.templates else "."),
            events=("pull_request",),
            needs=("report",),
            always=True,
            may_fail=True,
            trusted=True,
            machine=machine(config, "default"),
            permissions=(
                *reading(config),
                Permission(scope="comments", level="write", why="create or update the one comment"),
            ),
            steps=(
                Setup(history="none", project=False),
                Load(artifacts=(ARTIFACT,)),
                Call(name="Post the report", verb="comment", inputs=inputs(config)),
            ),
        )
    ]


def reading(config: Config) -> tuple[Permission, ...]:
    """Return what it takes to ask the forge for templates at the base commit, when there are any."""
    why = "read the report's templates at the base commit"
    return (Permission(scope="code", level="read", why=why),) if config.report.templates else ()


def inputs(config: Config) -> dict[str, str]:
    """Return the options that say who posts, when it is worth it, and what lays blocks out."""
    when = {} if config.report.comment == "always" else {"when": config.report.comment}
    templates = {"templates": FILE} if config.report.templates else {}
    return {"publisher": config.report.publisher, **when, **templates}
