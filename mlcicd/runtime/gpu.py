"""`gpu`: look whether training will have the GPU that its runner promises, before any data is fetched.

Two are asked: the driver (nvidia-smi), and the project's framework, which has to multiply on each device as the CPU
does. What the framework can use counts; the driver says why there is nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Literal

from mlcicd.config.fields import megabytes
from mlcicd.config.model import Runner, Train
from mlcicd.errors import MlcicdError, Refused
from mlcicd.runtime import facts, gpu_framework, nvidia, origin
from mlcicd.runtime.facts import Gpu, GpuFacts
from mlcicd.runtime.gpu_framework import Seen
from mlcicd.runtime.project import Project

Say = Callable[[str], None]
Need = Literal["required", "preferred", "none"]

_GIB = 1024**3


def run(project: Project, need: Need | None, say: Say) -> GpuFacts:
    """Look, and leave `.mlcicd/gpu.json`, also when there is no usable GPU.

    Args:
        project: the project.
        need: instead of what the configuration says of training's runner.
        say: shows one line.

    Raises:
        Refused: when a GPU is required, and something is missing.
        OutsideError: when a GPU is required, and the machine has one that fails.
    """
    facts.forget("gpu")
    began = time.monotonic()
    name = (project.config.train or Train()).runner
    runner = project.config.runner(name)
    need = need or runner.gpu
    environ = project.environ()
    shown, fault = _driver(environ)
    seen = gpu_framework.ask(project.root, environ)
    devices = _usable(shown, seen)
    problem = gpu_framework.problem(seen, fault, environ) or _too_little(name, runner, devices, environ)
    found = GpuFacts(
        need=need,
        problem=problem.message if problem else "",
        driver=shown[0].driver if shown else "",
        devices=devices,
        framework=seen.framework,
        seconds=round(time.monotonic() - began, 3),
    )
    facts.write(found, "gpu")
    for line in _told(found):
        say(line)
    if problem and need == "required":
        raise problem
    if problem:
        _say_missing(problem, project, need, say)
    return found


def absent() -> str:
    """Return why this commit's training has to do without the GPU it prefers; "" when nothing is known against one.

    Raises:
        UsageError: when `.mlcicd/gpu.json` is not what `run` writes.
    """
    found = facts.read(GpuFacts, "gpu")
    if found is None or found.need != "preferred" or not found.origin:
        return ""
    return found.problem if found.origin.commit == origin.here().commit else ""


def _driver(environ: Mapping[str, str]) -> tuple[tuple[nvidia.Device, ...], MlcicdError | None]:
    try:
        return nvidia.devices(environ), None
    except MlcicdError as fault:
        return (), fault


def _usable(shown: tuple[nvidia.Device, ...], seen: Seen) -> tuple[Gpu, ...]:
    """Return the devices that training has.

    The driver knows best how much of their memory is free, because a framework that asks takes some of it. But what
    it calls a device may be cut into parts, or not be for this process.
    """
    if seen.devices and (len(seen.devices) != len(shown) or any(device.sliced for device in shown)):
        return seen.devices
    return tuple(Gpu(name=device.name, memory=device.memory, free=device.free) for device in shown)


def _too_little(name: str, runner: Runner, devices: tuple[Gpu, ...], environ: Mapping[str, str]) -> Refused | None:
    """Return what the configuration asks of the runner and these devices do not have."""
    key = f"runners.{name}"
    if len(devices) < runner.gpu_count:
        have = f"there {'is' if len(devices) == 1 else 'are'} {len(devices)}"
        return Refused(
            f"{key}.gpu-count asks for {runner.gpu_count} GPUs, and {have}",
            hint="name a runner with more of them, or ask for fewer; CUDA_VISIBLE_DEVICES hides devices too",
        )
    if runner.gpu_memory is None:
        return None
    wanted = megabytes(runner.gpu_memory) * 10**6
    enough = [device for device in devices if device.free >= wanted or device.free == nvidia.UNKNOWN]
    if len(enough) >= runner.gpu_count:
        return None
    best = max((device for device in devices if device not in enough), key=lambda device: device.free)
    holding = nvidia.holders(environ)
    return Refused(
        f"{key}.gpu-memory asks for {runner.gpu_memory}, and {best.name} has {_gib(best.free)} of "
        f"{_gib(best.memory)} free",
        detail="\n".join(f"  holds memory: {one}" for one in holding),
        hint="end what holds its memory, or wait until it is done"
        if holding
        else "name a runner with a larger GPU, "
        "or look on the machine itself for what holds its memory: a container does not show it",
    )


def _told(found: GpuFacts) -> list[str]:
    driver = f", driver {found.driver}" if found.driver else ""
    lines = [f"{one.name}: {_gib(one.memory)}, {_gib(one.free)} free{driver}" for one in found.devices]
    if found.problem:
        return lines
    if found.framework:
        return [*lines, f"{found.framework} computes on it as on the CPU ({found.seconds:.1f} s)"]
    return [
        *lines,
        "no framework is installed that could be asked (torch, jax, tensorflow, cupy): the driver's word counts",
    ]


def _say_missing(problem: MlcicdError, project: Project, need: Need, say: Say) -> None:
    """Say what is missing where that stops nobody, and what follows."""
    say(f"no usable GPU: {problem.message}")
    for line in problem.detail.splitlines():
        say(line)
    say(f"next: {problem.hint}")
    if need == "preferred":
        smoke = project.config.train and project.config.train.smoke
        say(f"training will run on the CPU{', with the parameters of train.smoke' if smoke else ''}")


def _gib(count: int) -> str:
    return "?" if count < 0 else f"{count / _GIB:.1f} GiB"
