"""A job's log: a file without secrets, and its last line for the screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

from mlcicd import secrets

LONGEST_LINE = 64 * 1024
TAIL_BYTES = 64 * 1024

_ENDS = re.compile(rb"(?<=[\r\n])")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# What a step's own lines in the log begin with: the command it runs.
COMMAND = "$ mlcicd "
# What uv says of packages, and we of files that a failed step did not come to write.
_NOISE = re.compile(
    r" *[+~-] \S+==\S|(?:Resolved|Prepared|Installed|Uninstalled|Audited) \d+ packages? in |mlcicd: nothing to keep: "
)


class Log:
    """An open log file; `heard` is called with the last line of each piece that is written."""

    def __init__(self, path: Path, heard: Callable[[str], None]) -> None:
        self._file = path.open("wb")
        self._heard = heard
        self._redactor = secrets.of_values(frozenset())
        self._rest = b""

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        self._file.close()

    def hide(self, values: Iterable[str]) -> None:
        """Hide these values, line by line, in what is written from now on; what looks like a token always is."""
        self._redactor = secrets.of_values(frozenset(values))

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
            masked = self._redactor.hide(line.decode("utf-8", "surrogateescape"))
            raw = masked.encode("utf-8", "surrogateescape")
            self._file.write(raw)
            shown = clean(raw.decode(errors="replace")) or shown
        self._file.flush()
        if shown:
            self._heard(shown)


def clean(line: str) -> str:
    """Return what a terminal would end up showing of a line, without colours or control characters."""
    last = line.rstrip("\r\n").rpartition("\r")[2]
    text = _ESCAPES.sub("", last).expandtabs(4)
    return "".join(char for char in text if char.isprintable()).rstrip()


def excerpt(path: Path, count: int) -> list[str]:
    """Return up to `count` lines that say why the last step of a log failed, clean.

    They are that step's alone, and what was installed before is left out where anything else was said.
    """
    lines = _last(path)
    starts = [number for number, line in enumerate(lines, 1) if line.startswith(COMMAND)]
    step = lines[starts[-1] :] if starts else lines
    return ([line for line in step if not _NOISE.match(line)] or step)[-count:]


def _last(path: Path) -> list[str]:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        text = file.read().decode(errors="replace")
    lines = [clean(line) for line in text.split("\n")]
    return [line for line in lines if line]
