"""What the platforms' files name, and `tool.pins` compared with it."""

from __future__ import annotations

from collections.abc import Sequence

from mlcicd.errors import UsageError
from mlcicd.pins import KNOWN, order
from mlcicd.plan.model import Pipeline
from mlcicd.platforms import PLATFORMS


def used(pipeline: Pipeline, platforms: Sequence[str]) -> tuple[str, ...]:
    """Return every action and image that a pin may stand for, actions first."""
    names = {name for platform in platforms for name in PLATFORMS[platform].pinnable(pipeline)}
    return tuple(sorted(names, key=lambda name: (name not in KNOWN, name)))


def check(pipeline: Pipeline, platforms: Sequence[str]) -> None:
    """Refuse a pin that would do nothing, that is none of its kind, or of an action on a retired runtime.

    Raises:
        UsageError: naming what is used.
    """
    names = used(pipeline, platforms)
    for name, value in pipeline.pins.items():
        if name not in names:
            raise UsageError(
                f"tool.pins: {name} is used nowhere in what this configuration makes",
                hint=f"remove it; used are {', '.join(names)}",
            )
        if value.startswith("sha256:") == (name in KNOWN):
            form = "v1.2.3@COMMIT" if name in KNOWN else "sha256:DIGEST"
            raise UsageError(f"tool.pins: {name}: must be {form}", hint=f"it is {value[:60]}; `mlcicd pins` shows ours")
        version = value.partition("@")[0]
        if name in KNOWN and order(version) < order(KNOWN[name].since):
            raise UsageError(
                f"tool.pins: {name} {version} runs on a runtime that is retired",
                hint=f"{KNOWN[name].since} is the first that does not; remove the pin, and it is {KNOWN[name].version}",
            )
