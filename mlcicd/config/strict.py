"""What `tool.profile: strict` admits: machines and images that no linter has to be told to ignore."""

from __future__ import annotations

import re

MACHINE = "tool.profile is strict, and a self-hosted runner has to be excused: name a hosted one (ubuntu-…, macos-…)"
_HOSTED = re.compile(r"(?:ubuntu|windows|macos)-[a-z0-9._-]+")
_BY_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}\Z")


def is_hosted(label: str) -> bool:
    """Whether a runner's label is of a hosted machine; a larger one is called after its system too."""
    return bool(_HOSTED.fullmatch(label))


def is_by_digest(image: str) -> bool:
    """Whether an image's name says which one it is, and not only a tag, a variable or an expression."""
    return bool(_BY_DIGEST.search(image))
