"""GitHub and GitHub Enterprise Server: comments on a pull request are comments on its issue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mlcicd.errors import OutsideError
from mlcicd.runtime.forges.files import content
from mlcicd.runtime.forges.model import Change, Comment, Draft, Proposed, Source

if TYPE_CHECKING:
    from mlcicd.runtime.forges.http import Answer, Client

AUTHENTICATION = "give the step `GITHUB_TOKEN: ${{ github.token }}` (or your own token as MLCICD_TOKEN) in its `env`"
PERMISSION = "the job needs `permissions: pull-requests: write`"
READING = "the job needs `permissions: contents: read`, which `mlcicd generate` writes"
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
NOTICE = "::notice title=mlcicd::"
SHA = "GITHUB_SHA"
_NEXT = re.compile(r'<([^>]*)>;\s*rel="next"')
# The runner reads lines as .NET does: a carriage return alone ends one, and spaces before `::` do not count.
_ORDER = re.compile(r"(?:^|(?<=[\r\n]))[^\S\r\n]*:(?=:)|##(?=\[)")


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


def fence(word: str) -> tuple[str, str]:
    """Return the lines around a program's output, between which the runner takes no line for a command.

    Who does not know the word cannot end it.
    """
    return f"::stop-commands::{word}", f"::{word}::"


def inert(text: str) -> str:
    """Return a text without what the runner would take for a command (`::error::`, `##[error]`)."""
    return _ORDER.sub(lambda found: f"{found[0]} ", text)


def whoami(client: Client) -> str:
    """Return the login that comments of this token carry, "" when it is not told.

    The token of a run may not ask for a user, but it may ask who looks.
    """
    from mlcicd.runtime.forges.http import Refusal

    try:
        return str(client.get("/user").body["login"])
    except Refusal as refusal:
        if refusal.status not in (403, 404):
            raise
    return _viewer(client)


def _viewer(client: Client) -> str:
    asks = replace(client, api=client.api.removesuffix("/v3"))
    try:
        answer = asks.query("/graphql", {"query": "query { viewer { login } }"}).fields
    except OutsideError:
        return ""
    return str(((answer.get("data") or {}).get("viewer") or {}).get("login") or "")


def change(client: Client, project: str, number: int) -> Change:
    """Return what a pull request is by now."""
    found = client.get(f"/repos/{quote(project)}/pulls/{number}").fields
    head, base = ((found.get(side) or {}).get("sha") or "" for side in ("head", "base"))
    return Change(head=head, base=base, locked=bool(found.get("locked")))


def comments(client: Client, project: str, change: int) -> Iterator[Comment]:
    """Yield the comments on a pull request, oldest first; a failure is not tried again."""
    path = f"/repos/{quote(project)}/issues/{change}/comments?per_page=100"
    for item in client.pages(path, _next, patient=False):
        user = item.get("user") or {}
        yield Comment(
            id=item["id"], body=item.get("body") or "", author=user.get("login", ""), bot=user.get("type") == "Bot"
        )


def create(client: Client, project: str, change: int, body: str) -> int:
    """Write a new comment; return its id."""
    made = client.send("POST", f"/repos/{quote(project)}/issues/{change}/comments", {"body": body})
    return int(made.fields.get("id") or 0)


def update(client: Client, project: str, change: int, comment: int, body: str) -> None:
    """Replace the text of a comment; `change` is not needed here."""
    client.send("PATCH", f"/repos/{quote(project)}/issues/comments/{comment}", {"body": body})


def delete(client: Client, project: str, change: int, comment: int) -> None:
    """Remove a comment; `change` is not needed here."""
    client.send("DELETE", f"/repos/{quote(project)}/issues/comments/{comment}")


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


def is_too_long(status: int, said: str) -> bool:
    """Return whether a refusal means that a comment has to be shorter."""
    return status == 413 or (status == 422 and "too long" in said.lower())


def is_closed(status: int, said: str) -> bool:
    """Return whether a conversation is locked, its repository archived, or comments are switched off."""
    return status == 410 or (status == 403 and any(word in said.lower() for word in ("locked", "archived")))


def changes_of(client: Client, project: str, source: Source) -> list[int]:
    """Return the open pull requests whose newest commit is the one that a fork's run was for.

    A branch is asked for by its name, but a name can be taken by others: number and commit decide.
    """
    head = quote(f"{source.owner}:{source.branch}", safe="")
    path = f"/repos/{quote(project)}/pulls?state=open&head={head}&per_page=100"
    wanted = (source.repository, source.sha)
    found = [item for item in client.pages(path, _next) if _head(item) == wanted]
    return [int(item["number"]) for item in found]


def artifact(client: Client, project: str, source: Source, name: str, limit: int) -> bytes:
    """Return what a fork's run kept by this name, as the archive that it is, of at most `limit` bytes.

    Raises:
        OutsideError: when there is none, more than one, or it is too large.
    """
    root = f"/repos/{quote(project)}/actions"
    listed = client.get(f"{root}/runs/{source.id}/artifacts?name={quote(name, safe='')}&per_page=100").fields
    found = [one for one in listed.get("artifacts") or () if one.get("name") == name and not one.get("expired")]
    if len(found) != 1:
        what = "no artifact" if not found else f"{len(found)} artifacts"
        raise OutsideError(
            f"the run {source.id} has {what} called {name}",
            hint="that run's own log says whether it came to its report; it may wait for an approval",
        )
    if int(found[0].get("size_in_bytes") or 0) > limit:
        raise OutsideError(f"the artifact {name} of the run {source.id} is larger than {limit:,} bytes: not read")
    return client.download(f"{root}/artifacts/{int(found[0]['id'])}/zip", limit)


def file(client: Client, project: str, path: str, sha: str, limit: int) -> bytes:
    """Return the content of a file at a commit, of at most `limit` bytes.

    Raises:
        OutsideError: when it is no file, or larger.
    """
    return content(client.get(f"/repos/{quote(project)}/contents/{quote(path)}?ref={sha}").fields, path, limit)


def _head(item: Mapping[str, Any]) -> tuple[int, str]:
    """Return the repository and the commit of a pull request's head; a fork may be gone by now."""
    head = item.get("head") or {}
    return int((head.get("repo") or {}).get("id") or 0), head.get("sha") or ""


def _proposed(item: Mapping[str, Any]) -> Proposed:
    return Proposed(
        number=item["number"], link=item.get("html_url") or "", title=item["title"], body=item.get("body") or ""
    )


def _next(answer: Answer) -> str:
    found = _NEXT.search(answer.headers.get("Link", ""))
    return found[1] if found else ""
