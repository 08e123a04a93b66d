"""What every platform module needs, in no platform's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlcicd.plan.model import Pipeline


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A file that is written only where there is none, and belongs to the team from then on.

    Attributes:
        needle: what an existing file must contain to be complete.
        advice: what to tell when it does not.
    """

    path: str
    text: str
    needle: str
    advice: str


def verified(text: str, pipeline: Pipeline, read: Callable[[str], Mapping[str, tuple[str, ...]]]) -> str:
    """Return the rendered text after reading it back: its jobs must be the plan's, whatever a template did."""
    found, meant = dict(read(text)), {job.id: job.needs for job in pipeline.jobs}
    if found != meant:
        raise AssertionError(f"a template lost the plan: {found} is not {meant}")
    return text
