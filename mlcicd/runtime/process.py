"""Run a program of the user's: output shown as it comes, its end kept, and nothing left running."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from mlcicd.errors import OutsideError
from mlcicd.runtime import console
from mlcicd.runtime.console import Show

TAIL = 40  # lines
MAX_LINE = 2_000  # characters of a line that are kept
GRACE = 10.0  # seconds a program has to end by itself when it is told to
GRACE_ORPHANS = 0.5  # seconds for what it left behind
PIPE_BYTES = 1024 * 1024  # as much as a pipe holds: no more can be left when a program has ended
_BREAK = re.compile(rb"\r\n|\n|\r")
_NO_PROGRAM = 127  # the shell's exit status
TIMED_OUT = 124  # what `timeout` of coreutils ends with

See = Callable[[str], None]
Started = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A program that has ended: wall `seconds`, and its last lines.

    Attributes:
        exit: its status; 128 + n when signal n ended it, 124 when it ran past its time limit.
        timed_out: whether we ended it at that limit (a program may end with 124 by itself).
    """

    exit: int
    seconds: float
    timed_out: bool = False
    tail: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a program that was asked something printed on its two streams."""

    exit: int
    out: str
    err: str


def shell(command: str) -> list[str]:
    """Return the program that runs a user's shell text, stopping at its first error."""
    return ["bash", "-eo", "pipefail", "-c", command]


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    show: Show | None = None,
    see: See | None = None,
    started: Started | None = None,
    timeout: float | None = None,
) -> Finished:
    """Run a program in a process group of its own, until it and everything it started there have ended.

    What moves into a session of its own on purpose (a daemon) outlives it.

    Args:
        argv: the program and its arguments.
        cwd: where it runs.
        environ: its whole environment.
        show: gets its output as it comes, both streams in one; the log (`console`) when not given.
        see: gets every whole line.
        started: gets its process id, which is also that of its session.
        timeout: seconds after which it is ended.

    Raises:
        OutsideError: when it cannot be started.
    """
    keeper = _Keeper(see=see)
    began = time.monotonic()
    shown = contextlib.nullcontext(show) if show else console.passed_on(environ)
    with shown as show, stoppable(), _started(argv, cwd, environ) as child:
        if started:
            started(child.pid)
        in_time = _pump(child, show, keeper, began + timeout if timeout else None)
        status = child.wait() if in_time else TIMED_OUT
    return Finished(
        exit=128 - status if status < 0 else status,
        seconds=time.monotonic() - began,
        timed_out=not in_time,
        tail=keeper.end(),
    )


def advice(exit: int) -> str:
    """Return the next step after a user's command that ended with this status."""
    if exit == _NO_PROGRAM:
        return "a program was not found (its name is above): does project.install bring it, is it spelt right?"
    if exit == 128 + signal.SIGKILL:
        return "it was killed from outside, most often because memory ran out: use less, or a larger machine"
    return "its output is above"


def ask(
    argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str], stdin: str = "", timeout: float | None = None
) -> Answer:
    """Run a program quietly to its end and return what it printed; its exit status is for the caller to judge.

    It is killed after `timeout` seconds, and has then exit status 124 and no output.

    Raises:
        OutsideError: when it cannot be started.
    """
    try:
        with stoppable():
            done = subprocess.run(
                argv, cwd=cwd, env=environ, input=stdin.encode(), capture_output=True, check=False, timeout=timeout
            )
    except subprocess.TimeoutExpired:
        return Answer(exit=TIMED_OUT, out="", err="")
    except OSError as error:
        raise _no_start(argv, error) from None
    return Answer(exit=done.returncode, out=_text(done.stdout), err=_text(done.stderr))


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Let the signals by which a CI system or a closed terminal ends us unwind like Ctrl-C: children are ended too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A signal that is ignored (under `nohup`) stays so.
    ours = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, _interrupt) for number in ours}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class _Keeper:
    """Cuts a stream into lines (a carriage return ends one too: progress bars) and keeps the last."""

    see: See | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))
    rest: bytes = b""

    def take(self, chunk: bytes) -> None:
        *whole, self.rest = _BREAK.split(self.rest + chunk)
        if len(self.rest) > 8 * MAX_LINE:  # a line without an end must not grow for ever
            whole, self.rest = [*whole, self.rest], b""
        for raw in whole:
            self._line(raw)

    def end(self) -> tuple[str, ...]:
        self._line(self.rest)
        return tuple(self.lines)

    def _line(self, raw: bytes) -> None:
        if line := _text(raw).rstrip()[:MAX_LINE]:
            self.lines.append(line)
            if self.see:
                self.see(line)


@contextlib.contextmanager
def _started(argv: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        child = subprocess.Popen(
            argv,
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise _no_start(argv, error) from None
    try:
        yield child
    finally:
        _end_group(child)
        if child.stdout:
            child.stdout.close()


def _pump(child: subprocess.Popen[bytes], show: Show, keeper: _Keeper, deadline: float | None) -> bool:
    """Pass the output on until the child has ended; False when the deadline came first."""
    assert child.stdout is not None  # noqa: S101 - it was opened as a pipe
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        left = PIPE_BYTES
        while left > 0:
            # Asked before reading: what a child wrote before it ended is then still read.
            ended = child.poll() is not None
            ready = selector.select(0 if ended else 0.1)
            chunk = os.read(child.stdout.fileno(), 65_536) if ready else b""
            if chunk:
                show(chunk)
                keeper.take(chunk)
                left -= len(chunk) if ended else 0  # something it left behind may go on printing for ever
            elif ended:
                # Something it left behind may hold the stream open: that is no reason to wait.
                return True
            elif ready:
                selector.unregister(child.stdout)
                return _waits(child, deadline)
            if deadline and time.monotonic() > deadline:
                return False
    return True


def _waits(child: subprocess.Popen[bytes], deadline: float | None) -> bool:
    """Wait for a child that closed its output early."""
    try:
        child.wait(max(deadline - time.monotonic(), 0) if deadline else None)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """End what is left of the child's process group: politely, then for good."""
    if _signal_group(child.pid, signal.SIGTERM):
        give_up = time.monotonic() + GRACE
        while time.monotonic() < give_up and _signal_group(child.pid, 0):
            if child.poll() is not None:
                # What outlived its parent may be a zombie that nobody collects: no reason to wait long.
                give_up = min(give_up, time.monotonic() + GRACE_ORPHANS)
            time.sleep(0.02)
        _signal_group(child.pid, signal.SIGKILL)
    child.wait()


def _signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group (0 only asks); False when nobody is in it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS refuses a group of zombies
        return False
    return True


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(number)  # the exit status follows from it


def _no_start(argv: Sequence[str], error: OSError) -> OutsideError:
    return OutsideError(f"{argv[0]}: cannot be started: {error.strerror}", hint=f"is {argv[0]} installed and on PATH?")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
