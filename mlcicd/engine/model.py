"""What a run is asked for, and what came of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlcicd.config.load import FILE
from mlcicd.plan.model import Event

State = Literal["passed", "failed", "warned", "skipped", "stopped"]

# -P: with `-m` alone, a `click.py` at the root of the user's repository would be imported instead of ours.
TOOL_OPTIONS = ("-P", "-m", "mlcicd")


def _tool() -> tuple[str, ...]:
    return (sys.executable, *TOOL_OPTIONS)


@dataclass(frozen=True, kw_only=True)
class Request:
    """How to run a pipeline.

    Attributes:
        folder: anywhere inside the repository.
        event: what to pretend happened; None lets the branch decide.
        base: revision to compare with; None lets the event decide.
        jobs: only these and what they need; all when empty.
        parallel: how many jobs at once; None: one per CPU, at most four.
        keep: leave the clones where they are.
        config: path of the configuration, relative to the repository.
        environ: the caller's environment; steps see a small part of it.
        tool: command that a verb and its options are appended to.
        grace: seconds that a stopped step has to end by itself.
    """

    folder: Path
    event: Event | None = None
    base: str | None = None
    jobs: tuple[str, ...] = ()
    parallel: int | None = None
    keep: bool = False
    config: str = FILE
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    tool: tuple[str, ...] = field(default_factory=_tool)
    grace: float = 5.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one job.

    Attributes:
        job: its id.
        state: `warned` is a failure that the pipeline allows.
        exit: exit status of the step that failed; None when no program's status decided.
        cause: why it is not `passed`, or why that means little, one line.
        seconds: from its first step to its last.
        log: where its output is; None when it never started.
        elsewhere: it can only run somewhere else, so nothing here waits for it.
    """

    job: str
    state: State
    exit: int | None = None
    cause: str = ""
    seconds: float = 0.0
    log: Path | None = None
    elsewhere: bool = False

    @property
    def lets_go_on(self) -> bool:
        """Tell whether jobs that need this one may run."""
        return self.elsewhere or self.state in ("passed", "warned")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a run.

    Attributes:
        event, commit, base: what ran; `base` is None when there is nothing to compare with.
        jobs: one result per job, in the pipeline's order.
        folder: `.mlcicd/` of the repository, where the report is.
        artifacts: folder with one folder per artifact.
        clones: folder of the clones, when they were kept.
        signal: number of the signal that stopped the run; 0 when none did.
    """

    event: Event
    commit: str
    base: str | None
    jobs: tuple[Result, ...]
    folder: Path
    artifacts: Path
    clones: Path | None = None
    signal: int = 0

    @property
    def report(self) -> Path | None:
        """The page to open, when this run made one."""
        page = self.folder / "report.html"
        return page if page.exists() else None

    @property
    def exit_code(self) -> int:
        """0 or 1 as CI would say, whatever a failed step's own status was; 128 + the signal when stopped."""
        if self.signal:
            return 128 + self.signal
        return int(any(result.state in ("failed", "stopped") for result in self.jobs))
