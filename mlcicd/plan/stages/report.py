"""`report`: compare, judge, write; its exit status is the gate."""

from __future__ import annotations

from mlcicd.config.model import Config
from mlcicd.plan.model import EVENTS, Call, Job, Load, Save, Setup
from mlcicd.plan.stages.common import READ_CODE, machine

ARTIFACT = "mlcicd-report"
JUNIT = ".mlcicd/junit.xml"
FILES = (".mlcicd/report.json", ".mlcicd/report.md", ".mlcicd/report.html", JUNIT)


def jobs(config: Config) -> list[Job]:
    """Return the one job; it runs also when an earlier job failed, because then it is needed most."""
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
            permissions=(READ_CODE,),
            steps=(
                Setup(history="base", why="The commit before it is the one to compare with."),
                Load(artifacts=tuple(f"mlcicd-{name}" for name in sources)),
                Call(name="Compare with the base and judge the gates", verb="report", secrets=_secrets(config)),
                Save(artifact=ARTIFACT, paths=FILES, junit=JUNIT),
            ),
        )
    ]


def _sections(config: Config) -> dict[str, object]:
    return {"test": config.test, "validate": config.validate_, "train": config.train}


def _secrets(config: Config) -> tuple[str, ...]:
    """The base's plots and cached metrics may have to come from the remote."""
    return config.data.credentials.secrets if config.data else ()
