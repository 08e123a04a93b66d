"""`report`: compare, judge, write; its exit status is the gate."""

from __future__ import annotations

from mlcicd.config.model import Config
from mlcicd.plan.model import EVENTS, Call, Job, Load, Save, Setup
from mlcicd.plan.stages import extra, validate
from mlcicd.plan.stages.common import identity, machine, permissions, secrets

ARTIFACT = "mlcicd-report"
JUNIT = ".mlcicd/junit.xml"
METRICS = ".mlcicd/metrics.txt"
TITLE = "ML report"
TIMEOUT = 15  # minutes
FILES = (".mlcicd/report.json", ".mlcicd/report.md", ".mlcicd/report.html", JUNIT, METRICS)


def jobs(config: Config) -> list[Job]:
    """Return the one job; it runs also when an earlier job failed, because then it is needed most.

    It runs for a fork's code too, although it may have secrets: a platform hands those to no fork, and on some a gate
    that does not run counts as one that is open.
    """
    judging = Call(
        name="Compare with the base and judge the gates",
        verb="report",
        # The base's plots and cached metrics may have to come from the remote.
        secrets=secrets(config),
        identity=identity(config),
    )
    sources = [name for name, section in _sections(config).items() if section]
    return [
        Job(
            id="report",
            name="Report and gates",
            why="Runs also after a failure: a crashed training still gives a report that says what crashed.",
            events=EVENTS,
            needs=tuple(sources),
            always=True,
            machine=machine(config, "default"),
            timeout=TIMEOUT + extra.minutes_beside(config, "report"),
            permissions=permissions(config),
            steps=(
                Setup(history="base", why="The commit before it is the one to compare with."),
                Load(artifacts=tuple(f"mlcicd-{name}" for name in sources)),
                *extra.beside(config, "report", judging),
                Save(artifact=ARTIFACT, paths=(*FILES, *_left(config)), junit=JUNIT, metrics=METRICS, title=TITLE),
            ),
        )
    ]


def _left(config: Config) -> list[str]:
    return [f".mlcicd/{name}" for name in extra.left(config, "report")]


def _sections(config: Config) -> dict[str, object]:
    return {"status": config.status, "test": config.test, "validate": validate.jobs(config), "train": config.train}
