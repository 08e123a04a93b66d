"""Several runs that post at the same time, on a clock of their own: every pause and every request takes its time there.

One thread runs at a time, the one whose next moment comes first, so a race is the same for the same seed.
"""

from __future__ import annotations

import copy
import json
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from urllib3 import HTTPHeaderDict

from mlcicd.runtime.forges.http import Client, Unanswered
from tests.e2e.harness.forge import Answer, Forge, Request

LATENCY = 0.6  # seconds; the longest way of a request, there and back
STALE = 1.0  # seconds; how old a listing may be
FAULTS = 0.12  # of the requests
WAITS = (("Retry-After", "1"), ("Retry-After", "4"))


class Clock:
    """Lets threads run one after the other, each at its moment."""

    def __init__(self) -> None:
        self.now = 0.0
        self._waiting: dict[str, tuple[float, threading.Semaphore]] = {}
        self._rests = threading.Semaphore(0)

    def run(self, actors: list[Callable[[], None]]) -> None:
        """Run all to their ends."""
        threads = [
            threading.Thread(target=self._live, args=(actor,), name=f"{index:03}", daemon=True)
            for index, actor in enumerate(actors)
        ]
        for thread in threads:
            thread.start()
            self._rests.acquire()
        while self._waiting:
            name = min(self._waiting, key=lambda one: (self._waiting[one][0], one))
            self.now, gate = self._waiting.pop(name)
            gate.release()
            self._rests.acquire()
        for thread in threads:
            thread.join()

    def sleep(self, seconds: float) -> None:
        """Let the others go on, until that much later."""
        gate = threading.Semaphore(0)
        self._waiting[threading.current_thread().name] = (self.now + seconds, gate)
        self._rests.release()
        gate.acquire()

    def _live(self, actor: Callable[[], None]) -> None:
        self.sleep(0.0)
        try:
            actor()
        finally:
            self._rests.release()


@dataclass
class Reply:
    """The part of a response that the client reads."""

    status: int
    headers: HTTPHeaderDict


@dataclass
class World:
    """A forge, its past, and the faults on the way to it."""

    forge: Forge
    random: random.Random
    clock: Clock = field(default_factory=Clock)
    past: list[tuple[float, list[Any]]] = field(default_factory=list)
    faults: int = 0

    def handle(self, request: Request, *, old: bool) -> Answer:
        """Answer now, or as a listing of a moment ago."""
        if not old:
            answer = self.forge.receive(request)
            self.past.append((self.clock.now, copy.deepcopy(self.forge.comments)))
            return answer
        moment = self.clock.now - self.random.uniform(0, STALE)
        known = [comments for when, comments in self.past if when <= moment]
        kept, self.forge.comments = self.forge.comments, copy.deepcopy(known[-1] if known else self.past[0][1])
        try:
            return self.forge.receive(request)
        finally:
            self.forge.comments = kept


@dataclass(frozen=True, kw_only=True)
class Simulated(Client):
    """A client whose requests go to a world instead of a network."""

    world: World

    def _exchange(self, method: str, address: str, body: bytes | None, limit: int = 0) -> Any:
        world, dice = self.world, self.world.random
        there, back = dice.uniform(0, LATENCY / 2), dice.uniform(0, LATENCY / 2)
        fault = dice.random() < FAULTS
        kind = dice.choice(["limited", "many", "broken", "reset", "silent", "old"]) if fault else ""
        world.faults += fault
        lands = kind not in ("limited", "many") and (not kind or kind == "old" or dice.random() < 0.5)
        world.clock.sleep(there)
        answer = None
        if lands:
            request = _request(world.forge, method, address, body, self.headers)
            answer = world.handle(request, old=kind == "old" and method == "GET")
        world.clock.sleep(back)
        if kind in ("reset", "silent"):
            world.clock.sleep(2.0 if kind == "silent" else 0.0)
            raise Unanswered("the connection broke")
        if kind == "broken":
            answer = Answer(status=502, body={"message": "bad gateway"})
        if kind in ("limited", "many"):
            text = "You have exceeded a secondary rate limit"
            headers = dict([dice.choice(WAITS)])
            answer = Answer(status=403 if kind == "limited" else 429, body={"message": text}, headers=headers)
        assert answer
        raw = b"" if answer.body is None else json.dumps(answer.body).encode()
        return Reply(answer.status, HTTPHeaderDict(answer.headers)), raw


def client(world: World, headers: dict[str, str]) -> Simulated:
    """Return a client of this world."""
    return Simulated(
        api=world.forge.url, headers=headers, pause=world.clock.sleep, now=lambda: world.clock.now, world=world
    )


def _request(forge: Forge, method: str, address: str, body: bytes | None, headers: Any) -> Request:
    parts = urlsplit(address)
    prefix = next((one for one in sorted(forge.prefixes, key=len, reverse=True) if parts.path.startswith(one)), "")
    return Request(
        method=method,
        prefix=prefix,
        path=unquote(parts.path.removeprefix(prefix)),
        query=dict(parse_qsl(parts.query)),
        headers={name.lower(): value for name, value in headers.items()} | {"user-agent": "mlcicd"},
        body=json.loads(body) if body else None,
    )
