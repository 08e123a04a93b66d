"""An S3-compatible server on loopback (moto), and a proxy before it that counts bytes and injects faults.

What is tested sees the proxy alone. Both end with the test that started them.
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

BUCKET = "bucket"
HANG = 60.0  # seconds that a request without an answer is held at most
# A process of its own, which ends when its standard input does: that is, at the latest with us.
_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
Kind = Literal["denied", "expired", "absent", "no-bucket", "slow-down", "reset", "corrupt", "cut", "garbled", "hang"]
# What AWS answers: status, code and message.
_REFUSALS: dict[str, tuple[int, str, str]] = {
    "denied": (403, "AccessDenied", "Access Denied"),
    "expired": (400, "ExpiredToken", "The provided token has expired."),
    "absent": (404, "NoSuchKey", "The specified key does not exist."),
    "no-bucket": (404, "NoSuchBucket", "The specified bucket does not exist"),
    "slow-down": (503, "SlowDown", "Please reduce your request rate."),
}


@dataclass
class Fault:
    """What goes wrong for the requests whose path holds `match`: for the first `times` of them, or for all."""

    kind: Kind
    match: str = ""
    times: int = -1
    seen: int = 0


@dataclass
class S3:
    """A running server. `sent` counts the bytes of each object that was downloaded, by its key."""

    port: int = 0
    behind: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Address of the end point."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> int:
        """Bytes of objects that were downloaded, without the lists of folders and the run cache."""
        return sum(size for key, size in self.sent.items() if re.search(r"files/md5/../[0-9a-f]{30}$", key))

    def inject(self, kind: Kind, match: str = "", times: int = -1) -> Fault:
        """Let requests fail from now on."""
        self.faults.append(Fault(kind=kind, match=match, times=times))
        return self.faults[-1]

    def reset(self) -> None:
        """Forget faults and counts, and all objects."""
        self.faults.clear()
        self.forget()
        self._behind("POST", "/moto-api/reset")
        self._behind("PUT", f"/{BUCKET}")

    def forget(self) -> None:
        """Forget the counts."""
        self.sent.clear()
        self.requests.clear()

    def _behind(self, method: str, path: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.behind, timeout=30)
        connection.request(method, path)
        assert connection.getresponse().status == 200
        connection.close()

    def fault(self, method: str, path: str) -> Fault | None:
        """Return the fault that a request meets; one of the content meets only those for content."""
        with self._lock:
            for one in self.faults:
                has_part = method == "GET" or one.kind not in ("corrupt", "garbled", "cut")
                if has_part and one.match in path and one.times != one.seen:
                    one.seen += 1
                    return one
        return None

    def __enter__(self) -> S3:
        argv = [sys.executable, "-c", _SERVER]
        self._moto = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._moto.stdout is not None
        self.behind = int(self._moto.stdout.readline())
        self._ended = threading.Event()
        self._proxy = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, self._ended))
        self._proxy.daemon_threads = True
        self.port = self._proxy.server_address[1]
        self._thread = threading.Thread(target=self._proxy.serve_forever, daemon=True)
        self._thread.start()
        self._behind("PUT", f"/{BUCKET}")
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._proxy.shutdown()
        self._proxy.server_close()
        self._thread.join(10)
        self._moto.kill()
        for stream in (self._moto.stdin, self._moto.stdout):
            assert stream is not None
            stream.close()
        self._moto.wait(10)


def _handler(s3: S3, ended: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with suppress(ConnectionError):  # a client may go away whenever it likes
                super().handle()

        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            s3.requests.append(f"{self.command} {self.path}")
            fault = s3.fault(self.command, self.path)
            kind = fault.kind if fault else None
            if kind == "hang":
                ended.wait(HANG)
            if kind in ("reset", "hang"):
                self.hang_up()
            elif kind in _REFUSALS:
                self.refuse(*_REFUSALS[kind])
            else:
                self.forward(body, kind)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve  # noqa: N815

        def hang_up(self) -> None:
            """Reset the connection, as a broken network does."""
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def refuse(self, status: int, code: str, message: str) -> None:
            body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
            self.send_response_only(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def forward(self, body: bytes, kind: Kind | None) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", s3.behind, timeout=30)
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                # Bytes that are wrong in the store have their own checksum, bytes garbled on the way do not.
                if kind == "corrupt" and name.lower().startswith(("x-amz-checksum", "etag")):
                    continue
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            if self.command == "GET" and answer.status in (200, 206):
                s3.sent[self.path.partition("?")[0].removeprefix(f"/{BUCKET}/")] += len(content)
            if kind == "cut" and content:
                content, self.close_connection = content[: len(content) // 2], True
            self.wfile.write(_other(content) if kind in ("corrupt", "garbled") else content)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    return Handler


def _other(content: bytes) -> bytes:
    """Return other bytes of the same length."""
    return bytes(byte ^ 1 for byte in content)
