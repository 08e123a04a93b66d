"""A tripwire for files that run code when they are loaded: pickles in models and data.

It names files whose pickles call for functions such as `os.system`, as the library picklescan lists them. It is no
proof: a pickle can hide what it does, and what follows an array that joblib wrote in between is not read. Formats
without code (safetensors, ONNX, Parquet) need no such scan. Nothing is loaded, and nothing is downloaded.
"""

from __future__ import annotations

import ast
import bz2
import io
import logging
import lzma
import zlib
from collections.abc import Collection, Iterable, Iterator
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import IO, Any

from mlcicd.runtime.facts import Checkpoint, Expectation
from mlcicd.runtime.storage import tracked
from mlcicd.runtime.validation.model import Severity
from mlcicd.runtime.validation.outcomes import conclude

SUFFIXES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin", ".npy", ".npz")
_PATTERN = "*.[BCJNPbcjnp]*"  # every name that ends in one of them, for git
TYPE = "no code on load"
MAX_UNPACKED = 256 * 1024 * 1024  # bytes of a compressed file that are looked at
_SHOWN = 5
_NUMPY = b"\x93NUMPY"
_PICKLE = tuple(bytes((0x80, version)) for version in range(6))
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_MEMBERS = (".pkl", ".pickle", ".joblib", ".dat", ".data")


def scan(root: Path, allowed: Collection[str]) -> Checkpoint | None:
    """Scan the tracked files that are here; None when there are none that could hold a pickle.

    Args:
        root: the project's folder.
        allowed: files that may run code, from the project's folder.
    """
    names = sorted(_names(root))
    if not names:
        return None
    found = [entry for name in names if (entry := _file(root, name, name in allowed))]
    clean = f"{len(names) - sum(entry.severity == 'critical' for entry in found)} of {len(names)} files"
    quiet = not any(entry.severity == "critical" for entry in found)
    rest = [_entry("", "critical", True, clean)] if quiet else []
    return conclude(Checkpoint(name="tracked files", kind="scan", success=True), [*found, *rest])


def dangerous(path: Path) -> list[str]:
    """Return the functions that a file's pickles call for and that run code, as `module.name`, sorted.

    Raises:
        ValueError: when the file cannot be looked into.
    """
    with path.open("rb") as stream:
        try:
            return sorted(set(_of(stream)))
        except (OSError, EOFError, zlib.error, lzma.LZMAError, SyntaxError) as error:
            raise ValueError(f"{type(error).__name__}") from None


def _names(root: Path) -> Iterator[str]:
    """Yield the files that git or DVC tracks, that are here and whose name says that they may hold a pickle."""
    held = {name for name in tracked.files(root, _PATTERN) if name.lower().endswith(SUFFIXES)}
    for out in tracked.read(root).outs:
        place = root / out.path
        inside = [path for path in place.rglob("*") if path.is_file()] if place.is_dir() else [place]
        held |= {path.relative_to(root).as_posix() for path in inside if path.suffix.lower() in SUFFIXES}
    return (name for name in held if (root / name).is_file())


def _file(root: Path, name: str, is_allowed: bool) -> Expectation | None:
    try:
        found = dangerous(root / name)
    except ValueError as error:
        return _entry(name, "info", False, f"cannot be looked into ({error})")
    if not found:
        return None
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    text = f"calls {', '.join(found[:_SHOWN])}{more} when it is loaded"
    if is_allowed:
        return _entry(name, "info", True, f"{text}; allowed by validate.unpickle")
    return _entry(name, "critical", False, text)


def _of(stream: IO[bytes]) -> Iterable[str]:
    start = stream.read(8)
    stream.seek(0)
    if not start:
        return ()
    if start.startswith(_ZIP):
        return _of_zip(stream)
    if start.startswith(_NUMPY):
        return _of_numpy(stream)
    if unpacked := _unpacked(stream, start):
        return _of(unpacked)
    return _of_pickle(stream)


def _unpacked(stream: IO[bytes], start: bytes) -> IO[bytes] | None:
    """Unpack what joblib or a person packed; None when it is not packed."""
    unpack: Any = None
    if start.startswith(b"\x1f\x8b") or (start[:1] == b"\x78" and int.from_bytes(start[:2], "big") % 31 == 0):
        unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # finds out by itself whether it is gzip or zlib
    elif start.startswith(b"BZh"):
        unpack = bz2.BZ2Decompressor()
    elif start.startswith((b"\xfd7zXZ", b"\x5d\x00\x00")):
        unpack = lzma.LZMADecompressor()
    return io.BytesIO(unpack.decompress(stream.read(MAX_UNPACKED), MAX_UNPACKED)) if unpack else None


def _of_zip(stream: IO[bytes]) -> Iterator[str]:
    """Look into the members of a zip: a model of PyTorch, an .npz."""
    from zipfile import BadZipFile

    relaxed = import_module("picklescan.relaxed_zipfile")  # reads headers that were made to mislead a scanner
    try:
        with relaxed.RelaxedZipFile(stream, "r") as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    start = member.read(8)
                if start.startswith((_NUMPY, *_PICKLE)) or PurePosixPath(name).suffix in _MEMBERS:
                    with archive.open(name) as member:
                        yield from _of_numpy(member) if start.startswith(_NUMPY) else _of_pickle(member)
    except (BadZipFile, RuntimeError, NotImplementedError) as error:
        raise ValueError(f"{type(error).__name__}") from None


def _of_numpy(stream: IO[bytes]) -> Iterable[str]:
    """Look into an array of objects, which is a pickle after a header; numpy is not needed for that."""
    version = stream.read(8)[6]
    length = int.from_bytes(stream.read(2 if version == 1 else 4), "little")
    header = ast.literal_eval(stream.read(length).decode("latin-1").strip())
    if "O" not in str(header.get("descr")):
        return ()
    return _of_pickle(io.BytesIO(stream.read(MAX_UNPACKED)))


def _of_pickle(stream: IO[bytes]) -> list[str]:
    """Look into the pickles that follow one another, as far as they can be read; PyTorch's older form is such a row."""
    scanner = import_module("picklescan.scanner")
    log = logging.getLogger("picklescan")
    before, log.disabled = log.disabled, True  # it logs what it finds, and so do we
    try:
        found = scanner.scan_pickle_bytes(stream, "file").globals
    finally:
        log.disabled = before
    return [f"{item.module}.{item.name}" for item in found if item.safety is scanner.SafetyLevel.Dangerous]


def _entry(name: str, severity: Severity, success: bool, observed: str) -> Expectation:
    return Expectation(type=TYPE, column=name, severity=severity, success=success, observed=observed, engine="mlcicd")
