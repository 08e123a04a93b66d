"""GitLab, as far as notes on a merge request and merge requests of programs go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.e2e.harness.forge import NOW, Answer, Forge, Request

DESCRIPTION = Path(__file__).with_name("gitlab-api.json")


class GitLabForge(Forge):
    """GitLab's notes on merge requests, below `/api/v4`; newest first by default, and with notes of the system.

    Attributes:
        project, path, change: the project (number and path) and the merge request that exist.
    """

    prefixes = ("/api/v4",)
    bot: Mapping[str, Any] = {"id": 501, "username": "project_99_bot_4f2a", "name": "mlcicd"}

    def __init__(self, *, project: int = 99, path: str = "acme/ml", change: int = 12) -> None:
        super().__init__(DESCRIPTION)
        self.project, self.path, self.change = project, path, change

    def add(self, body: str, *, author: Mapping[str, Any] | None = None, system: bool = False) -> dict[str, Any]:
        """Add a note, by our bot unless another author is given, and return it."""
        with self._lock:
            note = {
                "id": next(self._ids),
                "type": None,
                "body": body,
                "author": dict(author or self.bot),
                "created_at": NOW,
                "updated_at": NOW,
                "system": system,
                "noteable_id": 1000 + self.change,
                "noteable_type": "MergeRequest",
                "noteable_iid": self.change,
                "project_id": self.project,
                "resolvable": False,
                "confidential": False,
                "internal": False,
            }
            self.comments.append(note)
            return note

    def given_token(self, request: Request) -> str:
        """Read `PRIVATE-TOKEN` or `Authorization: Bearer …`; a job token is none for these calls."""
        kind, _, bearer = request.headers.get("authorization", "").partition(" ")
        return request.headers.get("private-token") or (bearer if kind.lower() == "bearer" else "")

    def denied(self) -> Answer:
        """Answer as for a token without the scope `api`."""
        message = "The request requires higher privileges than provided by the access token."
        return Answer(status=403, body={"error": "insufficient_scope", "error_description": message, "scope": "api"})

    def unknown_token(self) -> Answer:
        """Answer as for a token nobody knows."""
        return Answer(status=401, body={"message": "401 Unauthorized"})

    def answer(self, request: Request) -> Answer:
        """Serve the notes of the one merge request, the request itself, the project and the token's user."""
        project = next((f"/projects/{id}" for id in (self.project, self.path) if self._below(request.path, id)), None)
        if request.path == "/user":
            return Answer(status=200, body=self.bot)
        if project and request.path == project:
            return Answer(status=200, body={"id": self.project, "path_with_namespace": self.path})
        change = f"{project}/merge_requests/{self.change}"
        if project and request.path == change:
            return Answer(status=200, body={"iid": self.change, "project_id": self.project, "sha": self.head})
        if project and request.path == f"{project}/merge_requests":
            return self._requests(request)
        if project and (match := re.fullmatch(rf"{re.escape(project)}/merge_requests/(\d+)", request.path)):
            return self._request(request, int(match[1]))
        if project and request.path == f"{change}/notes":
            return self._notes(request)
        if project and (match := re.fullmatch(rf"{re.escape(change)}/notes/(\d+)", request.path)):
            return self._one(request, int(match[1]))
        return Answer(status=404, body={"message": "404 Not found"})

    def _check(self, request: Request) -> None:
        # A project may be named by its path, in one segment.
        number = request.path.replace(f"/projects/{self.path}", f"/projects/{self.project}")
        super()._check(replace(request, path=number))

    def _below(self, path: str, id: int | str) -> bool:
        return path == f"/projects/{id}" or path.startswith(f"/projects/{id}/")

    def _requests(self, request: Request) -> Answer:
        if request.method == "POST":
            fields = request.body
            same = [one for one in self.proposals if one["source_branch"] == fields["source_branch"]]
            if any(one["state"] == "opened" for one in same):
                return Answer(status=409, body={"message": ["Another open merge request already exists"]})
            iid = 100 + len(self.proposals)
            self.proposals.append(
                {
                    "iid": iid,
                    "state": "opened",
                    "web_url": f"{self.address}/{self.path}/-/merge_requests/{iid}",
                    **{key: fields.get(key) for key in ("title", "description", "source_branch", "target_branch")},
                }
            )
            return Answer(status=201, body=self.proposals[-1])
        wanted = {
            key: request.query[key] for key in ("state", "source_branch", "target_branch") if key in request.query
        }
        rows, place = self.page(request, [one for one in self.proposals if wanted.items() <= one.items()], 20)
        return Answer(status=200, body=rows, headers=self.next_link(request, place))

    def _request(self, request: Request, iid: int) -> Answer:
        found = next((one for one in self.proposals if one["iid"] == iid), None)
        if found is None:
            return Answer(status=404, body={"message": "404 Not found"})
        if request.method == "PUT":
            found.update(request.body)
        return Answer(status=200, body=found)

    def _notes(self, request: Request) -> Answer:
        if request.method == "POST":
            return self._blank(request) or Answer(status=201, body=self.add(request.body["body"]))
        oldest_first = request.query.get("sort") == "asc"
        rows, place = self.page(request, self.comments if oldest_first else self.comments[::-1], 20)
        more = place["page"] < place["last"]
        headers = {
            "X-Page": str(place["page"]),
            "X-Per-Page": str(place["per"]),
            "X-Next-Page": str(place["page"] + 1) if more else "",
            "X-Total": str(len(self.comments)),
            "X-Total-Pages": str(place["last"]),
        }
        return Answer(status=200, body=rows, headers=headers | self.next_link(request, place))

    def _one(self, request: Request, id: int) -> Answer:
        note = next((one for one in self.comments if one["id"] == id), None)
        if note is None:
            return Answer(status=404, body={"message": "404 Note Not Found"})
        if request.method != "GET" and note["author"]["id"] != self.bot["id"]:
            return Answer(status=403, body={"message": "403 Forbidden"})
        if request.method == "DELETE":
            self.comments.remove(note)
            return Answer(status=204)
        if request.method == "PUT":
            if blank := self._blank(request):
                return blank
            note["body"] = request.body["body"]
        return Answer(status=200, body=note)

    def _blank(self, request: Request) -> Answer | None:
        body = request.body.get("body") if isinstance(request.body, dict) else None
        if isinstance(body, str) and body:
            return None
        return Answer(status=400, body={"error": "body is missing"})
