"""How far training is: the stages that DVC tells of, and lines of our own between the lines of the program."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from mlcicd.runtime.console import Show
from mlcicd.runtime.facts import Stage

State = Literal["run", "cached", "unchanged", "failed"]
Say = Callable[[str], None]

# Lines of `dvc repro` and `dvc exp run`; the stage is the first group.
_LINES: tuple[tuple[re.Pattern[str], State], ...] = (
    (re.compile(r"Running stage '(.+)':$"), "run"),
    (re.compile(r"Stage '(.+)' is cached - skipping run"), "cached"),
    (re.compile(r"Stage '(.+)' didn't change, skipping$"), "unchanged"),
)
_FAILED = re.compile(r"ERROR: failed to reproduce(?: stages:)? ('[^']+'(?:(?:, | and |, and )'[^']+')*)")
_SAVED = re.compile(r"(?:Updating|Generating) lock file '")


@dataclass
class Stages:
    """The stages that DVC's output tells of, in order; a later word on a stage replaces the earlier.

    Attributes:
        say: shows one line when a stage starts and when it ends.
        seconds: wall time of each stage that ran, its results' saving included.
        running: the one that runs now, or "".
    """

    say: Say = lambda line: None
    states: dict[str, State] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    running: str = ""
    _began: float = 0

    def see(self, line: str) -> None:
        """Take one line of output."""
        for pattern, state in _LINES:
            if found := pattern.match(line):
                self.end()
                self.states[found[1]] = state
                if state == "run":
                    self._begin(found[1])
        if _SAVED.match(line):
            self.end()
        if found := _FAILED.match(line):
            self.end()
            self.states |= dict.fromkeys(re.findall(r"'([^']+)'", found[1]), "failed")

    def end(self) -> None:
        """Note that what ran runs no more."""
        if self.running:
            self.seconds[self.running] = time.monotonic() - self._began
            self.say(f"▸ stage {self.running}: {self.seconds[self.running]:.1f} s")
            self.running = ""

    def stopped(self) -> str:
        """Note that training was ended from outside, and return the stage that ran then, or ""."""
        name = self.running
        self.end()
        if name:
            self.states[name] = "failed"
        return name

    def facts(self) -> tuple[Stage, ...]:
        """Return them as facts."""
        return tuple(
            Stage(name=name, state=state, seconds=round(self.seconds.get(name, 0), 3))
            for name, state in self.states.items()
        )

    def table(self) -> list[str]:
        """Return one line for each: its name, its state, and the seconds it ran."""
        width = max(map(len, self.states), default=0)
        return [
            f"  {name:{width}}  {state:9}" + (f"  {self.seconds[name]:8.1f} s" if name in self.seconds else "")
            for name, state in self.states.items()
        ]

    def _begin(self, name: str) -> None:
        self.running, self._began = name, time.monotonic()
        self.say(f"▸ stage {name} …")


@dataclass
class Screen:
    """One output for a program, whose bytes pass as they are, and for lines of our own, which wait for its line's end.

    Attributes:
        out: shows bytes of the program.
        line: shows one line of ours.
    """

    out: Show
    line: Say
    waiting: list[str] = field(default_factory=list)
    at_start: bool = True

    def show(self, chunk: bytes) -> None:
        """Pass on a part of the program's output."""
        if self.waiting and b"\n" in chunk:
            head, _, chunk = chunk.partition(b"\n")
            self.out(head + b"\n")
            self._flush()
        if chunk:
            self.out(chunk)
            self.at_start = chunk.endswith(b"\n")

    def say(self, line: str) -> None:
        """Show a line as soon as the program has ended its own."""
        self.waiting.append(line)
        if self.at_start:
            self._flush()

    def end(self) -> None:
        """Show what still waits; the program prints no more."""
        if not self.at_start:
            self.out(b"\n")
        self._flush()

    def _flush(self) -> None:
        self.at_start = True
        for line in self.waiting:
            self.line(line)
        self.waiting.clear()
