"""A real repository, and a stand-in for the tool: the verb `do` runs the shell text of its one option."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import click

from mlcicd import engine
from mlcicd.engine.progress import Plain
from mlcicd.plan.model import Call, Job, Pipeline, Save, Setup

# As the tool is called: TOOL… do --script TEXT. Any other verb has no third word and does nothing.
TOOL = ("sh", "-c", 'eval "$3"', "tool")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def job(id: str, script: str = ":", *, secrets: tuple[str, ...] = (), save: str = "", **options: object) -> Job:
    """A job that runs a script in a clone, and keeps `.mlcicd/` as `save`."""
    steps = [Setup(project=False), Call(name="Do it", verb="do", inputs={"script": script}, secrets=secrets)]
    if save:
        steps.append(Save(artifact=save))
    options.setdefault("steps", tuple(steps))
    options.setdefault("events", ("push", "pull_request"))
    return Job(id=id, name=id, why="", **options)


def pipeline(*jobs: Job) -> Pipeline:
    return Pipeline(jobs=jobs, branch="main", python="3.12")


class Run:
    """Runs jobs and remembers what was printed."""

    def __init__(self, repository: Path, scratch: Path) -> None:
        self.repository = repository
        self.scratch = scratch
        self.lines: list[str] = []

    def __call__(
        self, *jobs: Job, environ: dict[str, str] | None = None, display: Plain | None = None, **options: object
    ) -> engine.Outcome:
        seen = {"PATH": os.environ["PATH"], "HOME": str(self.scratch), **(environ or {})}
        request = engine.Request(folder=self.repository, environ=seen, **{"tool": TOOL, **options})
        return engine.run(pipeline(*jobs), request, display or Plain(self.lines.append))

    @property
    def text(self) -> str:
        return "\n".join(click.unstyle(line) for line in self.lines)


def states(outcome: engine.Outcome) -> dict[str, str]:
    return {result.job: result.state for result in outcome.jobs}


def log(outcome: engine.Outcome, id: str) -> str:
    path = next(result.log for result in outcome.jobs if result.job == id)
    assert path
    return path.read_text()


def assert_gone(pid: int) -> None:
    """A zombie that nobody has reaped yet is gone too."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return
    assert stat.rpartition(")")[2].split()[0] in "ZX", stat
