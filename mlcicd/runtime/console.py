"""What goes to a CI system's log: without secrets, and without anything that the system would take for an order.

A log is an interface: GitHub's runner acts on lines such as `::add-path::`, whoever printed them. What a program of the
project prints is passed on between two lines that switch this off; what we print ourselves is made harmless.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mlcicd import secrets
from mlcicd.runtime import ci
from mlcicd.runtime.forges import FORGES
from mlcicd.secrets import Redactor

Show = Callable[[bytes], None]


def harmless(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return a text of ours as it may be printed; a notice of ours for the CI system stays one."""
    text = secrets.hide(text, environ)
    if not (forge := FORGES.get(ci.forge(environ))):
        return text
    head = forge.NOTICE if text.startswith(forge.NOTICE) else ""
    return head + forge.inert(text.removeprefix(head))


@contextlib.contextmanager
def passed_on(environ: Mapping[str, str]) -> Iterator[Show]:
    """Give what shows a program's output in the log.

    Args:
        environ: the program's environment, which tells its secrets; ours are hidden too.
    """
    forge = FORGES.get(ci.forge(os.environ))
    # Drawn anew each time; the program cannot read what we print.
    before, after = forge.fence(os.urandom(16).hex()) if forge else ("", "")
    hide = secrets.redactor({**os.environ, **environ})
    stream = _Stream(redactor=hide, inert=forge.inert if forge and not before else str)
    if before:
        to_stdout(f"{before}\n".encode())
    try:
        yield stream.show
    finally:
        stream.end()
        if after:
            to_stdout(b"\n" * (not stream.at_start) + f"{after}\n".encode())


def to_stdout(chunk: bytes) -> None:
    """Print bytes."""
    sys.stdout.flush()
    sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


@dataclass
class _Stream:
    """A program's output; only what may be the beginning of a secret waits for what follows."""

    redactor: Redactor
    inert: Callable[[str], str]
    held: bytes = b""
    at_start: bool = True

    def show(self, chunk: bytes) -> None:
        whole = self.held + chunk
        keep = self.redactor.begun(whole)
        self.held = whole[len(whole) - keep :]
        self._print(whole[: len(whole) - keep])

    def end(self) -> None:
        rest, self.held = self.held, b""
        self._print(rest)

    def _print(self, raw: bytes) -> None:
        if raw:
            text = self.inert(self.redactor.hide(raw.decode("utf-8", "surrogateescape")))
            self.at_start = text.endswith("\n")
            to_stdout(text.encode("utf-8", "surrogateescape"))
