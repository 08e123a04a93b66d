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


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a pull or merge request is to say: the branch it brings, and the one it is for."""

    source: str
    target: str
    title: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """An open pull or merge request: its number, and its address for people ("" when it has none)."""

    number: int
    link: str
    title: str
    body: str
