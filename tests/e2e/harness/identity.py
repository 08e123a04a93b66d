"""What gives a job its identity, and what a cloud makes of it, on loopback.

`/token` answers as a CI system's token endpoint does; everything else is a request to AWS's token service, which is
passed on to a real implementation behind (moto) only when its token is one of ours, made out to AWS.
"""

from __future__ import annotations

import base64
import http.client
import json
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

AWS = "sts.amazonaws.com"


@dataclass
class Identity:
    """A running server.

    Attributes:
        behind: port of the token service that AWS's requests are passed on to; 0: there is none.
        bearer: what a request for a token has to bring.
        issued: audience of each token.
        roles: the role and the name of the session of each request that was passed on.
        refused: what AWS was asked for with a token of somebody else's, or made out to another.
        failures: statuses to answer with first, one for each request for a token; 0 hangs up.
    """

    behind: int = 0
    bearer: str = field(default_factory=lambda: f"request-{uuid.uuid4().hex}")
    issued: dict[str, str] = field(default_factory=dict)
    roles: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    answer: Any = None

    @property
    def url(self) -> str:
        """Address of AWS's token service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def mint(self) -> str:
        """Address that makes tokens, as a CI system writes it into a variable."""
        return f"{self.url}/token?api-version=2.0"

    def issue(self, audience: str) -> str:
        """Make a token out to somebody."""
        parts = [json.dumps(part).encode() for part in ({"alg": "none"}, {"aud": audience, "jti": uuid.uuid4().hex})]
        token = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b"signature"))
        self.issued[token] = audience
        return token

    def __enter__(self) -> Identity:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def _handler(identity: Identity) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            (audience,) = parse_qs(asked.query).get("audience", [""])
            if identity.failures:
                status = identity.failures.pop(0)
                return self.reply(status, b'{"message": "try later"}') if status else None
            if asked.path != "/token" or "api-version=2.0" not in asked.query or not audience:
                return self.reply(404, b"{}")
            if self.headers.get("Authorization", "").lower() != f"bearer {identity.bearer}":
                return self.reply(401, b'{"message": "bad bearer"}')
            body = {"value": identity.issue(audience)} if identity.answer is None else identity.answer
            return self.reply(200, json.dumps(body).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            good = identity.issued.get(form.get("WebIdentityToken", "")) == AWS
            if form.get("Action") != "AssumeRoleWithWebIdentity" or not good:
                identity.refused.append(form.get("Action", ""))
                return self.reply(
                    400, b"<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>"
                )
            identity.roles.append((form["RoleArn"], form["RoleSessionName"]))
            connection = http.client.HTTPConnection("127.0.0.1", identity.behind, timeout=30)
            connection.request("POST", "/", body, {"Content-Type": "application/x-www-form-urlencoded"})
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            return self.reply(answer.status, content, "text/xml")

        def reply(self, status: int, content: bytes, kind: str = "application/json") -> None:
            self.send_response_only(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    return Handler
