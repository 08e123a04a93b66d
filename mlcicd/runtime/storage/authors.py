"""Who last changed what a `.dvc` file or `dvc.lock` says of a file: the person to ask for data that is not there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

SECONDS = 60  # for git's answer
_HEAD = re.compile(r"^([0-9a-f]{40}) \d+ (\d+)")


def changed(root: Path, file: str, wanted: Sequence[str]) -> dict[str, str]:
    """Return who last changed the line of a file that holds each of the texts; texts that are in no line are left out.

    Args:
        root: the project's folder.
        file: path from it.
        wanted: hashes.
    """
    answer = _git(root, "blame", "--root", "--porcelain", "--", file)
    if answer is None:
        return _all(root, file, wanted, "git has no history of it here")
    found: dict[str, str] = {}
    commits: dict[str, dict[str, str]] = {}
    shallow = (_git(root, "rev-parse", "--is-shallow-repository") or "").strip() == "true"
    now: dict[str, str] = {}
    for line in answer.splitlines():
        if head := _HEAD.match(line):
            now = commits.setdefault(head[1], {"sha": head[1]})
        elif line.startswith("\t"):
            found |= {text: _words(now, shallow) for text in wanted if text in line}
        else:
            key, _, value = line.partition(" ")
            now.setdefault(key, value)
    return found


def _all(root: Path, file: str, wanted: Sequence[str], words: str) -> dict[str, str]:
    try:
        text = (root / file).read_text("utf-8", "replace")
    except OSError:
        return {}
    return {one: words for one in wanted if one in text}


def _words(commit: dict[str, str], shallow: bool) -> str:
    if not commit["sha"].strip("0"):
        return "changed here, not committed yet"
    who = f"{commit['sha'][:9]} by {commit.get('author', 'unknown')}"
    # Where a clone's history is cut off, git blames the oldest commit it has for all that is older.
    if shallow and "previous" not in commit:
        return f"in or before {who} (this clone has no older history)"
    return f"last changed in {who}: {commit.get('summary', '')[:80]}"


def _git(root: Path, *arguments: str) -> str | None:
    argv = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
