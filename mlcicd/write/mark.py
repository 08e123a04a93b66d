"""Line 1 of a generated file: it names the source, and carries the digest of what mlcicd made."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from mlcicd import __version__

Owner = Literal["ours", "edited", "foreign", "unknown", "ejected"]

_HEAD = "# Generated from mlcicd.yaml by `mlcicd generate`: change that file, not this one. digest {}"
_MARK = re.compile(re.escape(_HEAD).replace(r"\{\}", "([0-9a-f]{16})"))
_OURS = "# Generated from mlcicd.yaml"
_EJECTED = "# Ejected from mlcicd"


def digest(text: str) -> str:
    """Return 16 hex digits that stand for a text without its line 1."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stamp(text: str) -> str:
    """Put the line in front that names the source and the digest."""
    return f"{_HEAD.format(digest(text))}\n{text}"


def head(text: str) -> str:
    """Return line 1 with its line end."""
    return text.partition("\n")[0] + "\n"


def body(text: str) -> str:
    """Return what follows line 1."""
    return text.partition("\n")[2]


def claim(text: str) -> str:
    """Return the digest in line 1: which text of ours this one began as. "" when there is none."""
    found = _MARK.fullmatch(text.partition("\n")[0])
    return found[1] if found else ""


def owner(text: str) -> Owner:
    """Tell whose a text is: as we wrote it, edited since, never ours, with a line 1 we do not know, or handed over."""
    if claimed := claim(text):
        return "ours" if claimed == digest(body(text)) else "edited"
    if text.startswith(_EJECTED):
        return "ejected"
    return "unknown" if text.startswith(_OURS) else "foreign"


def hand_over(text: str) -> str:
    """Replace line 1 by one that makes the file the team's own."""
    return f"{_EJECTED} {__version__}: this file is yours now, and mlcicd writes it no more.\n{body(text)}"
