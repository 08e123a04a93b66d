"""GitHub and GitHub Enterprise Server: comments on a pull request are comments on its issue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from mlcicd.runtime.forges.model import Comment

if TYPE_CHECKING:
    from mlcicd.runtime.forges.http import Answer, Client

AUTHENTICATION = "give the step `GITHUB_TOKEN: ${{ github.token }}` (or your own token as MLCICD_TOKEN) in its `env`"
PERMISSION = "the job needs `permissions: pull-requests: write`"
_NEXT = re.compile(r'<([^>]*)>;\s*rel="next"')


def headers(token: str) -> Mapping[str, str]:
    """Return the headers that carry the token."""
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def certificates(environ: Mapping[str, str]) -> str:
    """Return the file of a private certificate authority: Enterprise Servers rely on the system's own."""
    return environ.get("SSL_CERT_FILE", "")


def whoami(client: Client) -> str:
    """Return the user's login; "" for the token of a run, which may not ask."""
    from mlcicd.runtime.forges.http import Refusal

    try:
        return str(client.get("/user").body["login"])
    except Refusal as refusal:
        if refusal.status in (403, 404):
            return ""
        raise


def comments(client: Client, project: str, change: int) -> Iterator[Comment]:
    """Yield the comments on a pull request, oldest first."""
    for item in client.pages(f"/repos/{quote(project)}/issues/{change}/comments?per_page=100", _next):
        user = item.get("user") or {}
        yield Comment(
            id=item["id"], body=item.get("body") or "", author=user.get("login", ""), bot=user.get("type") == "Bot"
        )


def create(client: Client, project: str, change: int, body: str) -> None:
    """Write a new comment."""
    client.send("POST", f"/repos/{quote(project)}/issues/{change}/comments", {"body": body})


def update(client: Client, project: str, change: int, comment: int, body: str) -> None:
    """Replace the text of a comment; `change` is not needed here."""
    client.send("PATCH", f"/repos/{quote(project)}/issues/comments/{comment}", {"body": body})


def is_read_only(status: int, said: str) -> bool:
    """Return whether the run's token may not write, as in every run for a fork."""
    return status == 403 and "not accessible by integration" in said.lower()


def _next(answer: Answer) -> str:
    found = _NEXT.search(answer.headers.get("Link", ""))
    return found[1] if found else ""
