"""What the project's framework can compute on, and why it cannot: the first that sees a GPU is asked (`gpu_child`)."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcicd import secrets
from mlcicd.errors import MlcicdError, OutsideError, Refused
from mlcicd.runtime import nvidia, process
from mlcicd.runtime import project as projects
from mlcicd.runtime.facts import Gpu

CHILD = Path(__file__).with_name("gpu_child.py")
TIMEOUT = 90.0  # seconds; importing one from a cold disk takes most of it

# What a framework raised → what is wrong, and the next step.
_ERRORS: tuple[tuple[str, type[MlcicdError], str, str], ...] = (
    (
        r"out of memory|RESOURCE_EXHAUSTED",
        Refused,
        "the GPU has no memory left",
        "end what holds it, or wait until it is done",
    ),
    (
        r"driver on your system is too old|driver version is insufficient",
        Refused,
        "the machine's NVIDIA driver is too old for the CUDA that {framework} was built with",
        "update the driver, or install a build of it for an older CUDA",
    ),
    (
        r"no kernel image is available",
        Refused,
        "{framework} was not built for this type of GPU",
        "install a build of it whose CUDA knows the GPU",
    ),
    (
        r"cannot open shared object file",
        Refused,
        "{framework} does not find the libraries of CUDA",
        "take a container image with CUDA in it, or a build of the framework that brings its own",
    ),
    (
        r"busy or unavailable",
        OutsideError,
        "the GPU is taken: another process has it for itself",
        "end that process, or let the GPU be shared (`nvidia-smi -c DEFAULT`)",
    ),
)
# Where it helps to know who else is there.
_TAKEN = r"out of memory|RESOURCE_EXHAUSTED|busy or unavailable"

_CUDA_BUILDS = {
    "torch": "let the project's lock name torch's build for CUDA; a version with +cpu, or an index of wheels for the "
    "CPU, stands there",
    "jax": "let the project depend on jax[cuda12] or jax[cuda13] instead of jax alone",
    "tensorflow": "let the project depend on tensorflow[and-cuda] instead of tensorflow-cpu",
}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the framework sees; `framework` is its name and version, "" when none is installed.

    Attributes:
        cpu_only: it is a build that can use no GPU.
        wrong: devices whose product is not that of the CPU.
        error: what it raised.
        ended: why it gave no answer.
    """

    framework: str = ""
    cpu_only: bool = False
    devices: tuple[Gpu, ...] = ()
    wrong: tuple[int, ...] = ()
    error: str = ""
    ended: str = ""


def ask(root: Path, environ: Mapping[str, str]) -> Seen:
    """Ask the framework in the project's Python; without a Python there is none."""
    python = projects.program("python", environ) or projects.program("python3", environ)
    if python is None:
        return Seen()
    with tempfile.TemporaryDirectory(prefix="mlcicd-") as folder:
        answer = Path(folder) / "seen.json"
        done = process.run(
            [str(python), str(CHILD), str(answer)],
            cwd=root,
            environ=environ,
            show=lambda _: None,
            timeout=TIMEOUT,
        )
        if done.timed_out:
            return Seen(ended=f"gave no answer within {TIMEOUT:.0f} s")
        try:
            return _seen(json.loads(answer.read_text("utf-8")))
        except (FileNotFoundError, ValueError):  # it crashed before it had written all
            last = next(reversed(secrets.lines(done.tail, environ)), "it printed nothing")
            return Seen(ended=f"ended with exit status {done.exit}: {last[:200]}")


def _seen(found: Mapping[str, Any]) -> Seen:
    if not found:
        return Seen()
    return Seen(
        framework=f"{found['framework']} {found['version']}".strip(),
        cpu_only=found["cpu_only"],
        devices=tuple(Gpu(**device) for device in found["devices"]),
        wrong=tuple(found["wrong"]),
        error=found["error"],
    )


def problem(seen: Seen, fault: MlcicdError | None, environ: Mapping[str, str]) -> MlcicdError | None:
    """Return why a framework cannot compute on a GPU; without a framework the driver's word counts."""
    if seen.ended:
        return fault or OutsideError(
            f"the check of the project's framework {seen.ended}",
            hint="compute something small on the GPU here, in the project's environment, to see what it does",
        )
    if seen.wrong:
        return OutsideError(
            f"GPU {seen.wrong[0]} ({seen.devices[seen.wrong[0]].name}) multiplies wrongly: {seen.framework} gets "
            "another product of two small matrices than the CPU",
            hint="take the machine out of the pool, and look for memory errors: `nvidia-smi -q -d ECC`",
        )
    if seen.devices and not seen.error:
        return None
    if not seen.framework or (fault and not seen.error):
        return fault
    return _unseen(seen, fault, environ)


def _unseen(seen: Seen, fault: MlcicdError | None, environ: Mapping[str, str]) -> MlcicdError:
    """Return why an installed framework sees no GPU, or fails on one that it sees."""
    if seen.cpu_only:
        return Refused(
            f"{seen.framework} in the project's environment is a build for the CPU",
            hint=_CUDA_BUILDS.get(seen.framework.split()[0], "install its build for CUDA in the project's environment"),
        )
    for pattern, kind, message, hint in _ERRORS:
        if re.search(pattern, seen.error):
            holding = nvidia.holders(environ) if re.search(_TAKEN, seen.error) else ()
            detail = "\n".join(f"  holds memory: {one}" for one in holding)
            return kind(message.format(framework=seen.framework), hint=hint, detail=detail)
    if fault:
        return fault
    if environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return Refused(
            "CUDA_VISIBLE_DEVICES is set and names no GPU, so that programs see none",
            hint="is it in train.env, or in the environment of the runner? name a device, or take it away",
        )
    said = f" ({seen.error})" if seen.error else ""
    return OutsideError(
        f"the driver shows a GPU, and {seen.framework} cannot use it{said}",
        hint="does this build go with the driver's CUDA (`nvidia-smi` shows it in its first lines)?",
    )
