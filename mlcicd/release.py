"""Which release this is: generated workflows name our actions by the commit they were released from.

A release cannot contain the hash of its own commit, so the hash is a parameter of the build: the wheel carries
it in `_data/release.json`, written by the build hook. A checkout uses its HEAD.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlcicd import __version__
from mlcicd.resources import PACKAGE

REPOSITORY = "mlcicd/mlcicd"
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
# A CI runner unpacks an action, and so this package, under .../_actions/<owner>/<repository>/<commit>/.
_UNPACKED = re.compile(r"/_actions/[^/]+/[^/]+/([0-9a-f]{40})/")


@dataclass(frozen=True, kw_only=True)
class Release:
    """What references are made of; `commit` is 40 hex digits, or empty when this build does not know it."""

    version: str
    repository: str = REPOSITORY
    commit: str = ""

    @property
    def requirement(self) -> str:
        """The requirement string that installs this release."""
        return f"mlcicd=={self.version}"


def current(environ: Mapping[str, str]) -> Release:
    """Return this release; `MLCICD_COMMIT` (set by our actions) names the commit where nothing else can."""
    return Release(version=__version__, commit=next(filter(_COMMIT.match, _candidates(environ)), ""))


def _candidates(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what may be the commit, the cheapest first: git is asked only where nothing else knows it."""
    yield environ.get("MLCICD_COMMIT", "")
    yield from _UNPACKED.findall(f"{PACKAGE.as_posix()}/")
    yield _packed()
    yield _checked_out()


def _packed() -> str:
    try:
        return str(json.loads((PACKAGE / "_data" / "release.json").read_text("utf-8"))["commit"])
    except (OSError, ValueError, KeyError):
        return ""


def _checked_out() -> str:
    if not (PACKAGE.parent / ".git").exists():
        return ""
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=PACKAGE.parent, capture_output=True, text=True, check=False
    )
    return found.stdout.strip()
