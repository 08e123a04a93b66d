"""A file of a repository as the forges' APIs answer it: both in base64, with its size."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from mlcicd.errors import OutsideError


def content(fields: Mapping[str, Any], path: str, limit: int) -> bytes:
    """Return the content of the file that an answer describes.

    Raises:
        OutsideError: when it describes something else, or a file of more than `limit` bytes.
    """
    if int(fields.get("size") or 0) > limit:
        raise OutsideError(f"{path}: larger than {limit:,} bytes")
    text = fields.get("content")
    if fields.get("encoding") != "base64" or not isinstance(text, str):
        raise OutsideError(f"{path}: not a file")
    try:
        raw = base64.b64decode(text)
    except ValueError:
        raise OutsideError(f"{path}: the forge's answer is damaged") from None
    if len(raw) > limit:
        raise OutsideError(f"{path}: larger than {limit:,} bytes")
    return raw
