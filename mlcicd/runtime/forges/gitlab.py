"""GitLab, hosted or self-managed: comments are notes of a merge request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from mlcicd.runtime.forges.model import Comment

if TYPE_CHECKING:
    from mlcicd.runtime.forges.http import Answer, Client

AUTHENTICATION = (
    "make a project access token (scope `api`; role Reporter suffices) and set it as the masked CI/CD variable "
    "GITLAB_TOKEN (or MLCICD_TOKEN); the job token may not write notes"
)
PERMISSION = "the token needs the scope `api` and at least the role Reporter in this project"
_BOT = re.compile(r"(project|group)_\d+_bot")


def headers(token: str) -> Mapping[str, str]:
    """Return the headers that carry the token."""
    return {"PRIVATE-TOKEN": token}


def certificates(environ: Mapping[str, str]) -> str:
    """Return the file of a private certificate authority, as a self-managed server's runner tells it."""
    return environ.get("CI_SERVER_TLS_CA_FILE", "") or environ.get("SSL_CERT_FILE", "")


def whoami(client: Client) -> str:
    """Return the user's name; "" for a token that may not ask."""
    from mlcicd.runtime.forges.http import Refusal

    try:
        return str(client.get("/user").body["username"])
    except Refusal as refusal:
        if refusal.status in (403, 404):
            return ""
        raise


def comments(client: Client, project: str, change: int) -> Iterator[Comment]:
    """Yield the notes on a merge request, oldest first, without those that the forge itself writes."""
    path = f"{_notes(project, change)}?per_page=100&order_by=created_at&sort=asc"

    def following(answer: Answer) -> str:
        page = answer.headers.get("X-Next-Page", "")
        return f"{client.api}{path}&page={page}" if page.isdigit() else ""

    for item in client.pages(path, following):
        if not item.get("system"):
            author = (item.get("author") or {}).get("username", "")
            yield Comment(id=item["id"], body=item.get("body") or "", author=author, bot=bool(_BOT.match(author)))


def create(client: Client, project: str, change: int, body: str) -> None:
    """Write a new note."""
    client.send("POST", _notes(project, change), {"body": body})


def update(client: Client, project: str, change: int, comment: int, body: str) -> None:
    """Replace the text of a note."""
    client.send("PUT", f"{_notes(project, change)}/{comment}", {"body": body})


def is_read_only(status: int, said: str) -> bool:
    """Return False: here a token either exists and may write, or does not exist for forks."""
    return False


def _notes(project: str, change: int) -> str:
    return f"/projects/{quote(project, safe='')}/merge_requests/{change}/notes"
