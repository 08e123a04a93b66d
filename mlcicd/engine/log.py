"""A job's log: a file without secrets, and its last line for the screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

MASK = b"***"
SHORTEST_SECRET = 4  # masking each "1" of a log would hide nothing and spoil everything
LONGEST_LINE = 64 * 1024
TAIL_BYTES = 64 * 1024

_ENDS = re.compile(rb"(?<=[\r\n])")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class Log:
    """An open log file; `heard` is called with the last line of each piece that is written."""

    def __init__(self, path: Path, heard: Callable[[str], None]) -> None:
        self._file = path.open("wb")
        self._heard = heard
        self._secrets: re.Pattern[bytes] | None = None
        self._rest = b""

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        self._file.close()

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these values, line by line, in what is written from now on."""
        lines = {line for secret in secrets for line in secret.encode().splitlines()}
        longest_first = sorted((line for line in lines if len(line) >= SHORTEST_SECRET), key=len, reverse=True)
        self._secrets = re.compile(b"|".join(map(re.escape, longest_first))) if longest_first else None

    def say(self, text: str) -> None:
        """Write a line of our own."""
        self.flush()
        self.write(text.encode() + b"\n")

    def write(self, chunk: bytes) -> None:
        """Write what a program printed; a progress bar's carriage return ends a line too."""
        *lines, self._rest = _ENDS.split(self._rest + chunk)
        if len(self._rest) > LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        self._keep(lines)

    def flush(self) -> None:
        """Write the line that has no end yet."""
        lines, self._rest = [self._rest], b""
        self._keep(lines)

    def _keep(self, lines: list[bytes]) -> None:
        shown = ""
        for line in lines:
            masked = self._secrets.sub(MASK, line) if self._secrets else line
            self._file.write(masked)
            shown = clean(masked.decode(errors="replace")) or shown
        self._file.flush()
        if shown:
            self._heard(shown)


def clean(line: str) -> str:
    """Return what a terminal would end up showing of a line, without colours or control characters."""
    last = line.rstrip("\r\n").rpartition("\r")[2]
    text = _ESCAPES.sub("", last).expandtabs(4)
    return "".join(char for char in text if char.isprintable()).rstrip()


def tail(path: Path, count: int) -> list[str]:
    """Return the last `count` lines of a log that are not empty, clean."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        text = file.read().decode(errors="replace")
    lines = [clean(line) for line in text.split("\n")]
    return [line for line in lines if line][-count:]
