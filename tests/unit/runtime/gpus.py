"""A stand-in for nvidia-smi that records what it is asked, and small modules that pass for frameworks."""

from __future__ import annotations

from pathlib import Path

QUERY = "--query-gpu=name,driver_version,memory.total,memory.free,mig.mode.current"
APPS = "--query-compute-apps=pid,process_name,used_gpu_memory"
T4 = "Tesla T4, 570.124.06, 15360, 14928, [N/A]"
H200 = "NVIDIA H200, 570.124.06, 143771, 143155, Disabled"
COMMUNICATE = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running."
)
MISMATCH = "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 570.144"

# As much of torch as the check uses. What is in {} makes it another build, or another machine.
_TORCH = """
__version__ = "{version}"
float32 = "float32"
DEVICES = {devices}


class version:
    cuda = {cuda!r}


class Matrix:
    def __init__(self, rows, place="cpu"):
        self.rows, self.place = rows, place

    def to(self, place):
        return Matrix(self.rows, place)

    def cpu(self):
        return self.to("cpu")

    def __matmul__(self, other):
        columns = list(zip(*other.rows))
        first = [sum(map(int.__mul__, self.rows[0], column)) for column in columns]  # one row of it is enough
        product = [first]
        if self.place == "cuda:{broken}":
            product[0][0] = {wrong}
        return Matrix(product, self.place)

    def __sub__(self, other):
        assert self.place == other.place == "cpu"
        return Matrix([[a - b for a, b in zip(*rows)] for rows in zip(self.rows, other.rows)])

    def abs(self):
        return Matrix([[abs(value) for value in row] for row in self.rows])

    __abs__ = abs

    def max(self):
        values = [value for row in self.rows for value in row]
        return next((value for value in values if value != value), max(values))


def tensor(rows, dtype):
    return Matrix(rows)


class cuda:
    def init():
        {init}

    def device_count():
        return len(DEVICES)

    def mem_get_info(number):
        return DEVICES[number][1:]

    def get_device_name(number):
        return DEVICES[number][0]
"""

# As much of cupy, and of the numpy that it brings along; their matrices are those of the torch beside them.
CUPY = """
import contextlib
from numpy import asarray

__version__ = "13.6.0"
asnumpy = asarray


class cuda:
    Device = contextlib.nullcontext

    class runtime:
        def getDeviceCount():
            return 1

        def memGetInfo():
            return 2**33, 2**34

        def getDeviceProperties(number):
            return {"name": b"Tesla T4"}
"""
NUMPY = """
from torch import Matrix


def array(rows, dtype):
    return Matrix(rows)


def asarray(matrix):
    return matrix
"""


def smi(folder: Path, *lines: str, exit: int = 0, apps: str = "", do: str = "") -> Path:
    """Put an nvidia-smi into `folder`; return the file that records what it is asked."""
    asked = folder / "asked.txt"
    program = folder / "nvidia-smi"
    printed = "\n".join(lines)
    program.write_text(
        f"#!/bin/sh\necho \"$*\" >> '{asked}'\n"
        f"case \"$1\" in --query-compute-apps*) cat <<'END'\n{apps}\nEND\nexit 0;; esac\n"
        f"{do}\ncat <<'END'\n{printed}\nEND\nexit {exit}\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return asked


def torch(
    folder: Path,
    *,
    version: str = "2.9.0+cu126",
    cuda: str | None = "12.6",
    devices: tuple[tuple[str, int, int], ...] = (("Tesla T4", 14 * 1024**3, 15 * 1024**3),),
    init: str = "pass",
    broken: int = -1,
    wrong: str = "999",
) -> None:
    """Put a torch into `folder`; devices are name, free and total bytes."""
    text = _TORCH.format(version=version, cuda=cuda, devices=devices, init=init, broken=broken, wrong=wrong)
    (folder / "torch.py").write_text(text, encoding="utf-8")
