"""A forge's git on loopback: git's own HTTP server behind a log-in. Nobody reads or pushes without a token."""

from __future__ import annotations

import base64
import binascii
import os
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from tests.e2e.harness.repo import PROJECT

SECONDS = 60


@dataclass(frozen=True)
class Push:
    """One request to push: who asked, and the status that it was answered with."""

    user: str
    status: int


class GitServer:
    """Serves one bare repository as `<url>/acme/ml.git`.

    Attributes:
        pushes: every request to push, in order.
    """

    def __init__(self, token: str, find: Callable[[], Path]) -> None:
        """Take the token that may do everything, and what tells where the repository is at the moment."""
        self.token, self.find = token, find
        self.pushes: list[Push] = []
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
    def url(self) -> str:
        """Scheme, host and port; curl knows the name, and for GitHub's artifact actions it is no Enterprise Server."""
        return f"http://git.localhost:{self._server.server_address[1]}"

    def user(self, header: str) -> str:
        """Return who logs in with this header, or ""."""
        kind, _, login = header.partition(" ")
        try:
            user, _, password = base64.b64decode(login).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return ""
        return user if kind == "Basic" and password == self.token else ""


def _handler(server: GitServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            user = server.user(self.headers.get("Authorization", ""))
            status, headers, answer = self._answer(path, query, user, body)
            if "git-receive-pack" in self.path:
                server.pushes.append(Push(user, status))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = handle_request  # noqa: N815

        def _answer(self, path: str, query: str, user: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
            if not user:
                return 401, {"WWW-Authenticate": 'Basic realm="git"'}, b""
            prefix = f"/{PROJECT}.git"
            if not path.startswith(f"{prefix}/"):
                return 404, {}, b""
            origin = server.find()
            variables = {
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(origin.parent),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "PATH_INFO": f"/{origin.name}{path.removeprefix(prefix)}",
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REMOTE_USER": user,
                "REMOTE_ADDR": "127.0.0.1",
            }
            argv = ["git", "http-backend"]
            done = subprocess.run(argv, input=body, env=variables, capture_output=True, timeout=SECONDS, check=False)
            head, _, answer = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
            status = int(headers.pop("Status", "200").split()[0])
            return status, headers, answer

        def log_message(self, format: str, *arguments: object) -> None:
            """Stay silent."""

    return Handler
