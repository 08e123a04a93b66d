"""CSV files as pandas' `read_csv` reads them with its defaults, or `Beyond` where that cannot be told.

The type of a column is what pandas infers from all of its values. It is guessed from the first rows, and the one
SELECT that judges also counts the values that contradict the guess.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcicd.runtime.validation import csv_faults
from mlcicd.runtime.validation.native_model import Beyond, Column, Found, Kind, Unreadable, quoted

CHUNK = 1 << 22
SAMPLE = 1000
_SEAM = 64
# pandas reads a file in pieces of at least this many fields, each with types of its own.
ONE_PIECE = 1 << 18
MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
_MISSING = ", ".join(map(quoted, MISSING))
_MISSING_LENGTH = max(map(len, MISSING))
_INT = r"[+-]?[0-9]{1,18}"
_INFINITY = r"(?i:inf|infinity)"
_EXPONENT = r"(?:[eE][+-]?[0-9]+)"
_FLOAT = rf"[+-]?(?:[0-9]{{1,18}}{_EXPONENT}?|(?:[0-9]+\.[0-9]*|\.[0-9]+){_EXPONENT}?|{_INFINITY})"
_NUMBER = rf"\s*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+){_EXPONENT}?|{_INFINITY})\s*"
# Beyond 64 bits, where even what is missing depends on the values around it.
_HUGE = r"\s*[+-]?[0-9]{19,}\s*"
_TRUTH = ("True", "TRUE", "true", "False", "FALSE", "false")
# A quote inside a field that does not begin with one, or text after the one that ends it.
_STRAY_QUOTE = re.compile(rb'[^,\n"]"[^,\r\n"]')
_BLANK_LINE = re.compile(rb"\n[ \t]*\r?\n")
_BLANK_START = re.compile(rb"[ \t]*\r?\n")


@dataclass(frozen=True, kw_only=True)
class CsvFile:
    """What one look at all bytes tells. `lines` counts those that are not the header, if no field spans several."""

    path: Path
    header: tuple[str, ...]
    quotes: bool
    lines: int

    def relation(self, columns: Sequence[Column], *, parallel: bool = True) -> str:
        """Return SQL of a table with the used columns: `t<n>` as written, `v<n>` as values."""
        fields = ", ".join(f"'r{index}': 'VARCHAR'" for index in range(len(self.header)))
        source = (
            f"read_csv({quoted(str(self.path))}, auto_detect = false, header = true, delim = ',', quote = '\"', "
            f"escape = '\"', columns = {{{fields}}}, nullstr = [''], parallel = {str(parallel).lower()})"
        )
        picked = [part for column in columns for part in self._pick(column)] or ["1 AS one"]
        return f"(SELECT {', '.join(picked)} FROM {source})"  # noqa: S608 - names are numbers, texts are quoted

    def _pick(self, column: Column) -> list[str]:
        field = f"r{self.header.index(column.name)}"
        if column.kind == "int":
            return [f"{field} AS {column.text}", f"TRY_CAST({field} AS BIGINT) AS {column.value}"]
        if column.kind == "float":
            number = f"TRY_CAST({field} AS DOUBLE)"
            present = f"CASE WHEN isnan({number}) THEN NULL ELSE {number} END"
            return [f"{field} AS {column.text}", f"{present} AS {column.value}"]
        # Nested, for CASE looks no further where it has decided, and AND does.
        short = f"CASE WHEN {field} IN ({_MISSING}) THEN NULL ELSE {field} END"
        return [f"CASE WHEN strlen({field}) <= {_MISSING_LENGTH} THEN {short} ELSE {field} END AS {column.value}"]

    def column(self, name: str, kind: Kind) -> Column:
        """Return a column, read as a kind."""
        index = self.header.index(name)
        number = kind in ("int", "float")
        return Column(name=name, kind=kind, value=f"{'v' if number else 't'}{index}", text=f"t{index}")


def look(path: Path) -> CsvFile:
    """Look at all bytes of a file.

    Raises:
        Unreadable: when pandas would refuse it.
        Beyond: when it is written in a way that DuckDB could read differently.
    """
    with path.open("rb") as stream:
        start = stream.read(CHUNK)
    if not start.strip():
        raise Unreadable("it is empty")
    if said := csv_faults.foreign(start):
        raise Unreadable(said)
    header = _header(start)
    state = _Bytes(several=len(header) > 1)
    for chunk in _chunks(path):
        state.add(chunk)
    return CsvFile(path=path, header=header, quotes=state.quotes, lines=state.end())


class _Bytes:
    """What is seen of a file's bytes, piece by piece. It must keep up with DuckDB, so that most is not looked at."""

    def __init__(self, *, several: bool) -> None:
        # In a table of several columns a blank line is no row, and the number of rows tells of it.
        self._several = several
        self.quotes = False
        self._newlines = self._returns = self._pairs = 0
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._last = b""

    def add(self, chunk: bytes) -> None:
        """Look at the next piece."""
        if b"\0" in chunk:
            raise Beyond("it holds NUL bytes")
        if not chunk.isascii() or self._decoder.getstate()[0]:
            self._decode(chunk)
        if b'"' in chunk:
            self.quotes = True
            if _STRAY_QUOTE.search(self._last[-_SEAM:] + chunk):
                raise Beyond("it has quotes inside fields")
        if not self._several and _BLANK_LINE.search(self._last[-_SEAM:] + chunk):
            raise Beyond("it has blank lines")
        if b"\r" in chunk:
            self._returns += chunk.count(b"\r")
            self._pairs += chunk.count(b"\r\n")
        self._pairs += self._last.endswith(b"\r") and chunk.startswith(b"\n")
        self._newlines += chunk.count(b"\n")
        self._last = chunk

    def end(self) -> int:
        """Return the number of lines after the header."""
        self._decode(b"", final=True)
        if self._returns and not self._returns == self._pairs == self._newlines:
            raise Beyond("its lines end in different ways")
        return self._newlines - 1 + (not self._last.endswith(b"\n"))

    def _decode(self, chunk: bytes, *, final: bool = False) -> None:
        held = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            line = self._newlines + 1 + chunk.count(b"\n", 0, max(0, error.start - held))
            raise Unreadable(f"line {line} is not UTF-8 text") from None


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def has_blank_lines(path: Path) -> bool:
    """Tell whether there are blank lines, inside quotes or not."""
    before = b""
    for chunk in _chunks(path):
        if _BLANK_LINE.search(before + chunk):
            return True
        before = chunk[-_SEAM:]
    return False


def _header(start: bytes) -> tuple[str, ...]:
    """Return the columns' names as pandas gives them."""
    if _BLANK_START.match(start.removeprefix(codecs.BOM_UTF8)):
        raise Beyond("it begins with a blank line")
    text = start.decode("utf-8-sig", errors="replace")
    try:
        names = next(csv.reader(text.splitlines(keepends=True)))
    except csv.Error:
        raise Beyond("its header cannot be read") from None
    named = tuple(name or f"Unnamed: {index}" for index, name in enumerate(names))
    if len(set(named)) < len(named) or any("\n" in name or "\r" in name for name in named):
        raise Beyond("columns share a name")
    return named


def guess(values: Sequence[str | None]) -> Kind:
    """Return the kind that the first values suggest."""
    present = [value for value in values if value is not None]
    if present and all(re.fullmatch(_INT, value, re.ASCII) for value in present):
        return "int"
    if present and all(re.fullmatch(_FLOAT, value, re.ASCII) for value in present):
        return "float"
    return "text"


def guards(column: Column) -> dict[str, str]:
    """Return the SQL of the counts that tell whether a column is of its kind."""
    text = column.text
    if column.kind in ("int", "float"):
        form = quoted(_INT if column.kind == "int" else _FLOAT)
        odd = f"CASE WHEN regexp_full_match({text}, {form}) THEN false ELSE {text} NOT IN ({_MISSING}) END"
        if column.kind == "int":  # written as DuckDB writes it: cheaper than the pattern
            odd = f"CASE WHEN {column.value}::VARCHAR = {text} THEN strlen({text}) > 18 ELSE {odd} END"
        odd = f"count_if({odd})"
        return {"odd": odd} | ({"broken": f"count_if(contains({text}, '.'))"} if column.kind == "float" else {})
    # Numbers begin with what sorts up to `9`, or with the i of infinity.
    number = f"CASE WHEN ascii({text}) <= 57 OR ascii({text}) IN (73, 105) "
    number += f"THEN regexp_full_match({text}, {quoted(_NUMBER)}) ELSE false END"
    huge = f"CASE WHEN ascii({text}) <= 57 AND strlen({text}) > 18 "
    huge += f"THEN regexp_full_match({text}, {quoted(_HUGE)}) ELSE false END"
    truth = f"CASE WHEN strlen({text}) <= 5 THEN {text} IN ({', '.join(map(quoted, _TRUTH))}) ELSE false END"
    return {"numbers": f"count_if({number})", "truths": f"count_if({truth})", "huge": f"count_if({huge})"}


def revised(column: Column, tried: Sequence[Kind], found: Found, width: int) -> Kind:
    """Return the kind that a column has after all; "other" when it is none of those that can be judged."""
    said: Mapping[str, Any] = {name: found[sql] for name, sql in guards(column).items()}
    count = int(found[column.count])
    if column.kind in ("other", "unknown") or not count:
        return column.kind if column.kind == "unknown" else "other"
    if column.kind == "int":
        return "int" if not said["odd"] else _next("float", tried)
    if column.kind == "float":
        # Whole numbers with a missing one between them are floats as well.
        real = not said["odd"] and (said["broken"] or count < found.rows)
        return "float" if real else _next("text", tried)
    if said["huge"]:
        return "unknown"
    if said["numbers"] == count:
        return _next("int", tried)
    several = found.rows * width > ONE_PIECE
    mixed = said["truths"] == count or (several and (said["numbers"] or said["truths"]))
    return "other" if mixed else "text"


def _next(kind: Kind, tried: Sequence[Kind]) -> Kind:
    return "other" if kind in tried else kind
