"""Conflict markers, as git and our own merge leave them in a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MARKER = re.compile(r"(<{7}|\|{7}|>{7})( .*)?|={7}")


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """Lines that both sides changed; `line` counts from 1 in the first side's text."""

    line: int
    yours: tuple[str, ...]
    theirs: tuple[str, ...]


def first(text: str) -> int:
    """Return the line, from 1, of the first conflict marker; 0 when there is none."""
    lines = text.split("\n")
    return next((number for number, line in enumerate(lines, 1) if re.match(r"(<{7}|>{7}) ", line)), 0)


def sides(text: str) -> tuple[str, str] | None:
    """Return the text of either side of a file with conflict markers; None when it has none, or not in order."""
    if not first(text):
        return None
    parts = list(_parts(text))
    if any(part is None for part in parts):
        return None
    whole = [part for part in parts if part]
    return "".join(yours for yours, _ in whole), "".join(theirs for _, theirs in whole)


def hunks(text: str) -> list[Hunk]:
    """Return what stands between the markers."""
    found, line = [], 1
    for part in _parts(text):
        yours, theirs = part or ("", "")
        if yours != theirs:
            found.append(Hunk(line=line, yours=_lines(yours), theirs=_lines(theirs)))
        line += yours.count("\n")
    return found


def _parts(text: str) -> Iterator[tuple[str, str] | None]:
    """Yield what either side has for each line or hunk; None where a marker is out of order."""
    where, yours, theirs = "", "", ""
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        marker = line[0] if _MARKER.fullmatch(line.rstrip("\n")) else ""
        if marker and marker not in {"": "<", "<": "|=", "|": "=", "=": ">"}[where]:
            yield None
            return
        if marker:
            where = "" if marker == ">" else marker
            if not where:
                yield yours, theirs
                yours = theirs = ""
        elif where == "<":
            yours += line
        elif where == "=":
            theirs += line
        elif where == "":
            yield line, line
    if where:
        yield None


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.removesuffix("\n").split("\n")) if text else ()
