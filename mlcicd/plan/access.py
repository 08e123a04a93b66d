"""What a job meets: the change's code, and on each platform an environment, secrets and forks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlcicd.plan.model import Job, Setup

Code = Literal["runs", "reads", "none", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a job meets on one platform, where platforms differ.

    Attributes:
        environment: the one it names; "" for none.
        secrets: every variable that its steps see and that a team has to set.
        forks: whether the change of a fork has such a job.
    """

    environment: str
    secrets: tuple[str, ...]
    forks: bool


def code(job: Job) -> Code:
    """Say what the job does with the code of the change; of one in a platform's own words nothing is known.

    Making the project's environment runs that code too: it is the change that says how to build and install it.
    """
    setup = next((step for step in job.steps if isinstance(step, Setup)), None)
    if setup is None:
        return "unknown"
    if setup.history == "none":
        return "none"
    return "runs" if setup.project else "reads"
