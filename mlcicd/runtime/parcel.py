"""One file out of an archive that anybody may have made. Nothing is unpacked to the disk, nothing large is read."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib

from mlcicd.errors import UsageError

MAX_BYTES = 2 * 1024 * 1024  # of the archive
MAX_MEMBERS = 8
_END = struct.Struct("<4s4H2LH")  # signature, 2 disks, entries here and in all, size and place of the list, comment
_LIST = MAX_MEMBERS * 1024  # bytes; the longest list of so many members that is not itself an attack
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, EOFError, OSError, ValueError)


def member(raw: bytes, wanted: str, limit: int, name: str) -> bytes:
    """Return the one member called exactly `wanted`, at most `limit` bytes of it; `name` is used in messages.

    Raises:
        UsageError: when the archive is none, has not exactly one such member, or the member is more than a plain file.
    """
    try:
        return _member(raw, wanted, limit)
    except _BROKEN as error:
        why = str(error) if isinstance(error, _Refused) else "it is damaged, or not a ZIP archive"
        raise UsageError(
            f"{name}: not accepted: {why}", hint="only what `mlcicd report` kept in the run itself is posted"
        ) from None


class _Refused(ValueError):
    """The archive is not one of ours; the message says why."""


def _member(raw: bytes, wanted: str, limit: int) -> bytes:
    _look(raw)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        every = archive.infolist()
        if len(every) > MAX_MEMBERS:
            raise _Refused(f"more than {MAX_MEMBERS} files")
        found = [one for one in every if one.orig_filename == wanted]
        if len(found) != 1:
            raise _Refused(f"{len(found)} files called {wanted}, where one was expected")
        one = found[0]
        if one.flag_bits & 0x1 or one.compress_type not in _METHODS or not _is_plain(one):
            raise _Refused(f"{wanted} is encrypted, a link, or packed in an unusual way")
        if one.file_size > limit:
            raise _Refused(f"{wanted} is larger than {limit:,} bytes")
        with archive.open(one) as stream:
            content = stream.read(limit + 1)
    if len(content) > limit:
        raise _Refused(f"{wanted} is larger than {limit:,} bytes, and said to be smaller")
    return content


def _look(raw: bytes) -> None:
    """Judge by the last bytes alone: reading a long list of members is work already."""
    if len(raw) > MAX_BYTES:
        raise _Refused(f"larger than {MAX_BYTES:,} bytes")
    if len(raw) < _END.size or not raw[-_END.size :].startswith(b"PK\x05\x06"):
        raise _Refused("it is not a ZIP archive, or something is appended to it")
    _, _, _, entries, total, size, _, _ = _END.unpack(raw[-_END.size :])
    if max(entries, total) > MAX_MEMBERS or size > _LIST:
        raise _Refused(f"more than {MAX_MEMBERS} files")


def _is_plain(one: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(one.external_attr >> 16)
    return kind in (0, stat.S_IFREG) and not one.is_dir()
