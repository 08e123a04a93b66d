"""The forges that a report and a lock can be brought to: one module each, all of this shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from mlcicd.errors import OutsideError
from mlcicd.runtime.forges import github, gitlab
from mlcicd.runtime.forges.model import Change, Comment, Draft, Proposed, Source

if TYPE_CHECKING:
    from mlcicd.runtime.ci import Ci
    from mlcicd.runtime.forges.http import Client

_TOKEN = re.compile(r"[!-~]+")


class Forge(Protocol):
    """What a forge's module has."""

    AUTHENTICATION: str
    PERMISSION: str
    READING: str
    PUSHING: str
    PROPOSING: str
    AFTER_PUSH: str
    GIT_USER: str
    NOTICE: str
    SHA: str

    def headers(self, token: str) -> Mapping[str, str]:
        """Return the headers that carry the token."""

    def certificates(self, environ: Mapping[str, str]) -> str:
        """Return the file of a private certificate authority, or ""."""

    def fence(self, word: str) -> tuple[str, str]:
        """Return the lines between which the log takes no orders, for who does not know the word; "" for none."""

    def inert(self, text: str) -> str:
        """Return a text without what the log would take for an order."""

    def whoami(self, client: Client) -> str:
        """Return whose token it is, or "" when the forge does not tell."""

    def change(self, client: Client, project: str, number: int) -> Change:
        """Return what a pull or merge request is by now."""

    def comments(self, client: Client, project: str, change: int) -> Iterator[Comment]:
        """Yield the comments that people and programs wrote, oldest first; a failure is not tried again."""

    def create(self, client: Client, project: str, change: int, body: str) -> int:
        """Write a new comment; return its id."""

    def update(self, client: Client, project: str, change: int, comment: int, body: str) -> None:
        """Replace the text of a comment."""

    def delete(self, client: Client, project: str, change: int, comment: int) -> None:
        """Remove a comment."""

    def is_too_long(self, status: int, said: str) -> bool:
        """Return whether a refusal means that a comment has to be shorter."""

    def is_closed(self, status: int, said: str) -> bool:
        """Return whether a refusal means that nobody may comment there any more."""

    def changes_of(self, client: Client, project: str, source: Source) -> list[int]:
        """Return the open pull or merge requests whose newest commit is the one that a fork's run was for."""

    def artifact(self, client: Client, project: str, source: Source, name: str, limit: int) -> bytes:
        """Return what a fork's run kept by this name, as the archive that it is, of at most `limit` bytes."""

    def file(self, client: Client, project: str, path: str, sha: str, limit: int) -> bytes:
        """Return the content of a file at a commit, of at most `limit` bytes."""

    def author(self, host: str) -> tuple[str, str]:
        """Return the name and address that our commits carry; `host` is the forge's."""

    def proposals(self, client: Client, project: str, source: str, target: str) -> Iterator[Proposed]:
        """Yield the open requests that bring one branch of the project to another."""

    def propose(self, client: Client, project: str, draft: Draft) -> Proposed:
        """Open a pull or merge request."""

    def revise(self, client: Client, project: str, number: int, draft: Draft) -> None:
        """Replace the title and the text of one."""

    def is_read_only(self, status: int, said: str) -> bool:
        """Return whether a refusal means that this run's token may never write, as for a fork."""


FORGES: Mapping[str, Forge] = {"github": github, "gitlab": gitlab}


def client(ci: Ci, environ: Mapping[str, str]) -> Client:
    """Return access to the API of a run's forge.

    Raises:
        OutsideError: when the token is none.
    """
    from mlcicd.runtime.forges.http import Client

    if not _TOKEN.fullmatch(ci.token):
        # Libraries would refuse it as a header, in a message that holds the token.
        raise OutsideError(
            "the token holds characters that no token has: spaces, line ends or letters beyond ASCII",
            hint="set the secret again, the token alone and in one line",
        )
    forge = FORGES[ci.forge]
    return Client(api=ci.api, headers=forge.headers(ci.token), certificates=forge.certificates(environ))
