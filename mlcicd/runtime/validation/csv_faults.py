"""Why a file is no CSV table, with the line of the fault; looked for only where one could not be read."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_START = 4
_LONGEST = 1 << 24  # characters of a field; a quote that is not closed takes in all that follows
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_END = "end"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong; `refused` tells whether pandas refuses it too, and does not read it in some way of its own."""

    text: str
    refused: bool = True


class _Found(Exception):
    def __init__(self, text: str, *, refused: bool = True) -> None:
        super().__init__(text)
        self.fault = Fault(text=text, refused=refused)


def find(path: Path) -> Fault | None:
    """Return the first fault of a CSV file, gzip or not; None when it is a table.

    Raises:
        OSError: when it cannot be read.
    """
    try:
        with _opened(path) as stream, _long_fields():
            if not (start := stream.read(_START)).strip():
                raise _Found("it is empty")
            if said := foreign(start):
                raise _Found(said)
            stream.seek(0)
            _read(stream)
    except _Found as found:
        return found.fault
    except (EOFError, zlib.error):
        return Fault(text="its gzip is cut short, or damaged")
    except gzip.BadGzipFile:
        return Fault(text="it is called .gz, and is no gzip")
    return None


def foreign(start: bytes) -> str:
    """Say what a file is by its first bytes, when that is no text in UTF-8; "" when it may be."""
    if start.startswith(b"PAR1"):
        return "it is Parquet: call it .parquet"
    if start.startswith(_GZIP):
        return "it is gzip: call it .csv.gz"
    return "line 1 is UTF-16 text, not UTF-8" if start.startswith(_UTF16) else ""


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


@contextlib.contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(_LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _read(stream: BinaryIO | gzip.GzipFile) -> None:
    """Read all records.

    Raises:
        _Found: at the first fault.
    """
    reader = csv.reader(_lines(stream))
    start, width = 1, 0
    record: list[str] = []
    try:
        for record in reader:
            line, start = start, reader.line_num + 1
            if not width:
                _named(record)
                width = len(record)
            elif len(record) > width:
                # In the first row pandas takes the first column for an index.
                raise _Found(f"line {line} has {len(record)} fields, the header {width}", refused=line > 2)
    except csv.Error:  # a field larger than any is: the quote before it was never closed
        raise _Found(_open_quote(start)) from None
    if record != [_END]:
        raise _Found(_open_quote(line))


def _open_quote(line: int) -> str:
    return f"line {line} has a quotation mark that is never closed"


def _named(header: list[str]) -> None:
    name, count = Counter(filter(None, header)).most_common(1)[0] if any(header) else ("", 1)
    if count > 1:
        raise _Found(f"line 1: {count} columns are called '{name}'", refused=False)


def _lines(stream: BinaryIO | gzip.GzipFile) -> Iterator[str]:
    """Yield the lines and `_END`, which becomes a record of its own unless a quote before it is open."""
    for number, line in enumerate(stream, start=1):
        if b"\0" in line:
            raise _Found(f"line {number} has a NUL byte", refused=False)
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise _Found(f"line {number} is not UTF-8 text") from None
    yield _END
