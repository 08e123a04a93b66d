"""Every third-party action that our output and our own actions name: version, commit, and the runtime it asks for.

The one table: templates, `actions/*/action.yml` and our own workflows are compared with it, `mlcicd lint` knows
versions by it, and a team's `tool.pins` stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

RETIRED = frozenset({"node12", "node16", "node20"})
_VERSION = re.compile(r"v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?([.+-].*)?\Z")


@dataclass(frozen=True, kw_only=True)
class Pin:
    """An action at a commit.

    Attributes:
        action: `owner/name`; what it keeps in a folder (`owner/name/folder`) is of the same commit.
        version: what the commit was released as.
        commit: 40 hex digits.
        runtime: what runs it (`node24`, `composite`); "" when nobody looked.
        since: its first version on a runtime that is not retired.
    """

    action: str
    version: str
    commit: str
    runtime: str = ""
    since: str = "v0"

    @property
    def uses(self) -> str:
        """The reference as a step writes it."""
        return f"{self.action}@{self.commit}"

    @property
    def value(self) -> str:
        """The same as `tool.pins` writes it."""
        return f"{self.version}@{self.commit}"


CHECKOUT = Pin(
    action="actions/checkout",
    version="v7.0.1",
    commit="3d3c42e5aac5ba805825da76410c181273ba90b1",
    runtime="node24",
    since="v5.0.0",
)
CACHE = Pin(
    action="actions/cache",
    version="v5.0.5",
    commit="27d5ce7f107fe9357f9df03efb73ab90386fccae",
    runtime="node24",
    since="v5.0.0",
)
UPLOAD = Pin(
    action="actions/upload-artifact",
    version="v7.0.0",
    commit="bbbca2ddaa5d8feaa63e36b76fdaad77386f024f",
    runtime="node24",
    since="v6.0.0",
)
DOWNLOAD = Pin(
    action="actions/download-artifact",
    version="v8.0.1",
    commit="3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
    runtime="node24",
    since="v7.0.0",
)
# Only the workflow that releases mlcicd uses it.
ATTEST = Pin(
    action="actions/attest",
    version="v4.2.2",
    commit="1e69f48acb82d1966a394da916b4c1698aa569d6",
    runtime="node24",
    since="v4.0.0",
)
KNOWN: Mapping[str, Pin] = {pin.action: pin for pin in (CHECKOUT, CACHE, UPLOAD, DOWNLOAD, ATTEST)}
# A server of one's own has the older artifact service, which only these two speak; nobody released them on node24.
GHES: tuple[Pin, ...] = (
    Pin(
        action="actions/upload-artifact",
        version="v3.2.1-node20",
        commit="c24449f33cd45d4826c6702db7e49f7cdb9b551d",
        runtime="node20",
    ),
    Pin(
        action="actions/download-artifact",
        version="v3.1.0-node20",
        commit="ad191675b41f6a5b46da9a048cb6893812da158b",
        runtime="node20",
    ),
)


def resolve(action: str, overrides: Mapping[str, str]) -> Pin:
    """Return the pin of a known action: the team's (`v1.2.3@COMMIT`) where there is one, else ours.

    An action in a folder is found by its repository.
    """
    known = KNOWN["/".join(action.split("/")[:2])]
    if known.action not in overrides:
        return known
    version, _, commit = overrides[known.action].partition("@")
    return Pin(action=known.action, version=version, commit=commit, since=known.since)


def image(name: str, overrides: Mapping[str, str]) -> str:
    """Return an image's name with the digest that the team has pinned it to, if any."""
    return f"{name}@{overrides[name]}" if name in overrides else name


def order(version: str) -> tuple[int, ...]:
    """Return what sorts versions: `v1` as 1.0.0, and a pre-release before its release.

    Raises:
        ValueError: for text that is no version.
    """
    found = _VERSION.match(version)
    if not found:
        raise ValueError(f"{version!r} is no version such as v1.2.3")
    return (*(int(part or 0) for part in found.groups()[:3]), int(not (found[4] or "").startswith("-")))
