"""Many files of one commit at once, with two calls of git and no checkout."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlcicd.runtime.base import GIT_SECONDS

MAX_BYTES = 32 * 1024 * 1024  # of one file: more is data, which git should not hold
_PLAIN = ("100644", "100755")  # no links, no submodules


@dataclass(frozen=True, kw_only=True)
class Blob:
    """A file of a commit: git's id of its content, and its size in bytes."""

    id: str
    size: int


def listed(root: Path, sha: str) -> dict[str, Blob]:
    """Return the plain files of a commit at or below `root`, by path from there; none when git cannot say."""
    found: dict[str, Blob] = {}
    for row in _git(root, "ls-tree", "-r", "-l", "-z", sha).decode("utf-8", "surrogateescape").split("\0"):
        facts, _, path = row.partition("\t")
        mode, _, id, size = facts.split() if path else ("", "", "", "")
        if mode in _PLAIN and size.isdigit():
            found[path] = Blob(id=id, size=int(size))
    return found


def contents(root: Path, files: Mapping[str, Blob], paths: Collection[str]) -> dict[str, bytes]:
    """Return what some of the listed files hold; one that is not there, or too large, is left out."""
    wanted = {path: files[path] for path in paths if path in files and files[path].size <= MAX_BYTES}
    ids = "".join(f"{id}\n" for id in dict.fromkeys(blob.id for blob in wanted.values()))
    held = dict(_batch(_git(root, "cat-file", "--batch", given=ids.encode()))) if ids else {}
    return {path: held[blob.id] for path, blob in wanted.items() if blob.id in held}


def _batch(answer: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield id and content of each object; git says `<id> missing` for one that this clone lacks."""
    place = 0
    while (end := answer.find(b"\n", place)) >= 0:
        id, kind, *size = answer[place:end].decode().split()
        place = end + 1
        if kind == "blob":
            yield id, answer[place : place + int(size[0])]
            place += int(size[0]) + 1


def _git(root: Path, *arguments: str, given: bytes = b"") -> bytes:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], input=given, capture_output=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""
