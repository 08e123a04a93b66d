"""Files that run code when they are loaded: told by name and content, without loading anything.

A scan of what such a file calls is a tripwire (`validation.pickles`) and no proof. Where a file crosses from one level
of trust to another, its format alone decides. ONNX, safetensors, Parquet, CSV and JSON hold no code.
"""

from __future__ import annotations

import io
import zipfile

_BY_NAME = {
    **dict.fromkeys((".pkl", ".pickle", ".dill", ".cloudpickle"), "a pickle"),
    ".joblib": "a pickle of joblib's",
    **dict.fromkeys((".pt", ".pth", ".ckpt"), "a checkpoint of PyTorch's, which is a pickle"),
    **dict.fromkeys((".rds", ".rda", ".rdata"), "an object of R's, which may hold code"),
}
_PICKLE = tuple(bytes((0x80, version)) for version in range(2, 6))
_LAMBDA = "a model of Keras's with a Lambda layer, which is code"
_ZIP = b"PK\x03\x04"
_START = 512  # bytes; enough for what begins a pickle, and for the header of an array
_MEMBERS = 10_000
_MAX_CONFIG = 16 * 1024 * 1024


def runs_code(name: str, raw: bytes) -> str:
    """Return why a file may run code when it is loaded, or "".

    Args:
        name: its path; what it says counts, whatever the content.
        raw: its content; a pickle counts under any name.
    """
    lower = name.lower()
    if by_name := next((why for suffix, why in _BY_NAME.items() if lower.endswith(suffix)), ""):
        return by_name
    if raw.startswith(_PICKLE):
        return "a pickle"
    if raw.startswith(_ZIP):
        return _in_zip(raw)
    if raw.startswith(b"\x93NUMPY"):
        return "an array of Python objects, which is a pickle" if b"'|O'" in raw[:_START] else ""
    if raw.startswith(b"\x89HDF\r\n\x1a\n"):
        return _LAMBDA if _has_lambda(raw) else ""
    return ""


def _in_zip(raw: bytes) -> str:
    """Look for pickles (PyTorch, .npz) and for Keras's description of layers; what cannot be opened is not trusted."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for entry in archive.infolist()[:_MEMBERS]:
                describes = entry.filename.endswith("config.json")
                with archive.open(entry) as member:
                    start = member.read(_MAX_CONFIG if describes else _START)
                if describes and _has_lambda(start):
                    return _LAMBDA
                # An archive in an archive is nothing that a library loads.
                if not start.startswith(_ZIP) and (why := runs_code(entry.filename, start)):
                    return why
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError, ValueError):
        return "an archive that cannot be looked into"
    return ""


def _has_lambda(raw: bytes) -> bool:
    return b'"class_name": "Lambda"' in raw or b'"class_name":"Lambda"' in raw
