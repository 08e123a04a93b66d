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
class Change:
    """An open pull or merge request.

    Attributes:
        head: its newest commit, "" when the forge does not tell.
        base: the commit of the branch that it is for, "" when the forge does not tell.
        locked: only few people, or nobody, may comment on it any more.
    """

    head: str
    base: str
    locked: bool


@dataclass(frozen=True, kw_only=True)
class Source:
    """A run for a fork's change, by what the forge says about it; the run itself is not to be believed.

    Attributes:
        id: what the forge knows the run by.
        sha: the commit it ran for.
        branch, owner, repository: where that commit is: branch, account and number of the fork.
    """

    id: int
    sha: str
    branch: str
    owner: str
    repository: int


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
