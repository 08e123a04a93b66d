"""What people see of a run: lines, and on a terminal a table that moves below them."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from mlcicd.engine.log import excerpt
from mlcicd.engine.model import Outcome, Result

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

TAIL = 15
COLORS = {"passed": "green", "failed": "red", "warned": "yellow", "skipped": "bright_black", "stopped": "red"}
ICONS = {"passed": "✓", "failed": "✗", "warned": "!", "skipped": "–", "stopped": "■", "running": "▶", "waiting": "·"}


class Plain:
    """Lines, one per thing that happens; `write` prints one."""

    def __init__(self, write: Callable[[str], Any] = click.echo) -> None:
        self._write = write

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put back."""

    def opened(self, heading: str, jobs: Sequence[str]) -> None:
        """The run begins with these jobs."""
        self._write(click.style(heading, bold=True))

    def notice(self, text: str) -> None:
        """Something the caller should know."""
        self._write(f"{click.style('note:', fg='yellow')} {text}")

    def started(self, job: str) -> None:
        """A job begins."""
        self._write(f"{job}: started")

    def heard(self, job: str, line: str) -> None:
        """A job printed a line; called from the job's own thread."""

    def finished(self, result: Result) -> None:
        """A job has ended; when badly, what its log says of that follows."""
        for line in ending(result):
            self._write(line)

    def closed(self, outcome: Outcome) -> None:
        """The run has ended."""
        self._write("")
        for line in summary(outcome):
            self._write(line)


class Live(Plain):
    """The same lines, above a table of all jobs that is drawn anew a few times a second."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live as RichLive
        from rich.text import Text

        super().__init__(lambda text: console.print(Text.from_ansi(text), soft_wrap=True))
        self._lock = threading.Lock()
        self._jobs: dict[str, str] = {}
        self._since: dict[str, float] = {}
        self._seconds: dict[str, float] = {}
        self._lines: dict[str, str] = {}
        self._live = RichLive(console=console, get_renderable=self.table, refresh_per_second=5, transient=True)

    def __enter__(self) -> Live:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def opened(self, heading: str, jobs: Sequence[str]) -> None:
        """Put every job in the table."""
        super().opened(heading, jobs)
        with self._lock:
            self._jobs = dict.fromkeys(jobs, "waiting")

    def started(self, job: str) -> None:
        """Start the job's clock."""
        with self._lock:
            self._jobs[job] = "running"
            self._since[job] = time.monotonic()

    def heard(self, job: str, line: str) -> None:
        """Remember the last line."""
        with self._lock:
            self._lines[job] = line

    def finished(self, result: Result) -> None:
        """Stop the job's clock; only a failure is worth a line above the table."""
        with self._lock:
            self._jobs[result.job] = result.state
            self._seconds[result.job] = result.seconds
            self._lines[result.job] = result.cause
        if result.state in ("failed", "warned"):
            super().finished(result)

    def closed(self, outcome: Outcome) -> None:
        """Take the table away and print the result."""
        self._live.stop()
        super().closed(outcome)

    def table(self) -> Table:
        """Draw the jobs as they are now."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False, expand=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis")
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        with self._lock:
            for job, state in self._jobs.items():
                color = COLORS.get(state, "cyan" if state == "running" else "bright_black")
                word = Text(f"{ICONS[state]} {state}", style=color)
                table.add_row(word, Text(job), self._elapsed(job), Text(self._lines.get(job, ""), style="dim"))
        return table

    def _elapsed(self, job: str) -> str:
        if job in self._seconds:
            return duration(self._seconds[job]) if job in self._since else ""
        return duration(time.monotonic() - self._since[job]) if job in self._since else ""


def choose() -> Plain:
    """Return the table for a person at a terminal, lines for everything else."""
    if not sys.stdout.isatty():
        return Plain()
    from rich.console import Console

    console = Console(highlight=False)
    return Plain() if console.is_dumb_terminal else Live(console)


def ending(result: Result) -> list[str]:
    """Say how a job ended; the last lines of its log say why."""
    word = click.style(result.state, fg=COLORS[result.state])
    time_taken = f" in {duration(result.seconds)}" if result.state != "skipped" else ""
    cause = f" ({result.cause})" if result.cause else ""
    lines = [f"{result.job}: {word}{time_taken}{cause}"]
    if result.state in ("failed", "warned") and result.log:
        lines += [f"{result.job} | {line}" for line in excerpt(result.log, TAIL)]
        lines += [f"{result.job}: all of it is in {result.log}"]
    return lines


def summary(outcome: Outcome) -> list[str]:
    """Return the table of results."""
    width = max((len(result.job) for result in outcome.jobs), default=0)
    lines = []
    for result in outcome.jobs:
        word = click.style(f"{result.state:<7}", fg=COLORS[result.state])
        taken = duration(result.seconds) if result.log else ""
        lines.append(f"{result.job:<{width}}  {word}  {taken:>10}  {result.cause}".rstrip())
    return lines


def places(outcome: Outcome) -> list[str]:
    """Say where to look next."""
    lines = [f"report: {outcome.report}"] if outcome.report else []
    lines.append(f"logs:   {outcome.folder / 'run' / 'logs'}")
    return [*lines, *([f"clones: {outcome.clones}"] if outcome.clones else [])]


def duration(seconds: float) -> str:
    """Print seconds as people say them: `0.4 s`, `12 s`, `2 min 05 s`, `3 h 07 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
