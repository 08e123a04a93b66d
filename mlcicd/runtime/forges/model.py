"""What every forge has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment on a change.

    Attributes:
        id: what an update needs.
        author: who wrote it, in the form that `whoami` returns.
        bot: whether a program wrote it, as far as the forge says so.
    """

    id: int
    body: str
    author: str
    bot: bool
