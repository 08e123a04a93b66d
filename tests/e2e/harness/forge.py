"""Forges of our own on loopback: they keep comments and proposals, check every request, and fail when they are told to.

A request is compared with the forge's API description: a path, a method, a query or a body that the description
does not know is a violation, whatever the answer was. The fixtures fail at the end of a test that caused one.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from jsonschema import Draft202012Validator

NOW = "2026-01-02T03:04:05Z"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it arrived; `path` is decoded and without `prefix`, `body` parsed when it is JSON."""

    method: str
    prefix: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the forge answers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Failure:
    """A failure to come; see `Forge.fail_next`."""

    answer: Answer
    times: int
    method: str | None
    late: bool


class Forge:
    """What both forges share: the server, the checks, the recorded requests, the scripted failures.

    Attributes:
        url: base address of the API.
        token, read_only_token: what is accepted; anything else gives 401.
        comments: all of them, oldest first, as the API shows them.
        proposals: the pull or merge requests that were opened here, oldest first, as the API shows them.
        requests: every request, in order.
        violations: what the API description forbids.
        largest: entries on a page, at most.
        head: newest commit of the change, as the API shows it; "" where a test does not care.
        hook: called before each request is handled, e.g. to let a competitor act in between.
    """

    prefixes: tuple[str, ...] = ("",)
    token = "forge-token-that-may-write"
    read_only_token = "forge-token-that-may-read"

    def __init__(self, description: Path) -> None:
        self.description: dict[str, Any] = json.loads(description.read_text("utf-8"))
        self.comments: list[dict[str, Any]] = []
        self.proposals: list[dict[str, Any]] = []
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.largest = 100
        self.head = ""
        self.hook: Callable[[Request], None] | None = None
        self._failures: list[Failure] = []
        self._lock = threading.RLock()
        self._ids = iter(range(1001, 1_000_000))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        """Start to serve."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop to serve."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """Base address of the API."""
        return self.address + self.prefixes[0]

    @property
    def writes(self) -> list[Request]:
        """The requests that wanted to change something."""
        return [request for request in self.requests if not self.reads(request)]

    def fail_next(
        self,
        status: int,
        times: int = 1,
        *,
        method: str | None = None,
        late: bool = False,
        headers: Mapping[str, str] | None = None,
        message: str = "scripted failure",
    ) -> None:
        """Answer the next requests with a failure.

        Args:
            status: HTTP status, or 0 to close the connection without an answer.
            times: how many requests.
            method: only requests of this method.
            late: the request takes effect all the same, as when a proxy in between gives up.
            headers: e.g. Retry-After.
            message: for the body.
        """
        answer = Answer(status=status, body={"message": message}, headers=headers or {})
        self._failures.append(Failure(answer=answer, times=times, method=method, late=late))

    def receive(self, request: Request) -> Answer:
        """Record, check and answer one request."""
        if self.hook:
            self.hook(request)
        with self._lock:
            self.requests.append(request)
            self._check(request)
            failure = self._failure(request)
            if failure and not failure.late:
                return failure.answer
            answer = self.refuse(request) or self.answer(request)
            return failure.answer if failure else answer

    def refuse(self, request: Request) -> Answer | None:
        """Return the answer to a request whose token does not suffice, or None."""
        given = self.given_token(request)
        if given == self.token or (given == self.read_only_token and self.reads(request)):
            return None
        return self.denied() if given == self.read_only_token else self.unknown_token()

    def reads(self, request: Request) -> bool:
        """Return whether a request changes nothing."""
        return request.method == "GET"

    def given_token(self, request: Request) -> str:
        """Return the token of a request, or ""."""
        raise NotImplementedError

    def denied(self) -> Answer:
        """Answer a write with a token that may only read."""
        raise NotImplementedError

    def unknown_token(self) -> Answer:
        """Answer a request without a known token."""
        raise NotImplementedError

    def answer(self, request: Request) -> Answer:
        """Do what an allowed request asks for."""
        raise NotImplementedError

    def page(self, request: Request, rows: list[Any], size: int) -> tuple[list[Any], dict[str, int]]:
        """Return one page of `rows`, and where it is."""
        per = min(int(request.query.get("per_page", size)), self.largest)
        page = int(request.query.get("page", 1))
        last = max(1, -(-len(rows) // per))
        return rows[(page - 1) * per : page * per], {"page": page, "last": last, "per": per}

    def next_link(self, request: Request, place: Mapping[str, int]) -> dict[str, str]:
        """Return the Link header to the next page, or nothing on the last one."""
        if place["page"] >= place["last"]:
            return {}
        query = urlencode({**request.query, "page": place["page"] + 1})
        return {"Link": f'<{self.address}{request.prefix}{quote(request.path)}?{query}>; rel="next"'}

    def _failure(self, request: Request) -> Failure | None:
        for failure in self._failures:
            if failure.times > 0 and failure.method in (None, request.method):
                failure.times -= 1
                return failure
        return None

    @cached_property
    def _templates(self) -> list[tuple[re.Pattern[str], str]]:
        # Fixed words win over parameters: fewest parameters first.
        ordered = sorted(self.description, key=lambda path: path.count("{"))
        return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + r"\Z"), path) for path in ordered]

    def _check(self, request: Request) -> None:
        what = f"{request.method} {request.path}"
        path = next((path for pattern, path in self._templates if pattern.match(request.path)), None)
        operation = self.description.get(path or "", {}).get(request.method)
        if operation is None:
            self.violations.append(f"{what}: the API has no such operation")
            return
        unknown = set(request.query) - set(operation["query"])
        if unknown:
            self.violations.append(f"{what}: unknown query {sorted(unknown)}")
        if operation["body"] is not None and request.method != "GET":
            errors = Draft202012Validator(operation["body"]).iter_errors(request.body)
            self.violations += [f"{what}: body{error.json_path[1:]}: {error.message[:200]}" for error in errors]


def _handler(forge: Forge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            answer = forge.receive(_parsed(self, forge.prefixes))
            if answer.status == 0:
                self.close_connection = True
                return
            data = answer.body if isinstance(answer.body, bytes) else b""
            if answer.body is not None and not isinstance(answer.body, bytes):
                data = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:
            """Stay silent."""

    return Handler


def _parsed(handler: BaseHTTPRequestHandler, prefixes: tuple[str, ...]) -> Request:
    address = urlsplit(handler.path)
    prefix = next((one for one in sorted(prefixes, key=len, reverse=True) if address.path.startswith(one)), None)
    headers = {name.lower(): value for name, value in handler.headers.items()}
    raw = handler.rfile.read(int(headers.get("content-length") or 0))
    return Request(
        method=handler.command,
        prefix=prefix or "",
        path=unquote(address.path.removeprefix(prefix or "")),
        query=dict(parse_qsl(address.query)),
        headers=headers,
        body=_json(raw) if "json" in headers.get("content-type", "") else raw.decode(errors="replace"),
    )


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")
