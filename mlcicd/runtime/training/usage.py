"""What a program and everything it started use: processor time, memory, memory of the GPU.

Time comes from the kernel's account of ended children. Memory is what all processes hold together, which nobody
keeps an account of: it is looked at again and again, so seldom that looking costs less than 1 % of one processor.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlcicd.errors import MlcicdError
from mlcicd.runtime import nvidia

FIRST = 0.2  # seconds until the first look
PERIOD = 0.5  # seconds between looks at the processes, at least
GPU_PERIOD = 3.0  # seconds between looks at the GPUs, at least
SHARE = 100  # a look that took t seconds is followed by 100 t of rest
_PROC = Path("/proc")
_MIB = 1024**2


@dataclass(frozen=True, kw_only=True)
class Used:
    """Processor seconds; peak memories in bytes, 0 when they are not known.

    Attributes:
        memory: the most that all processes were seen to hold together, shared pages counted once; where the kernel
            tells it, at least what the largest of them held at its peak.
        gpu_memory: the most that they were seen to hold on all GPUs. Where the driver does not show whose memory it
            is (in most containers), what is used beyond what was used before.
    """

    cpu_seconds: float = 0
    memory: int = 0
    gpu_memory: int = 0


@dataclass
class Meter:
    """What has been seen so far: of programs that ran one after the other, each between `watch` and `ended`."""

    session: int = 0
    seconds: float = 0
    memory: int = 0
    gpu_memory: int = 0
    _seen: float = 0  # processor seconds of this session, as last seen
    _before: tuple[float, int] = (0, 0)

    def watch(self, session: int) -> None:
        """Look at the processes of a session from now on, by the id of its first one."""
        self.session, self._seen, self._before = session, 0, _children()

    def ended(self) -> None:
        """Settle the account of a program that has ended; what others used before and after is not its own."""
        seconds, largest = _children()
        # A program that was killed takes its account of its own children with it.
        self.seconds += max(seconds - self._before[0], self._seen)
        # The kernel keeps the largest of all children; a program smaller than one before it was only looked at.
        self.memory = max(self.memory, largest if largest > self._before[1] else 0)
        self.session = 0

    def see(self, seconds: float, memory: int) -> None:
        """Note what all its processes have used, and hold now."""
        self._seen, self.memory = max(self._seen, seconds), max(self.memory, memory)

    def used(self) -> Used:
        """Return what the programs that have ended used."""
        return Used(cpu_seconds=round(self.seconds, 3), memory=self.memory, gpu_memory=self.gpu_memory)


@dataclass(frozen=True, kw_only=True)
class Gpus:
    """The machine's GPUs: names, and bytes in use when they were asked for."""

    names: tuple[str, ...] = ()
    memory: int = 0


@dataclass(frozen=True, kw_only=True)
class _Process:
    pid: int
    parent: int
    session: int
    seconds: float
    memory: int


@contextlib.contextmanager
def metered(environ: Mapping[str, str], gpus: Gpus) -> Iterator[Meter]:
    """Yield a meter that looks by itself while the context lasts."""
    meter, stop = Meter(), threading.Event()
    looks: list[tuple[float, Callable[[], None]]] = [(PERIOD, lambda: _look(meter))]
    if gpus.names:
        looks.append((GPU_PERIOD, lambda: _look_at_gpus(meter, environ, gpus)))
    threads = [threading.Thread(target=_again, args=(stop, *look), daemon=True) for look in looks]
    for thread in threads:
        thread.start()
    try:
        yield meter
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=2)


def gpus(environ: Mapping[str, str]) -> Gpus:
    """Return the GPUs that nvidia-smi shows."""
    rows = _smi(environ, "--query-gpu=name,memory.used")
    known = [row for row in rows if len(row) == 2]
    return Gpus(names=tuple(name for name, _ in known), memory=sum(_bytes(used) for _, used in known))


def _again(stop: threading.Event, period: float, look: Callable[[], None]) -> None:
    rest = FIRST
    while not stop.wait(rest):
        began = time.monotonic()
        look()
        rest = max(period, SHARE * (time.monotonic() - began))


def _look(meter: Meter) -> None:
    found = _tree(meter.session)
    alone = len(found) == 1
    held = sum(one.memory if alone else _share(one) for one in found)
    # While processes come and go, shares of different moments would be added up.
    steady = {one.pid for one in found} == {one.pid for one in _tree(meter.session)}
    meter.see(sum(one.seconds for one in found), held if steady else 0)


def _look_at_gpus(meter: Meter, environ: Mapping[str, str], gpus: Gpus) -> None:
    ours = {one.pid for one in _tree(meter.session)}
    if not ours:
        return
    rows = _smi(environ, "--query-compute-apps=pid,used_gpu_memory")
    held = sum(_bytes(row[1]) for row in rows if len(row) == 2 and row[0].isdigit() and int(row[0]) in ours)
    if not held:
        held = sum(_bytes(row[0]) for row in _smi(environ, "--query-gpu=memory.used")) - gpus.memory
    meter.gpu_memory = max(meter.gpu_memory, held)


def _smi(environ: Mapping[str, str], query: str) -> list[list[str]]:
    """Ask nvidia-smi; no rows when there is none, or no driver."""
    try:
        return nvidia.query(environ, query)
    except MlcicdError:
        return []


def _bytes(mebibytes: str) -> int:
    """Read a number of MiB; what the driver does not know (`[N/A]`) is 0."""
    return int(mebibytes) * _MIB if mebibytes.isdigit() else 0


def _tree(session: int) -> list[_Process]:
    """Return the processes of a session, and what they started in sessions of their own; none without /proc."""
    if not session or not _PROC.is_dir():
        return []
    pids = [int(path.name) for path in _PROC.iterdir() if path.name.isdigit()]
    every = [one for pid in pids if (one := _process(pid))]
    children: dict[int, list[_Process]] = {}
    for one in every:
        children.setdefault(one.parent, []).append(one)
    ours = {one.pid: one for one in every if one.session == session}
    todo = list(ours)
    while todo:
        new = [child for child in children.get(todo.pop(), []) if child.pid not in ours]
        ours |= {child.pid: child for child in new}
        todo += [child.pid for child in new]
    return list(ours.values())


def _process(pid: int) -> _Process | None:
    """Read /proc/PID/stat, whose second field, the program's name, may hold anything."""
    try:
        fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:  # it has ended meanwhile
        return None
    if len(fields) < 22:
        return None
    # Its own seconds and those of its ended children, in the user's code and in the kernel.
    ticks = sum(int(field) for field in fields[11:15])
    return _Process(
        pid=pid,
        parent=int(fields[1]),
        session=int(fields[3]),
        seconds=ticks / os.sysconf("SC_CLK_TCK"),
        memory=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
    )


def _share(one: _Process) -> int:
    """Return what a process holds, a page that n processes share counted as 1/n of one."""
    try:
        for line in (_PROC / str(one.pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return one.memory


def _children() -> tuple[float, int]:
    """Return the processor seconds of all ended children, and the peak memory of the largest of them in bytes."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in KiB
    return found.ru_utime + found.ru_stime, found.ru_maxrss * unit
