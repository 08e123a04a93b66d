"""Pins in generated files: whether a difference is the one that a bot makes when it raises a pin.

What is a pin, its place tells: the same characters as the name of an environment, or in a variable, are none.
"""

from __future__ import annotations

import re
from typing import Any

from mlcicd import pins
from mlcicd.write.meaning import Difference
from mlcicd.write.read import behind

_ACTION = re.compile(r"([A-Za-z0-9_./-]+)@([0-9a-f]{40})\Z")
_IMAGE = re.compile(r"([A-Za-z0-9._/:-]+)(?:@sha256:([0-9a-f]{64}))?\Z")
_RELEASE = re.compile(r"(mlcicd)==([0-9]{1,9}(?:\.[0-9]{1,9}){0,2})\Z")
_COMMENT = r"[ \t]+#[ \t]*v?([0-9]\S*)"
# Top-level keys that are no job of the kind that has an image: below them, `image` is a word like any other.
_NO_JOBS = frozenset({"env", "inputs", "jobs", "outputs", "variables"})
Place = tuple[str | int, ...]


def bump(difference: Difference, made: str, now: str) -> tuple[str, str, str] | None:
    """Return name, old and new version when a bot would make that difference; None for any other.

    An action is at another commit, and the comment on its line names a higher version, or the one whose commit this
    mlcicd knows; an image of the same name has another digest, or its first; mlcicd is a newer release. Whether a
    commit that nobody here knows is the version's, only a network could tell.
    """
    before, after = _pin(difference.made, difference.place), _pin(difference.now, difference.place)
    if not (before and after and before[0] == after[0] and after[1]):
        return None
    (name, old), (_, new) = before, after
    if _form(difference.place) is _IMAGE:
        return name, (old or "its tag")[:12], new[:12]
    if _form(difference.place) is _RELEASE:
        return (name, old, new) if pins.order(new) > pins.order(old) else None
    was, is_ = _version_made(f"{name}@{old}", made), _version_here(now, difference.place)
    if not (was and is_) or pins.order(is_) < pins.order(was):
        return None
    raised = pins.order(is_) > pins.order(was)
    return (name, was, is_) if raised or _is_known(name, is_, new) else None


def repinned(difference: Difference) -> bool:
    """Tell whether one name is pinned to something else, in whatever direction; for two texts of our own."""
    before, after = _pin(difference.made, difference.place), _pin(difference.now, difference.place)
    return before is not None and after is not None and before[0] == after[0]


def lower(version: str, other: str) -> bool:
    """Compare versions as far as both are written out: 7 is not lower than 7.0.1."""
    pairs = zip(version.split("."), other.split("."), strict=False)
    return next((int(one) < int(two) for one, two in pairs if one != two and two), False)


def _pin(value: Any, place: Place) -> tuple[str, str] | None:
    """Split a pin into its name and what it is pinned to, "" for a tag alone; None for what is no pin there."""
    form = _form(place)
    found = form.match(value) if form and isinstance(value, str) else None
    return (found[1], found[2] or "") if found else None


def _form(place: Place) -> re.Pattern[str] | None:
    """Return what a pin looks like at a place; None where nothing is one."""
    match place:
        case ("jobs", _, "steps", int(), "uses") | ("jobs", _, "uses") | ("runs", "steps", int(), "uses"):
            return _ACTION
        case (*_, "variables", "MLCICD_SOURCE") | (*_, "with", "source"):
            return _RELEASE
        case ("jobs", _, "container") | ("jobs", _, "container", "image") | ("jobs", _, "services", _, "image"):
            return _IMAGE
        case (top, *_) if top in _NO_JOBS:
            return None
        case ("image",) | ("image", "name") | (_, "image") | (_, "image", "name"):
            return _IMAGE
        case (_, "services", int()) | (_, "services", int(), "name"):
            return _IMAGE
    return None


def _version_made(reference: str, made: str) -> str:
    """Return the highest version that our own text names behind a reference; "" when it names none."""
    found = re.findall(rf"{re.escape(reference)}[\"']?{_COMMENT}", made)
    return max(filter(_is_version, found), key=pins.order, default="")


def _version_here(now: str, place: Place) -> str:
    """Return the version in the comment on the line where a value stands; what other comments say counts nothing."""
    found = re.match(_COMMENT, behind(now, place))
    return found[1] if found and _is_version(found[1]) else ""


def _is_version(text: str) -> bool:
    try:
        pins.order(text)
    except ValueError:
        return False
    return True


def _is_known(name: str, version: str, commit: str) -> bool:
    known = pins.KNOWN.get("/".join(name.split("/")[:2]))
    return known is not None and known.commit == commit and pins.order(known.version) == pins.order(version)
