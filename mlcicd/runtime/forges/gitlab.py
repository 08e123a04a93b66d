"""GitLab, hosted or self-managed: comments are notes of a merge request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mlcicd.errors import UsageError
from mlcicd.runtime.forges.files import content
from mlcicd.runtime.forges.model import Change, Comment, Draft, Proposed, Source

if TYPE_CHECKING:
    from mlcicd.runtime.forges.http import Answer, Client

AUTHENTICATION = (
    "make a project access token (scope `api`; role Reporter suffices) and set it as the masked CI/CD variable "
    "GITLAB_TOKEN (or MLCICD_TOKEN); the job token may not write notes"
)
PERMISSION = "the token needs the scope `api` and at least the role Reporter in this project"
READING = "the token needs at least the role Reporter in this project"
PUSHING = (
    "the token needs the scope `api` (or `write_repository`) and a role that may push to this branch: Developer, for a "
    "protected branch most often Maintainer; or use `lock: propose`"
)
PROPOSING = "the token needs the scope `api` and at least the role Developer in this project"
AFTER_PUSH = ""
GIT_USER = "oauth2"
NOTICE = ""
SHA = "CI_COMMIT_SHA"
_FORKS = "the report of a fork's merge request is in the artifacts and the test view of the fork's own pipeline"
_SECTION = re.compile(r"section_(?=(?:start|end):\d)")
_BOT = re.compile(r"(project|group)_\d+_bot")


def headers(token: str) -> Mapping[str, str]:
    """Return the headers that carry the token."""
    return {"PRIVATE-TOKEN": token}


def certificates(environ: Mapping[str, str]) -> str:
    """Return the file of a private certificate authority, as a self-managed server's runner tells it."""
    return environ.get("CI_SERVER_TLS_CA_FILE", "") or environ.get("SSL_CERT_FILE", "")


def fence(word: str) -> tuple[str, str]:
    """Return nothing: a job's log gives no orders here."""
    return "", ""


def inert(text: str) -> str:
    """Return a text without the markers that fold a part of the log away."""
    return _SECTION.sub("section-", text)


def whoami(client: Client) -> str:
    """Return the user's name; "" for a token that may not ask."""
    from mlcicd.runtime.forges.http import Refusal

    try:
        return str(client.get("/user").body["username"])
    except Refusal as refusal:
        if refusal.status in (403, 404):
            return ""
        raise


def change(client: Client, project: str, number: int) -> Change:
    """Return what a merge request is by now."""
    found = client.get(f"{_requests(project)}/{number}").fields
    base = (found.get("diff_refs") or {}).get("base_sha") or ""
    return Change(head=found.get("sha") or "", base=base, locked=bool(found.get("discussion_locked")))


def comments(client: Client, project: str, change: int) -> Iterator[Comment]:
    """Yield the notes on a merge request, oldest first, without those that the forge itself writes.

    A failure is not tried again.
    """
    path = f"{_notes(project, change)}?per_page=100&order_by=created_at&sort=asc"
    for item in client.pages(path, partial(_next, client, path), patient=False):
        if not item.get("system"):
            author = (item.get("author") or {}).get("username", "")
            yield Comment(id=item["id"], body=item.get("body") or "", author=author, bot=bool(_BOT.match(author)))


def create(client: Client, project: str, change: int, body: str) -> int:
    """Write a new note; return its id."""
    return int(client.send("POST", _notes(project, change), {"body": body}).fields.get("id") or 0)


def update(client: Client, project: str, change: int, comment: int, body: str) -> None:
    """Replace the text of a note."""
    client.send("PUT", f"{_notes(project, change)}/{comment}", {"body": body})


def delete(client: Client, project: str, change: int, comment: int) -> None:
    """Remove a note."""
    client.send("DELETE", f"{_notes(project, change)}/{comment}")


def author(host: str) -> tuple[str, str]:
    """Return a name and an address that belong to nobody: the forge shows the token's user as who pushed."""
    return "mlcicd", f"mlcicd@noreply.{host}"


def proposals(client: Client, project: str, source: str, target: str) -> Iterator[Proposed]:
    """Yield the open merge requests from one branch of the project to another."""
    names = f"source_branch={quote(source, safe='')}&target_branch={quote(target, safe='')}"
    path = f"{_requests(project)}?state=opened&{names}&per_page=100"
    yield from map(_proposed, client.pages(path, partial(_next, client, path)))


def propose(client: Client, project: str, draft: Draft) -> Proposed:
    """Open a merge request; its branch goes when it is merged."""
    fields = {
        "source_branch": draft.source,
        "target_branch": draft.target,
        "title": draft.title,
        "description": draft.body,
        "remove_source_branch": True,
    }
    return _proposed(client.send("POST", _requests(project), fields).body)


def revise(client: Client, project: str, number: int, draft: Draft) -> None:
    """Replace the title and the text of a merge request."""
    client.send("PUT", f"{_requests(project)}/{number}", {"title": draft.title, "description": draft.body})


def is_read_only(status: int, said: str) -> bool:
    """Return False: here a token either exists and may write, or does not exist for forks."""
    return False


def is_too_long(status: int, said: str) -> bool:
    """Return whether a refusal means that a note has to be shorter."""
    return status == 413 or (status in (400, 422) and "too long" in said.lower())


def is_closed(status: int, said: str) -> bool:
    """Return whether nobody may comment any more; here the forge says no more than that it is forbidden."""
    return status == 410 or (status == 403 and any(word in said.lower() for word in ("locked", "archived")))


def changes_of(client: Client, project: str, source: Source) -> list[int]:
    """Refuse: a fork's pipeline runs in the fork's own project, and none is started here after it.

    Raises:
        UsageError: always.
    """
    raise UsageError("GitLab starts no pipeline after one of a fork", hint=_FORKS)


def artifact(client: Client, project: str, source: Source, name: str, limit: int) -> bytes:
    """Refuse, as `changes_of` does.

    Raises:
        UsageError: always.
    """
    raise UsageError("GitLab starts no pipeline after one of a fork", hint=_FORKS)


def file(client: Client, project: str, path: str, sha: str, limit: int) -> bytes:
    """Return the content of a file at a commit, of at most `limit` bytes.

    Raises:
        OutsideError: when it is no file, or larger.
    """
    where = f"/projects/{quote(project, safe='')}/repository/files/{quote(path, safe='')}?ref={sha}"
    return content(client.get(where).fields, path, limit)


def _notes(project: str, change: int) -> str:
    return f"{_requests(project)}/{change}/notes"


def _requests(project: str) -> str:
    return f"/projects/{quote(project, safe='')}/merge_requests"


def _proposed(item: Mapping[str, Any]) -> Proposed:
    return Proposed(
        number=item["iid"], link=item.get("web_url") or "", title=item["title"], body=item.get("description") or ""
    )


def _next(client: Client, path: str, answer: Answer) -> str:
    page = answer.headers.get("X-Next-Page", "")
    return f"{client.api}{path}&page={page}" if page.isdigit() else ""
