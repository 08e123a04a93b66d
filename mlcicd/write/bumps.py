"""Pins, kept out of the merge. A release changes them on many lines, a bot changes the same ones, and people edit the
lines beside them: merged by lines, all of that would conflict. So base and edited text get the pins that are made now,
and what is newer in the file is put in again after the merge."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlcicd.write.newer import lower

_ACTION = re.compile(
    r"(?P<name>[A-Za-z0-9_./-]+)@[0-9a-f]{40}[ \t]+#[ \t]*v?(?P<version>[0-9]{1,9}(?:\.[0-9]{1,9})*)\b(?P<rest>[^\n]*)"
)
# An image that has no digest yet is a pin too: of one that a bot gives it.
_IMAGE = re.compile(
    r"(?P<name>\b(?:image|name): [\"']?[a-z0-9][a-z0-9._/:-]*)(?P<digest>@sha256:[0-9a-f]{64})?(?![\w@])"
    r"(?P<rest>[^\n]*)"
)
Pin = re.Match[str]


def align(base: str, yours: str, made: str) -> tuple[str, str, dict[str, str]]:
    """Return base and edited text with the pins of `made`, and what to put in after the merge (see `put_in`).

    A pin that is not written alike everywhere, or that was lowered, is an edit like any other.
    """
    newer: dict[str, str] = {}
    now, new = _pins(yours), _pins(made)
    for name, pin in _pins(base).items():
        mine, target = now.get(name, pin), new.get(name, pin)
        if not (pin and mine and target) or not (mine[0] == pin[0] or _newer(mine, pin)):
            continue
        base, yours = _swap(base, pin[0], target[0]), _swap(yours, mine[0], target[0])
        if mine[0] != pin[0] and (target[0] == pin[0] or _higher(mine, target)):
            newer[target[0]] = mine[0]
    return base, yours, newer


def put_in(text: str, newer: Mapping[str, str]) -> str:
    """Return the merged text with the newer pins."""
    for made, mine in newer.items():
        text = _swap(text, made, mine)
    return text


def _pins(text: str) -> dict[str, Pin | None]:
    """Return the pins by name, to the end of the line; None for one that differs within the text."""
    found: dict[str, Pin | None] = {}
    for pin in (*_ACTION.finditer(text), *_IMAGE.finditer(text)):
        known = found.setdefault(pin["name"], pin)
        found[pin["name"]] = pin if known and known[0] == pin[0] else None
    return found


def _newer(pin: Pin, other: Pin) -> bool:
    """Tell whether nothing but the commit or digest differs, and the version is not lower."""
    if pin["rest"] != other["rest"]:
        return False  # a comment that somebody wrote is an edit, and must not be lost
    if "digest" in pin.groupdict():
        return pin["digest"] is not None and pin["digest"] != other["digest"]
    return pin[0] != other[0] and not lower(pin["version"], other["version"])


def _higher(pin: Pin, other: Pin) -> bool:
    """Tell whether the version is higher; digests have no order, so of two new ones the one that is made wins."""
    return "version" in pin.groupdict() and lower(other["version"], pin["version"])


def _swap(text: str, old: str, new: str) -> str:
    return re.sub(rf"(?<![\w./-]){re.escape(old)}(?=\n|\Z)", lambda found: new, text)
