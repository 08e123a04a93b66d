"""Parquet files as pandas reads them with pyarrow, or `Beyond` where that cannot be told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcicd.runtime.validation.native_model import Beyond, Column, Kind, Unreadable, quoted

_INTS = frozenset({"BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UINTEGER", "USMALLINT", "UTINYINT"})
_MAGIC = b"PAR1"
# What pandas noted of a column that it wrote, when it reads it back as a plain one.
_NOTED = {"int": re.compile(r"u?int\d+"), "float": re.compile("float64"), "text": re.compile("object|str|string_")}


@dataclass(frozen=True, kw_only=True)
class ParquetFile:
    """A file: its columns' DuckDB types by name, in order, and what pandas noted of them."""

    path: Path
    types: Mapping[str, str]
    noted: Mapping[str, str] | None
    arrow: bool

    @property
    def header(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(self.types)

    def relation(self, columns: Sequence[Column]) -> str:
        """Return SQL of a table with the used columns: `v<n>`, values."""
        picked = [self._pick(column) for column in columns] or ["1 AS one"]
        return f"(SELECT {', '.join(picked)} FROM read_parquet({quoted(str(self.path))}))"  # noqa: S608

    def _pick(self, column: Column) -> str:
        name = '"' + column.name.replace('"', '""') + '"'
        real = self.types[column.name] in ("DOUBLE", "FLOAT")
        value = f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END" if real else name
        return f"{value}{'::BIGINT' if column.kind == 'int' else ''} AS {column.value}"

    def column(self, name: str) -> Column:
        """Return a column."""
        return Column(name=name, kind=self._kind(name), value=f"v{self.header.index(name)}")

    def _kind(self, name: str) -> Kind:
        found = self.types[name]
        kind: Kind = "int" if found in _INTS else "float" if found == "DOUBLE" else "text"
        if kind == "text" and (found != "VARCHAR" or (self.noted is None and self.arrow)):
            return "other"  # arrow's own schema may say that it is a dictionary: a categorical column
        noted = (self.noted or {}).get(name)
        return kind if noted is None or _NOTED[kind].fullmatch(noted) else "other"


def look(database: Any, path: Path) -> ParquetFile:
    """Read a file's schema; `database` is a connection of DuckDB.

    Raises:
        Unreadable: when it is no Parquet file, or only the beginning of one.
        Beyond: when pandas gives its columns other names, or DuckDB cannot read it.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(4)
        stream.seek(max(0, size - 4))
        end = stream.read(4)
    if start != _MAGIC or end != _MAGIC or size < 12:
        raise Unreadable("it is empty" if not size else "it is no Parquet file, or it is cut short")
    place = quoted(str(path))
    try:
        described = database.execute(f"DESCRIBE SELECT * FROM read_parquet({place})").fetchall()  # noqa: S608
        keys = database.execute(f"SELECT key, value FROM parquet_kv_metadata({place})").fetchall()  # noqa: S608
    except Exception as error:
        raise Beyond(f"DuckDB cannot read it: {type(error).__name__}") from None
    notes = {bytes(key): bytes(value) for key, value in keys}
    noted, index = _notes(notes.get(b"pandas"))
    types = {row[0]: row[1] for row in described if row[0] not in index}
    return ParquetFile(path=path, types=types, noted=noted, arrow=b"ARROW:schema" in notes)


def _notes(raw: bytes | None) -> tuple[dict[str, str] | None, frozenset[str]]:
    """Return pandas' type of each column, and the columns that become the index."""
    if raw is None:
        return None, frozenset()
    try:
        found = json.loads(raw)
        kinds = {column["pandas_type"] for column in found.get("column_indexes", ())}
        noted = {column["field_name"] or column["name"]: column["numpy_type"] for column in found["columns"]}
        index = frozenset(name for name in found.get("index_columns", ()) if isinstance(name, str))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Beyond("what pandas noted in it cannot be read") from None
    if not kinds <= {"unicode", "string", "empty"}:
        raise Beyond("its columns' names are not text")
    return noted, index
