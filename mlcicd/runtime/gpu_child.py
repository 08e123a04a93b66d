"""See which GPUs the project's framework sees, and multiply on each; a program of its own, for the project's Python.

It imports nothing but the standard library and the frameworks, and writes what it found (JSON) to the path that is its
argument. The matrices hold small whole numbers, so that the product is exact whatever precision a device computes in;
they take less than a megabyte.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

SIZE = 128  # rows and columns
TOLERANCE = 0.5  # of whole numbers
UNKNOWN = -1
# Or they take most of the GPU's memory as soon as they are asked anything.
_MODEST = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true", "TF_CPP_MIN_LOG_LEVEL": "3"}

Found = dict[str, Any]


def main() -> None:
    """Ask the installed frameworks until one sees a GPU, and write down what it saw, or what the first one said."""
    # This file's folder holds modules of mlcicd: an import must find the project's, not these.
    sys.path[0] = os.getcwd()  # noqa: PTH109 - sys.path holds texts
    os.environ.update(_MODEST)
    every: list[Found] = []
    for name, look in _FRAMEWORKS.items():
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:  # nothing, or a folder of the project's that has this name
            continue
        every.append(_looked(name, look))
        if every[-1]["devices"]:
            break
    found = next((one for one in every if one["devices"]), every[0] if every else {})
    Path(sys.argv[1]).write_text(json.dumps(found), encoding="utf-8")


def _looked(name: str, look: Callable[[Found], None]) -> Found:
    """Return what one framework saw; `error` is the first line of what it raised."""
    found: Found = {"framework": name, "version": "", "cpu_only": False, "devices": [], "wrong": [], "error": ""}
    try:
        look(found)
    except Exception as error:  # whatever a framework raises is an answer
        lines = str(error).strip().splitlines()
        found["error"] = f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]
    return found


def _torch(found: Found) -> None:
    torch = import_module("torch")
    found["version"] = torch.__version__
    found["cpu_only"] = not (torch.version.cuda or getattr(torch.version, "hip", None))
    if found["cpu_only"]:
        return
    torch.cuda.init()  # says what is wrong, which is_available() does not
    for number in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(number)
        _saw(found, torch.cuda.get_device_name(number), total, free)
        left, right = (torch.tensor(rows, dtype=torch.float32) for rows in _matrices())
        there = left.to(f"cuda:{number}") @ right.to(f"cuda:{number}")
        _compare(found, float((there.cpu() - left @ right).abs().max()))


def _jax(found: Found) -> None:
    jax = import_module("jax")
    found["version"] = jax.__version__
    devices = [device for device in jax.devices() if device.platform in ("gpu", "cuda", "rocm")]
    plugins = map(importlib.util.find_spec, ("jax_cuda12_plugin", "jax_cuda13_plugin"))
    found["cpu_only"] = not devices and not any(plugins)
    for device in devices:
        memory = device.memory_stats() or {}
        total = memory.get("bytes_limit", UNKNOWN)
        _saw(found, device.device_kind, total, total - memory.get("bytes_in_use", 0) if total > 0 else UNKNOWN)
        left, right = (jax.device_put(rows, device) for rows in _arrays())
        _compare_arrays(found, left @ right)


def _tensorflow(found: Found) -> None:
    tensorflow = import_module("tensorflow")
    found["version"] = tensorflow.__version__
    found["cpu_only"] = not tensorflow.test.is_built_with_gpu_support()
    for number, device in enumerate(tensorflow.config.list_physical_devices("GPU")):
        details = tensorflow.config.experimental.get_device_details(device)
        _saw(found, details.get("device_name", device.name), UNKNOWN, UNKNOWN)
        with tensorflow.device(f"/GPU:{number}"):
            left, right = map(tensorflow.constant, _arrays())
            _compare_arrays(found, tensorflow.linalg.matmul(left, right).numpy())


def _cupy(found: Found) -> None:
    cupy = import_module("cupy")
    found["version"] = cupy.__version__
    for number in range(cupy.cuda.runtime.getDeviceCount()):
        with cupy.cuda.Device(number):
            free, total = cupy.cuda.runtime.memGetInfo()
            _saw(found, cupy.cuda.runtime.getDeviceProperties(number)["name"].decode(), total, free)
            left, right = map(cupy.asarray, _arrays())
            _compare_arrays(found, cupy.asnumpy(left @ right))


_FRAMEWORKS: dict[str, Callable[[Found], None]] = {
    "torch": _torch,
    "jax": _jax,
    "tensorflow": _tensorflow,
    "cupy": _cupy,
}


def _matrices() -> tuple[list[list[int]], list[list[int]]]:
    """Return two square matrices of whole numbers from -4 to 4."""
    left = [[(3 * row + 5 * column) % 9 - 4 for column in range(SIZE)] for row in range(SIZE)]
    right = [[(7 * row + 2 * column) % 9 - 4 for column in range(SIZE)] for row in range(SIZE)]
    return left, right


def _arrays() -> tuple[Any, Any]:
    """Return them as arrays of numpy, which every framework but torch brings along."""
    numpy = import_module("numpy")
    left, right = (numpy.array(rows, dtype="float32") for rows in _matrices())
    return left, right


def _compare_arrays(found: Found, product: Any) -> None:
    left, right = _arrays()
    _compare(found, float(abs(import_module("numpy").asarray(product) - left @ right).max()))


def _saw(found: Found, name: str, total: int, free: int) -> None:
    found["devices"].append({"name": str(name)[:100], "memory": int(total), "free": int(free)})


def _compare(found: Found, difference: float) -> None:
    """Note a device whose product is not that of the CPU; NaN is no number at all."""
    if not difference <= TOLERANCE:
        found["wrong"].append(len(found["devices"]) - 1)


if __name__ == "__main__":
    main()
