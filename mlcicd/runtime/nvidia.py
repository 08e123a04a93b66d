"""What nvidia-smi tells of the machine's GPUs, and why it tells nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlcicd.errors import MlcicdError, OutsideError, Refused
from mlcicd.runtime import process, project

TIMEOUT = 20.0  # seconds, for a broken driver can make it hang
UNKNOWN = -1  # what the driver does not know, or does not tell in a container
_FIELDS = "name,driver_version,memory.total,memory.free,mig.mode.current"
_MIB = 1024**2

# What it printed → what is wrong, and the next step. {found} is the first group. Missing things are refused with 1;
# a machine that has them and fails is something outside.
_FAULTS: tuple[tuple[str, type[MlcicdError], str, str], ...] = (
    (
        r"Driver/library version mismatch(?:\s+NVML library version: ([\d.]+))?",
        OutsideError,
        "the NVIDIA driver was replaced while it ran: library{found} and kernel module do not fit",
        "restart the machine, or load the nvidia kernel modules anew; keep unattended updates off the driver",
    ),
    (
        r"couldn't communicate with the NVIDIA driver()",
        OutsideError,
        "an NVIDIA driver is installed, but it does not run",
        "install the driver for the kernel that runs (`modprobe nvidia` says what is wrong), or restart the machine",
    ),
    (
        r"No devices were found()",
        Refused,
        "the NVIDIA driver runs, and sees no GPU",
        "does the machine have one, and was it given to this container (`--gpus all`) or virtual machine?",
    ),
    (
        r"(?:GPU is lost|fallen off the bus|Unable to determine the device handle)()",
        OutsideError,
        "the NVIDIA driver has lost a GPU of this machine",
        "restart the machine; when it happens again, the card or its power supply is broken",
    ),
    (
        r"Failed to initialize NVML: (.+)",
        OutsideError,
        "the NVIDIA driver does not answer:{found}",
        "start the container anew (it loses its GPUs when the host reloads its services), then the machine",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Device:
    """One GPU: memories in bytes, `UNKNOWN` when the driver does not tell; `sliced` when MIG cuts it into parts."""

    name: str
    driver: str
    memory: int = UNKNOWN
    free: int = UNKNOWN
    sliced: bool = False


def devices(environ: Mapping[str, str]) -> tuple[Device, ...]:
    """Return the GPUs that the driver shows, at least one.

    Raises:
        Refused: when something is missing: the driver, or a GPU.
        OutsideError: when it is there and fails.
    """
    rows = query(environ, f"--query-gpu={_FIELDS}")
    broken = [row for row in rows if len(row) != len(_FIELDS.split(","))]
    if broken or not rows:
        raise _explained("\n".join(", ".join(row) for row in broken) or "No devices were found", 0)
    return tuple(
        Device(name=name, driver=driver, memory=_bytes(total), free=_bytes(free), sliced=mig == "Enabled")
        for name, driver, total, free, mig in rows
    )


def holders(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return who holds memory of the GPUs: `python, process 4242, 12,000 MiB`; nobody where the driver hides them."""
    try:
        rows = query(environ, "--query-compute-apps=pid,process_name,used_gpu_memory")
    except MlcicdError:
        return ()
    known = [row for row in rows if len(row) >= 3 and row[0].isdigit()]
    return tuple(
        f"{Path(','.join(row[1:-1])).name}, process {row[0]}" + (f", {int(row[-1]):,} MiB" if row[-1].isdigit() else "")
        for row in known
    )


def query(environ: Mapping[str, str], what: str) -> list[list[str]]:
    """Ask nvidia-smi one question, and return the cells of each line of its answer.

    Raises:
        Refused: when there is no such program, or no GPU.
        OutsideError: when it fails, or does not answer.
    """
    if project.program("nvidia-smi", environ) is None:
        raise Refused(
            "there is no nvidia-smi: no NVIDIA driver is here, or the container has no GPU",
            hint="on a machine: install the driver, until `nvidia-smi` shows the GPU; in a container: install the "
            "NVIDIA container toolkit on the machine, and start the container with `--gpus all`",
        )
    argv = ["nvidia-smi", what, "--format=csv,noheader,nounits"]
    answer = process.ask(argv, cwd=Path(), environ=environ, timeout=TIMEOUT)
    if answer.exit == process.TIMED_OUT:
        raise OutsideError(
            f"nvidia-smi gave no answer within {TIMEOUT:.0f} s: the driver hangs",
            hint="restart the machine; `dmesg` says what the driver met (lines with NVRM and Xid)",
        )
    if answer.exit:
        raise _explained(f"{answer.out}\n{answer.err}", answer.exit)
    return [[cell.strip() for cell in line.split(",")] for line in answer.out.splitlines() if line.strip()]


def _explained(text: str, exit: int) -> MlcicdError:
    """Return what an answer means that is none."""
    for pattern, kind, message, hint in _FAULTS:
        if match := re.search(pattern, text):
            return kind(message.format(found=f" {match[1]}" if match[1] else ""), hint=hint)
    last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
    status = f"exit status {exit}" if exit else "an answer that cannot be read"
    return OutsideError(
        f"nvidia-smi failed with {status}: {last[:200] or 'it printed nothing'}",
        hint="run nvidia-smi on this machine until it shows the GPU",
    )


def _bytes(mebibytes: str) -> int:
    return int(mebibytes) * _MIB if mebibytes.isdigit() else UNKNOWN
