"""A small JSON client for a forge's API: bounded, patient with reads, never twice with writes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from mlcicd.errors import OutsideError
from mlcicd.runtime.markdown import clean

MAX_BYTES = 10 * 1024 * 1024
MAX_PAGES = 50
TRIES = 3
PATIENCE = 30.0  # seconds; the longest pause that a server may ask for
TIMEOUT = urllib3.Timeout(connect=10, read=30)
TEMPORARY = frozenset({429, 500, 502, 503, 504})
MOVED = frozenset({301, 302, 307, 308})

Origin = tuple[str, str | None, int | None]


class Refusal(OutsideError):
    """The forge answered, but not with what was asked for.

    `status` is HTTP's, `said` the forge's own message in one line, `wait` the seconds it asks for.
    """

    def __init__(self, status: int, said: str, address: str, wait: float = 0) -> None:
        super().__init__(f"{address}: HTTP {status}" + (f": {said}" if said else ""))
        self.status = status
        self.said = said
        self.wait = wait


class Unanswered(OutsideError):
    """No answer came: the network, the name or the certificate."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response: its headers, and its body as JSON."""

    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, kw_only=True)
class Client:
    """Access to one API.

    Attributes:
        api: base address, without a trailing slash; the token goes nowhere else.
        headers: sent with every request; the token is among them.
        certificates: file of a private certificate authority, or "".
        pause: waits that many seconds.
    """

    api: str
    headers: Mapping[str, str] = field(repr=False)
    certificates: str = ""
    pause: Callable[[float], None] = time.sleep

    def get(self, path: str) -> Answer:
        """Read; tried again when the failure may pass."""
        return self._read(self.api + path)

    def pages(self, path: str, following: Callable[[Answer], str]) -> Iterator[Any]:
        """Yield the entries of every page; `following` returns the address of the next one, or ""."""
        address = self.api + path
        for _ in range(MAX_PAGES):
            answer = self._read(address)
            if not isinstance(answer.body, list):
                raise OutsideError(
                    f"{_shown(address)}: expected a list", hint="is this the address of the forge's API?"
                )
            yield from answer.body
            address = following(answer)
            if not address:
                return

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        """Write, once: after a failure nobody knows whether it happened."""
        return self._once(method, self.api + path, json.dumps(body).encode())

    def _read(self, address: str) -> Answer:
        for attempt in range(1, TRIES):
            try:
                return self._once("GET", address)
            except Unanswered:
                self.pause(2.0**attempt)
            except Refusal as refusal:
                if refusal.status not in TEMPORARY or refusal.wait > PATIENCE:
                    raise
                self.pause(refusal.wait or 2.0**attempt)
        return self._once("GET", address)

    def _once(self, method: str, address: str, body: bytes | None = None) -> Answer:
        for _ in range(4):
            if _origin(address) != _origin(self.api):
                raise OutsideError(
                    f"{_shown(self.api)} points to {_shown(address)}, and the token is not sent to another host",
                    hint="is the address of the API right?",
                )
            response, raw = self._exchange(method, address, body)
            location = response.headers.get("Location")
            if method != "GET" or response.status not in MOVED or not location:
                return _answer(response, raw, address)
            address = urljoin(address, location)
        raise OutsideError(f"{_shown(address)}: redirected in a circle", hint="is the address of the API right?")

    def _exchange(self, method: str, address: str, body: bytes | None) -> tuple[urllib3.BaseHTTPResponse, bytes]:
        headers = {"Content-Type": "application/json", "User-Agent": "mlcicd", **self.headers}
        try:
            with _pool(self.api, self.certificates) as pool:
                response = pool.request(
                    method,
                    address,
                    body=body,
                    headers=headers,
                    timeout=TIMEOUT,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
                raw = response.read(MAX_BYTES + 1)
                response.close()
        except urllib3.exceptions.HTTPError as error:
            raise Unanswered(
                f"{_shown(address)}: {clean(str(error), 200)}",
                hint="is the forge reachable from here? then run the job again",
            ) from None
        if len(raw) > MAX_BYTES:
            raise OutsideError(f"{_shown(address)}: an answer of more than {MAX_BYTES:,} bytes")
        return response, raw


def _answer(response: urllib3.BaseHTTPResponse, raw: bytes, address: str) -> Answer:
    try:
        body = json.loads(raw) if raw else None
    except ValueError:
        body = None
        if response.status < 300:
            raise OutsideError(
                f"{_shown(address)}: the answer is not JSON", hint="is this the address of the forge's API?"
            ) from None
    if response.status >= 300:
        asked = response.headers.get("Retry-After", "")
        raise Refusal(response.status, _said(body), _shown(address), float(asked) if asked.isdigit() else 0)
    return Answer(headers=response.headers, body=body)


def _said(body: Any) -> str:
    message = (body.get("message") or body.get("error")) if isinstance(body, dict) else ""
    return clean(message if isinstance(message, str) else json.dumps(message), 200) if message else ""


def _pool(api: str, certificates: str) -> urllib3.PoolManager:
    parts = urlsplit(api)
    authority = certificates or None
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy, ca_certs=authority)
    return urllib3.PoolManager(ca_certs=authority)


def _origin(address: str) -> Origin:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port


def _shown(address: str) -> str:
    """Leave out what could be secret or long: user, query."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
