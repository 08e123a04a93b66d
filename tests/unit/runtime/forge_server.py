"""A forge on loopback: keeps comments and proposals, records requests, fails when told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

PAGE = 2


@dataclass
class Server:
    """Comments and proposals kept by a forge, the requests it saw, and the failures it is told to have.

    `head` is the newest commit of every change, `base` the commit it is for, `locked` its conversation; `files` are
    answered as they are.
    """

    url: str = ""
    head: str = "a" * 40
    base: str = "b" * 40
    locked: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    proposals: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    failures: dict[tuple[str, str], list[tuple[int, dict[str, str], str]]] = field(default_factory=dict)

    def fail(self, method: str, part: str, *answers: tuple[int, dict[str, str], str]) -> None:
        self.failures[method, part] = list(answers)

    def seen(self, method: str) -> list[str]:
        return [path for verb, path, _, _ in self.requests if verb == method]


class Handler(BaseHTTPRequestHandler):
    server_state: ClassVar[Server]

    def handle_any(self) -> None:
        state = self.server_state
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        state.requests.append((self.command, self.path, dict(self.headers), body))
        for (method, part), answers in state.failures.items():
            if method == self.command and part in self.path and answers:
                status, headers, text = answers.pop(0)
                self.reply(status, text.encode(), headers)
                return
        self.serve(body)

    def serve(self, body: Any) -> None:
        state, parts = self.server_state, urlsplit(self.path)
        if parts.path in state.files:
            self.reply(200, state.files[parts.path])
        elif parts.path.endswith("/user"):
            self.reply(200, b'{"login": "bot", "username": "bot"}')
        elif parts.path.endswith(("/pulls", "/merge_requests")):
            self.serve_proposals(body, parse_qs(parts.query))
        elif parts.path.rsplit("/", 2)[1] in ("pulls", "merge_requests") and self.command == "GET":
            locked = {"locked": state.locked, "discussion_locked": state.locked}
            base = {"base": {"sha": state.base}, "diff_refs": {"base_sha": state.base}}
            self.reply(200, json.dumps({"head": {"sha": state.head}, "sha": state.head, **base, **locked}).encode())
        elif parts.path.rsplit("/", 2)[1] in ("pulls", "merge_requests"):
            found = next(item for item in state.proposals if item["number"] == int(parts.path.rsplit("/", 1)[1]))
            found.update(proposal(found["number"], body | {"head": found["source"], "base": found["target"]}))
            self.reply(200, json.dumps(found).encode())
        elif self.command == "GET":
            page = int(parse_qs(parts.query).get("page", ["1"])[0])
            items = state.comments[(page - 1) * PAGE : page * PAGE]
            more = page * PAGE < len(state.comments)
            address = f"{state.url}{parts.path}?page={page + 1}"
            headers = {"X-Next-Page": str(page + 1) if more else "", "Link": f'<{address}>; rel="next"' if more else ""}
            self.reply(200, json.dumps(items).encode(), headers)
        elif self.command == "POST":
            state.comments.append(note(max([one["id"] for one in state.comments], default=0) + 1, body["body"]))
            self.reply(201, json.dumps(state.comments[-1]).encode())
        else:
            self.serve_one(int(parts.path.rsplit("/", 1)[1]), body)

    def serve_one(self, number: int, body: Any) -> None:
        comments = self.server_state.comments
        found = next((item for item in comments if item["id"] == number), None)
        if found is None:
            self.reply(404, b'{"message": "Not Found"}')
        elif self.command == "DELETE":
            comments.remove(found)
            self.reply(204, b"")
        else:
            found["body"] = body["body"]
            self.reply(200, b"{}")

    def serve_proposals(self, body: Any, query: dict[str, list[str]]) -> None:
        """Keep them as GitHub shows them, and GitLab's words for the same beside."""
        state = self.server_state
        if self.command == "POST":
            state.proposals.append(proposal(len(state.proposals) + 1, body))
            self.reply(201, json.dumps(state.proposals[-1]).encode())
            return
        source = query.get("source_branch") or [query["head"][0].partition(":")[2]]
        target = query.get("target_branch") or query["base"]
        found = [item for item in state.proposals if [item["source"], item["target"]] == [source[0], target[0]]]
        self.reply(200, json.dumps(found).encode())

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def note(number: int, body: str, author: str = "bot", *, system: bool = False) -> dict[str, Any]:
    """Return a comment as either forge would list it."""
    kind = "Bot" if author.endswith("bot") else "User"
    return {
        "id": number,
        "body": body,
        "user": {"login": author, "type": kind},
        "author": {"username": author},
        "system": system,
    }


def proposal(number: int, body: dict[str, Any]) -> dict[str, Any]:
    """Return an open request as either forge would list it."""
    text = body.get("body", body.get("description"))
    link = f"https://forge.example/o/r/{number}"
    return {
        "number": number,
        "iid": number,
        "html_url": link,
        "web_url": link,
        "title": body["title"],
        "body": text,
        "description": text,
        "source": body.get("head", body.get("source_branch")),
        "target": body.get("base", body.get("target_branch")),
    }


@contextmanager
def serve() -> Iterator[Server]:
    """Run one for the length of a block."""
    state = Server()
    handler = type("Bound", (Handler,), {"server_state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        state.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        http.shutdown()
        thread.join()
