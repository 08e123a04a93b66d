"""GitHub, as far as comments on a pull request and pull requests of programs go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.harness.forge import NOW, Answer, Forge, Request

LONGEST = 65_536
GRAPHQL = ("/graphql", "/api/graphql")


class GitHubForge(Forge):
    """GitHub's issue comments and pull requests, at `/` and, as GitHub Enterprise Server has them, at `/api/v3`.

    Attributes:
        project, change: the repository and pull request that exist.
        locked: nobody may comment on it.
        pulls: pull requests as they are listed, besides those that were opened here.
        artifacts: what runs kept, by id: as the API shows it, and the archive.
    """

    prefixes = ("", "/api/v3")
    bot: Mapping[str, Any] = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot"}

    def __init__(self, description: Path, *, project: str = "acme/ml", change: int = 7) -> None:
        super().__init__(description)
        self.project, self.change = project, change
        self.locked = False
        self.pulls: list[dict[str, Any]] = []
        self.artifacts: dict[int, tuple[dict[str, Any], bytes]] = {}

    @property
    def enterprise_url(self) -> str:
        """Base address as on GitHub Enterprise Server."""
        return f"{self.address}/api/v3"

    def add(self, body: str, *, author: Mapping[str, Any] | None = None, change: int | None = None) -> dict[str, Any]:
        """Add a comment, by our bot unless another author is given, and return it."""
        with self._lock:
            id, number = next(self._ids), change or self.change
            api, page = f"{self.address}/repos/{self.project}", f"{self.address}/{self.project}/pull/{number}"
            comment = {
                "id": id,
                "node_id": f"IC_{id}",
                "url": f"{api}/issues/comments/{id}",
                "html_url": f"{page}#issuecomment-{id}",
                "issue_url": f"{api}/issues/{number}",
                "body": body,
                "user": dict(author or self.bot),
                "author_association": "NONE",
                "performed_via_github_app": None,
                "created_at": NOW,
                "updated_at": NOW,
            }
            self.comments.append(comment)
            return comment

    def reads(self, request: Request) -> bool:
        """Return whether a request changes nothing; a query does not."""
        return super().reads(request) or request.path in GRAPHQL

    def _check(self, request: Request) -> None:
        # Queries have a description of their own.
        if request.path not in GRAPHQL:
            super()._check(request)

    @property
    def storage(self) -> str:
        """Where archives are: another host, which must not see the token."""
        return self.address.replace("127.0.0.1", "localhost")

    def receive(self, request: Request) -> Answer:
        """Answer also as the storage."""
        if not request.path.startswith("/storage/"):
            return super().receive(request)
        if self.given_token(request):
            self.violations.append("the token was sent to the storage")
        return Answer(status=200, body=self.artifacts[int(request.path.rpartition("/")[2])][1])

    def keep(self, run: int, archive: bytes, name: str = "mlcicd-report") -> None:
        """Add what a run kept."""
        id = next(self._ids)
        shown = {"id": id, "name": name, "size_in_bytes": len(archive), "expired": False, "workflow_run": {"id": run}}
        self.artifacts[id] = (shown, archive)

    def given_token(self, request: Request) -> str:
        """Read `Authorization: Bearer …` or `token …`."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return token if kind.lower() in ("bearer", "token") else ""

    def denied(self) -> Answer:
        """Answer as for the token of a pull request from a fork."""
        return Answer(status=403, body={"message": "Resource not accessible by integration"})

    def unknown_token(self) -> Answer:
        """Answer as for a token nobody knows."""
        return Answer(status=401, body={"message": "Bad credentials"})

    def answer(self, request: Request) -> Answer:
        """Serve comments and the pull request of the one project."""
        if "user-agent" not in request.headers:
            self.violations.append(f"{request.method} {request.path}: GitHub refuses requests without a User-Agent")
        if request.path in GRAPHQL:
            return Answer(status=200, body={"data": {"viewer": {"login": self.bot["login"]}}})
        root = f"/repos/{self.project}"
        if request.path.startswith(f"{root}/actions/"):
            return self._actions(request, request.path.removeprefix(f"{root}/actions/"))
        if request.path == f"{root}/pulls/{self.change}" and request.method == "GET":
            shown = {"number": self.change, "state": "open", "locked": self.locked, "head": {"sha": self.head}}
            return Answer(status=200, body=shown)
        if request.path == f"{root}/pulls":
            return self._pulls(request)
        if match := re.fullmatch(rf"{re.escape(root)}/pulls/(\d+)", request.path):
            return self._pull(request, int(match[1]))
        if match := re.fullmatch(rf"{re.escape(root)}/issues/(\d+)/comments", request.path):
            return self._conversation(request, int(match[1]))
        if match := re.fullmatch(rf"{re.escape(root)}/issues/comments/(\d+)", request.path):
            return self._one(request, int(match[1]))
        return Answer(status=404, body={"message": "Not Found"})

    def _pulls(self, request: Request) -> Answer:
        owner = self.project.split("/")[0]
        if request.method == "POST":
            ours = [one["head"]["ref"] for one in self.proposals if one["state"] == "open"]
            if request.body["head"] in ours:
                return Answer(
                    status=422, body={"message": "Validation Failed", "errors": [{"resource": "PullRequest"}]}
                )
            number = 100 + len(self.proposals)
            self.proposals.append(
                {
                    "number": number,
                    "state": "open",
                    "html_url": f"{self.address}/{self.project}/pull/{number}",
                    "title": request.body["title"],
                    "body": request.body.get("body"),
                    "head": {"ref": request.body["head"], "label": f"{owner}:{request.body['head']}"},
                    "base": {"ref": request.body["base"]},
                    "user": dict(self.bot),
                }
            )
            return Answer(status=201, body=self.proposals[-1])
        wanted = request.query
        found = [
            one
            for one in [*self.proposals, *self.pulls]
            if wanted.get("state", "open") in (one["state"], "all")
            and wanted.get("head", one["head"]["label"]) == one["head"]["label"]
            and wanted.get("base", one["base"]["ref"]) == one["base"]["ref"]
        ]
        rows, place = self.page(request, found, 30)
        return Answer(status=200, body=rows, headers=self.next_link(request, place))

    def _actions(self, request: Request, path: str) -> Answer:
        if match := re.fullmatch(r"runs/(\d+)/artifacts", path):
            every = [shown for shown, _ in self.artifacts.values() if shown["workflow_run"]["id"] == int(match[1])]
            found = [shown for shown in every if request.query.get("name", shown["name"]) == shown["name"]]
            return Answer(status=200, body={"total_count": len(found), "artifacts": found})
        if match := re.fullmatch(r"artifacts/(\d+)/zip", path):
            return Answer(status=302, headers={"Location": f"{self.storage}/storage/{match[1]}"})
        return Answer(status=404, body={"message": "Not Found"})

    def _pull(self, request: Request, number: int) -> Answer:
        found = next((one for one in self.proposals if one["number"] == number), None)
        if found is None:
            return Answer(status=404, body={"message": "Not Found"})
        if request.method == "PATCH":
            found.update(request.body)
        return Answer(status=200, body=found)

    def _conversation(self, request: Request, number: int) -> Answer:
        if number != self.change:
            return Answer(status=404, body={"message": "Not Found"})
        if request.method == "POST":
            return self._invalid(request) or Answer(status=201, body=self.add(request.body["body"], change=number))
        issue = f"{self.address}/repos/{self.project}/issues/{number}"
        rows, place = self.page(request, [one for one in self.comments if one["issue_url"] == issue], 30)
        return Answer(status=200, body=rows, headers=self.next_link(request, place))

    def _one(self, request: Request, id: int) -> Answer:
        comment = next((one for one in self.comments if one["id"] == id), None)
        if comment is None:
            return Answer(status=404, body={"message": "Not Found"})
        if request.method == "DELETE":
            self.comments.remove(comment)
            return Answer(status=204)
        if request.method == "PATCH":
            if invalid := self._invalid(request):
                return invalid
            comment["body"] = request.body["body"]
        return Answer(status=200, body=comment)

    def _invalid(self, request: Request) -> Answer | None:
        body = request.body.get("body") if isinstance(request.body, dict) else None
        if not isinstance(body, str) or not body:
            return Answer(status=422, body={"message": "Validation Failed"})
        if len(body) > LONGEST:
            error = {"message": f"Body is too long (maximum is {LONGEST} characters)"}
            return Answer(status=422, body={"message": "Validation Failed", "errors": [error]})
        return None
