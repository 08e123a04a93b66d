"""`comment`: post the report on the pull request."""

from __future__ import annotations

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
            why="May write, so it has no code of the change and reads nothing but report.json.",
            events=("pull_request",),
            needs=("report",),
            always=True,
            may_fail=True,
            trusted=True,
            machine=machine(config, "default"),
            permissions=(Permission(scope="comments", level="write", why="create or update the one comment"),),
            steps=(
                Setup(history="none", project=False),
                Load(artifacts=(ARTIFACT,)),
                Call(name="Post the report", verb="comment", inputs=inputs(config)),
            ),
        )
    ]


def inputs(config: Config) -> dict[str, str]:
    """Return the options that say who posts, and when it is worth it."""
    when = {} if config.report.comment == "always" else {"when": config.report.comment}
    return {"publisher": config.report.publisher, **when}
