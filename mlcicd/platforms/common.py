"""What every platform module needs, in no platform's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlcicd.plan.model import Event, Job


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A file that is written only where there is none, and belongs to the team from then on.

    Attributes:
        needle: what an existing file must contain to be complete.
        advice: what to tell when it does not.
        instead: other files that do the same; where one is, nothing is written.
    """

    path: str
    text: str
    needle: str
    advice: str
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What the identity tokens of a repository's jobs say, for the trust policy of a cloud.

    Attributes:
        issuer: who signs them, `https://…`.
        subjects: every `sub` of jobs that may log in; `*` stands for any branch.
        condition: the same as a condition on a token's other claims, in the language CEL.
        repository: name of the claim that tells the repository, and its value.
        notes: what a person has to know or fill in, one sentence each.
    """

    issuer: str
    subjects: tuple[str, ...]
    condition: str
    repository: tuple[str, str]
    notes: tuple[str, ...] = ()


def images(job: Job) -> list[str]:
    """Return the images that the team has named for a job and what stands beside it."""
    return [*([job.container] if job.container else []), *(one.image for one in job.services)]


@dataclass(frozen=True, kw_only=True)
class Laid:
    """What a platform's file says of one job, in the plan's words; None where such a file cannot say it.

    Attributes:
        needs, timeout, may_fail, environment: as in the plan.
        events: when it runs for the team's own code.
        forks: it runs for code from a fork.
        always: when it runs also though one of `needs` failed.
        verbs: our verbs in their order.
        secrets: that any of its steps can see.
        writes: its token may change something on the platform.
        rights: what the token may, as `read code`; a scope that the plan has no word for by its own name.
        clouds: how many tokens of its identity it has; -1 for as many as it asks for.
        saves, loads: names of artifacts.
        container: the image it runs in, without a digest that is a pin's; "" for none of its own.
        services: programs beside it, by name.
        own: all that the file says of the job, as plain values.
        unclear: what is not understood of when it runs; nothing but `needs` and `own` is filled in then.
    """

    needs: tuple[str, ...]
    events: frozenset[Event] = frozenset()
    forks: bool = False
    always: frozenset[Event] = frozenset()
    may_fail: bool = False
    timeout: int = 0
    environment: str = ""
    verbs: tuple[str, ...] = ()
    secrets: frozenset[str] | None = None
    writes: bool | None = None
    rights: frozenset[str] | None = None
    clouds: int = 0
    saves: frozenset[str] = frozenset()
    loads: frozenset[str] = frozenset()
    container: str = ""
    services: frozenset[str] = frozenset()
    own: Mapping[str, Any] = field(default_factory=dict)
    unclear: str = ""


class UnreadableError(ValueError):
    """A generated file that does not say what its jobs are; the message names the place."""
