"""What every platform module needs, in no platform's words."""

from __future__ import annotations

from dataclasses import dataclass


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
