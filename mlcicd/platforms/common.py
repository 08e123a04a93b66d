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
