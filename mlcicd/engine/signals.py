"""Ctrl-C, a polite kill and a closed terminal, turned into a request to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def watched(stop: threading.Event) -> Iterator[list[int]]:
    """Set `stop` at the first of these signals; yield the list of those that came.

    Only the main thread of a program may choose what a signal does; elsewhere nothing is changed. A signal
    that the caller made us ignore (`nohup`, a background job) stays ignored.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def receive(number: int, frame: FrameType | None) -> None:
        received.append(number)
        stop.set()

    heeded = [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, receive) for number in heeded}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
