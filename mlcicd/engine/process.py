"""One program, run so that nothing of it is left: its own process group, a deadline, a way to stop it."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO, Literal

TICK = 0.1  # seconds between looks at the clock
CHUNK = 64 * 1024
PIPE_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a program has to end: `deadline` by `time.monotonic`, `grace` in seconds after a first request."""

    deadline: float
    stop: Event
    grace: float

    def reached(self) -> Literal["timeout", "stopped"] | None:
        """Return the limit that is reached now."""
        if self.stop.is_set():
            return "stopped"
        return "timeout" if time.monotonic() >= self.deadline else None


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a program ended: its exit status (128 + the signal when one killed it), and the limit it met."""

    exit: int
    limit: Literal["timeout", "stopped"] | None = None


def execute(
    command: Sequence[str], *, folder: Path, environ: Mapping[str, str], hear: Callable[[bytes], None], limits: Limits
) -> Ending:
    """Run a program and give what it prints to `hear` as it comes; at a limit, end it and its children.

    Raises:
        OSError: when there is no such program.
    """
    # A session of its own: Ctrl-C in the terminal reaches us alone, and we decide what happens to it.
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    limit: Literal["timeout", "stopped"] | None = None
    try:
        with _Output(process.stdout, hear) as output:
            while process.poll() is None:
                if limit is None and (limit := limits.reached()):
                    _signal(process, signal.SIGTERM)
                    kill_at = time.monotonic() + limits.grace
                if limit and time.monotonic() >= kill_at:
                    _signal(process, signal.SIGKILL)
                output.listen(process)
            _signal(process, signal.SIGKILL)
            output.drain()
    finally:
        if process.poll() is None:
            _signal(process, signal.SIGKILL)
            process.wait()
    code = process.returncode
    return Ending(exit=code if code >= 0 else 128 - code, limit=limit)


class _Output:
    """The reading end of a program's output. Never waits for its end, which a daemon may hold open."""

    def __init__(self, pipe: IO[bytes] | None, hear: Callable[[bytes], None]) -> None:
        assert pipe is not None  # noqa: S101 - Popen was called with PIPE
        self._pipe, self._hear = pipe, hear
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ)
        self._open = True

    def __enter__(self) -> _Output:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        self._pipe.close()

    def listen(self, process: subprocess.Popen[bytes]) -> None:
        """Pass on what there is, or wait one tick."""
        if self._open:
            self._read(TICK)
            return
        try:
            process.wait(TICK)
        except subprocess.TimeoutExpired:
            return

    def drain(self) -> None:
        """Pass on what was printed before the end; no more than a pipe holds, as a daemon may go on printing."""
        for _ in range(PIPE_BYTES // CHUNK):
            if not self._open or not self._read(0):
                return

    def _read(self, seconds: float) -> bool:
        if not self._selector.select(seconds):
            return False
        chunk = os.read(self._pipe.fileno(), CHUNK)
        if chunk:
            self._hear(chunk)
        else:
            self._selector.unregister(self._pipe)
            self._open = False
        return bool(chunk)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Reach the whole group: the program may be gone while its children are not."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):  # macOS says the second of a group of zombies
        return
