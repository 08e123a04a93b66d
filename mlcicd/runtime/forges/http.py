"""A small JSON client for a forge's API: bounded, patient with reads, never twice with writes.

What a write that failed has done nobody knows; who calls looks again before the next one (`runtime/settle.py`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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
UNNAMED = 60.0  # seconds; what a forge wants that says "too many" and not for how long

Origin = tuple[str, str | None, int | None]


class Refusal(OutsideError):
    """The forge answered, but not with what was asked for.

    `status` is HTTP's, `said` the forge's own message in one line, `wait` the seconds it asks for, `limited` whether
    it was one request too many.
    """

    def __init__(self, status: int, said: str, address: str, wait: float = 0, *, limited: bool = False) -> None:
        super().__init__(f"{address}: HTTP {status}" + (f": {said}" if said else ""))
        self.status = status
        self.said = said
        self.wait = wait
        self.limited = limited

    @property
    def passing(self) -> bool:
        """Whether the same request may be answered later."""
        return self.limited or self.status in TEMPORARY


class Unanswered(OutsideError):
    """No answer came: the network, the name or the certificate."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response: its headers, and its body as JSON."""

    headers: Mapping[str, str]
    body: Any

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body where it is an object, else nothing."""
        return self.body if isinstance(self.body, dict) else {}


@dataclass(frozen=True, kw_only=True)
class Client:
    """Access to one API.

    Attributes:
        api: base address, without a trailing slash; the token goes nowhere else.
        headers: sent with every request; the token is among them.
        certificates: file of a private certificate authority, or "".
        pause: waits that many seconds.
        now: seconds since 1970, the clock of a forge that says when its limit ends.
    """

    api: str
    headers: Mapping[str, str] = field(repr=False)
    certificates: str = ""
    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time

    def get(self, path: str) -> Answer:
        """Read; tried again when the failure may pass."""
        return self._read(self.api + path)

    def query(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Read by a request that has a body; tried again like any other reading."""
        return self._read(self.api + path, "POST", json.dumps(body).encode())

    def pages(self, path: str, following: Callable[[Answer], str], *, patient: bool = True) -> Iterator[Any]:
        """Yield the entries of every page; `following` returns the address of the next one, or "".

        Impatient, a failure is the caller's: pages that are read with a pause between belong to no one moment.
        """
        address = self.api + path
        for _ in range(MAX_PAGES):
            answer = self._read(address) if patient else self._once("GET", address)
            if not isinstance(answer.body, list):
                raise OutsideError(
                    f"{_shown(address)}: expected a list", hint="is this the address of the forge's API?"
                )
            yield from answer.body
            address = following(answer)
            if not address:
                return

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Write, once: after a failure nobody knows whether it happened."""
        return self._once(method, self.api + path, None if body is None else json.dumps(body).encode())

    def download(self, path: str, limit: int) -> bytes:
        """Return a file of at most `limit` bytes. Where the forge keeps it elsewhere, it is asked for without token.

        Raises:
            OutsideError: when it is not there, or larger.
        """
        address = self.api + path
        response, raw = self._exchange("GET", address, None, limit)
        location = response.headers.get("Location")
        if response.status in MOVED and location:
            address = urljoin(address, location)
            if urlsplit(address).scheme not in ("https", urlsplit(self.api).scheme):
                raise OutsideError(f"{_shown(address)}: no address to fetch a file from")
            response, raw = replace(self, headers={})._exchange("GET", address, None, limit)
        if response.status >= 300:
            raise Refusal(response.status, "", _shown(address))
        return raw

    def _read(self, address: str, method: str = "GET", body: bytes | None = None) -> Answer:
        for attempt in range(1, TRIES):
            try:
                return self._once(method, address, body)
            except Unanswered:
                self.pause(2.0**attempt)
            except Refusal as refusal:
                if not refusal.passing or refusal.wait > PATIENCE:
                    raise
                self.pause(refusal.wait or 2.0**attempt)
        return self._once(method, address, body)

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
                return self._answer(response, raw, address)
            address = urljoin(address, location)
        raise OutsideError(f"{_shown(address)}: redirected in a circle", hint="is the address of the API right?")

    def _exchange(
        self, method: str, address: str, body: bytes | None, limit: int = MAX_BYTES
    ) -> tuple[urllib3.BaseHTTPResponse, bytes]:
        headers = {"Content-Type": "application/json", "User-Agent": "mlcicd", **self.headers}
        try:
            with connections(self.api, self.certificates) as pool:
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
                raw = response.read(limit + 1)
                response.close()
        except urllib3.exceptions.HTTPError as error:
            raise Unanswered(
                f"{_shown(address)}: {clean(str(error), 200)}",
                hint="is the forge reachable from here? then run the job again",
            ) from None
        if len(raw) > limit:
            raise OutsideError(f"{_shown(address)}: an answer of more than {limit:,} bytes")
        return response, raw

    def _answer(self, response: urllib3.BaseHTTPResponse, raw: bytes, address: str) -> Answer:
        try:
            body = json.loads(raw) if raw else None
        except (ValueError, RecursionError):
            body = None
            if response.status < 300:
                raise OutsideError(
                    f"{_shown(address)}: the answer is not JSON", hint="is this the address of the forge's API?"
                ) from None
        if response.status >= 300:
            raise self._refusal(response, _said(body), _shown(address))
        return Answer(headers=response.headers, body=body)

    def _refusal(self, response: urllib3.BaseHTTPResponse, said: str, address: str) -> Refusal:
        """Tell one request too many, which a forge may call "forbidden", and how long to wait after it."""
        headers, status = response.headers, response.status
        asked, spent = headers.get("Retry-After", ""), headers.get("X-RateLimit-Remaining") == "0"
        named = asked.isdigit() or spent or "rate limit" in said.lower()
        limited = status == 429 or (status == 403 and named)
        reset = headers.get("X-RateLimit-Reset", "")
        wait = float(asked) if asked.isdigit() else 0.0
        if limited and not wait:
            wait = max(1.0, float(reset) - self.now()) if spent and reset.isdigit() else UNNAMED * (status == 403)
        return Refusal(status, said, address, wait, limited=limited)


def _said(body: Any) -> str:
    """Return the forge's message, and what it says about the fields of the request."""
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    messages = [body.get("message") or body.get("error")]
    messages += [one.get("message") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    texts = [one if isinstance(one, str) else json.dumps(one) for one in messages if one]
    return clean(": ".join(texts), 200)


def connections(api: str, certificates: str) -> urllib3.PoolManager:
    """Return what reaches an address, by this machine's proxy where there is one; `certificates` may be ""."""
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
