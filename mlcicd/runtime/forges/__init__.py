"""The forges that a report can be posted to: one module each, all of this shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from mlcicd.runtime.forges import github, gitlab
from mlcicd.runtime.forges.model import Comment

if TYPE_CHECKING:
    from mlcicd.runtime.forges.http import Client


class Forge(Protocol):
    """What a forge's module has."""

    AUTHENTICATION: str
    PERMISSION: str

    def headers(self, token: str) -> Mapping[str, str]:
        """Return the headers that carry the token."""

    def certificates(self, environ: Mapping[str, str]) -> str:
        """Return the file of a private certificate authority, or ""."""

    def whoami(self, client: Client) -> str:
        """Return whose token it is, or "" when the forge does not tell."""

    def comments(self, client: Client, project: str, change: int) -> Iterator[Comment]:
        """Yield the comments that people and programs wrote, oldest first."""

    def create(self, client: Client, project: str, change: int, body: str) -> None:
        """Write a new comment."""

    def update(self, client: Client, project: str, change: int, comment: int, body: str) -> None:
        """Replace the text of a comment."""

    def is_read_only(self, status: int, said: str) -> bool:
        """Return whether a refusal means that this run's token may never write, as for a fork."""


FORGES: Mapping[str, Forge] = {"github": github, "gitlab": gitlab}
