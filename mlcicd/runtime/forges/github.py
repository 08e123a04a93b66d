"""GitHub and GitHub Enterprise Server: comments on a pull request are comments on its issue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mlcicd.runtime.forges.model import Comment, Draft, Proposed

if TYPE_CHECKING:
    from mlcicd.runtime.forges.http import Answer, Client

AUTHENTICATION = "give the step `GITHUB_TOKEN: ${{ github.token }}` (or your own token as MLCICD_TOKEN) in its `env`"
PERMISSION = "the job needs `permissions: pull-requests: write`"
PUSHING = (
    "the job needs `permissions: contents: write`; for a protected branch use `lock: propose`, or a token that may "
    "push there as the secret MLCICD_TOKEN"
)
PROPOSING = (
    "the job needs `permissions: pull-requests: write`, and the repository the setting `Allow GitHub Actions to create "
    "and approve pull requests` (Settings, Actions, General); or set a token as the secret MLCICD_TOKEN"
)
AFTER_PUSH = "a push with the run's own token starts no new run; with a token in the secret MLCICD_TOKEN it does"
GIT_USER = "x-access-token"
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


def author(host: str) -> tuple[str, str]:
    """Return the name and address of the forge's own program."""
    return "github-actions[bot]", f"41898282+github-actions[bot]@users.noreply.{host}"


def proposals(client: Client, project: str, source: str, target: str) -> Iterator[Proposed]:
    """Yield the open pull requests from one branch of the repository to another."""
    head = quote(f"{project.split('/')[0]}:{source}", safe="")
    path = f"/repos/{quote(project)}/pulls?state=open&head={head}&base={quote(target, safe='')}&per_page=100"
    yield from map(_proposed, client.pages(path, _next))


def propose(client: Client, project: str, draft: Draft) -> Proposed:
    """Open a pull request."""
    fields = {"title": draft.title, "body": draft.body, "head": draft.source, "base": draft.target}
    return _proposed(client.send("POST", f"/repos/{quote(project)}/pulls", fields).body)


def revise(client: Client, project: str, number: int, draft: Draft) -> None:
    """Replace the title and the text of a pull request."""
    client.send("PATCH", f"/repos/{quote(project)}/pulls/{number}", {"title": draft.title, "body": draft.body})


def is_read_only(status: int, said: str) -> bool:
    """Return whether the run's token may not write, as in every run for a fork."""
    return status == 403 and "not accessible by integration" in said.lower()


def _proposed(item: Mapping[str, Any]) -> Proposed:
    return Proposed(
        number=item["number"], link=item.get("html_url") or "", title=item["title"], body=item.get("body") or ""
    )


def _next(answer: Answer) -> str:
    found = _NEXT.search(answer.headers.get("Link", ""))
    return found[1] if found else ""
