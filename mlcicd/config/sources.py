"""Where mlcicd is installed from (`tool.source`): one build, the same tomorrow as today."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# `name @ address` says the same as the address alone.
_NAMED = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[A-Za-z0-9._,\s-]*\])?\s*@\s+")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[A-Za-z0-9._,\s-]*\])?\s*={2,3}\s*[0-9A-Za-z][0-9A-Za-z.!+_-]*")
_COMMIT = re.compile(r"@[0-9a-f]{40}$")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FILES = (".whl", ".tar.gz", ".zip")


def unpinned(source: str) -> str:
    """Return the form to write where a requirement may mean another build later; "" where it is one build."""
    address = _NAMED.sub("", source.strip())
    if address.startswith("git+"):
        return "" if _COMMIT.search(urlsplit(address).path) else "git+URL@COMMIT, with all 40 digits of the commit"
    if re.match(r"https?://", address):
        parts = urlsplit(address)
        is_one = parts.path.endswith(".whl") or "sha256=" in parts.fragment
        return "" if is_one else "the address of a wheel (….whl), or add #sha256=DIGEST"
    if re.match(r"[a-z]+\+", address):
        return "git+URL@COMMIT, with all 40 digits of the commit"
    if _is_path(address) or _VERSION.fullmatch(address):
        return ""
    found = _PLAIN_NAME.match(address)
    return f"{found[0] if found else 'mlcicd'}==VERSION"


def _is_path(address: str) -> bool:
    """Tell whether it is a file or folder: what lies in the repository changes only by a commit."""
    return address.startswith((".", "/", "file:")) or "/" in address or address.endswith(_FILES)
