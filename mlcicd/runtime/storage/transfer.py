"""Run a program that moves data over a network: ended when nothing moves any more, tried again when that may help."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mlcicd.runtime import process
from mlcicd.runtime.process import Answer

ATTEMPTS = 4
PAUSES = (2.0, 8.0, 30.0)  # seconds before each further attempt
BUDGET = 600.0  # seconds after the first failure in which another attempt may begin
STALL = 120.0  # seconds without a byte moved, after which a program hangs
LOOK = 1.0  # seconds between two looks
LEAST_BYTES = 1024  # read or written between two moments: less is no transfer
LEAST_CPU = 1.0  # seconds of work, for the long thought that moves nothing
GRACE = 5.0  # seconds to end in
STALLED = "nothing was transferred for {seconds:.0f} s"

Say = Callable[[str], None]


@dataclass
class Tries:
    """How many attempts a verb may still make; one budget for all that it transfers."""

    say: Say = lambda line: None
    retries: int = 0
    ends: float | None = None  # time.monotonic() after which no attempt begins

    def again(self, cause: str) -> bool:
        """Wait before another attempt; False when there is none left."""
        self.ends = self.ends or time.monotonic() + BUDGET
        if self.retries + 1 >= ATTEMPTS:
            return False
        pause = PAUSES[self.retries]
        if time.monotonic() + pause > self.ends:
            return False
        self.retries += 1
        self.say(f"{cause}; trying again in {pause:.0f} s (attempt {self.retries + 1} of {ATTEMPTS})")
        time.sleep(pause)
        return True


def ask(
    argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str], tries: Tries, passing: Callable[[Answer], str]
) -> Answer:
    """Run a program until it succeeds, fails for good, or its tries are used up; both its streams are in `err`.

    Args:
        argv: the program and its arguments.
        cwd: where it runs.
        environ: its whole environment.
        tries: how often more.
        passing: returns why a failure may pass by itself, or "".

    Raises:
        OutsideError: when it cannot be started.
    """
    while True:
        answer = _once(argv, cwd, environ)
        cause = passing(answer) if answer.exit else ""
        if not cause or not tries.again(cause):
            return answer


def _once(argv: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Answer:
    shown: list[bytes] = []
    watch = _Watch()
    try:
        done = process.run(argv, cwd=cwd, environ=environ, show=shown.append, started=watch.start)
    finally:
        watch.stop()
    text = b"".join(shown).decode("utf-8", "replace")
    if watch.stalled:
        return Answer(exit=124, out="", err=f"{text}\nERROR: {STALLED.format(seconds=STALL)}\n")
    return Answer(exit=done.exit, out="", err=text)


@dataclass
class _Watch:
    """Ends a session of processes in which nothing moves. Where there is no /proc, nothing is watched."""

    stalled: bool = False
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self, session: int) -> None:
        if moved(session) is not None:
            self._thread = threading.Thread(target=self._look, args=(session,), daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _look(self, session: int) -> None:
        last, since = (0, 0.0), time.monotonic()
        while not self._ended.wait(LOOK):
            now = moved(session) or last
            if now[0] - last[0] >= LEAST_BYTES or now[1] - last[1] >= LEAST_CPU:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > STALL:
                self.stalled = True
                self._end(session)
                return

    def _end(self, session: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(session, signal.SIGTERM)
            if not self._ended.wait(GRACE):
                os.killpg(session, signal.SIGKILL)


def moved(session: int) -> tuple[int, float] | None:
    """Return the bytes that a session's processes have read and written, and their CPU seconds; None if unknown.

    What comes from the network is counted when it is written to the disk.
    """
    if not Path("/proc/self/io").exists():
        return None
    count, ticks = 0, 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):  # it has ended meanwhile, or is another user's
            # The name in brackets may hold anything; after it come state, parent, group, session, …
            fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(fields[3]) != session:
                continue
            ticks += int(fields[11]) + int(fields[12])
            lines = dict(line.split(": ") for line in (folder / "io").read_text().splitlines())
            count += int(lines["rchar"]) + int(lines["wchar"])
    return count, ticks / os.sysconf("SC_CLK_TCK")
