"""DuckDB, where it is installed: opened in bounded memory, with nothing from the network."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from mlcicd.errors import OutsideError
from mlcicd.runtime.validation import csv_faults
from mlcicd.runtime.validation.native_csv import MISSING

INSTALL = "`mlcicd setup --tables` installs it beside mlcicd; by hand: uv pip install 'duckdb>=1.4,<3'"
ABSENT = f"duckdb is not installed: {INSTALL}"
_MB_PER_THREAD = 100
SUFFIXES = (".csv", ".csv.gz", ".parquet", ".pq")


def is_here() -> bool:
    """Tell whether DuckDB is installed; it is not imported."""
    return importlib.util.find_spec("duckdb") is not None


def absent(purpose: str) -> OutsideError:
    """Return the error that says that DuckDB is not installed; `purpose` begins its message."""
    return OutsideError(f"{purpose} needs duckdb, which is not installed", hint=INSTALL)


def need(purpose: str) -> None:
    """Make sure that DuckDB is here.

    Raises:
        OutsideError: when it is not.
    """
    if not is_here():
        raise absent(purpose)


@contextlib.contextmanager
def opened(memory_mb: int | None = None) -> Iterator[Any]:
    """Open an empty database that spills into a temporary folder; `memory_mb` limits its memory (10^6 bytes)."""
    settings: dict[str, Any] = {"autoinstall_known_extensions": False, "preserve_insertion_order": False}
    if memory_mb:
        threads = max(1, min(os.cpu_count() or 1, memory_mb // _MB_PER_THREAD))
        settings |= {"memory_limit": f"{memory_mb}MB", "threads": threads}
    with tempfile.TemporaryDirectory(prefix="mlcicd-") as folder:
        database = import_module("duckdb").connect(":memory:", config={**settings, "temp_directory": folder})
        try:
            database.execute("SET enable_progress_bar = false")
            # It reads text as numbers where a TRY_CAST stands, and fails where that does not.
            if database.execute("SELECT 1 FROM duckdb_optimizers() WHERE name = 'type_pushdown'").fetchall():
                database.execute("SET disabled_optimizers = 'type_pushdown'")
            yield database
        finally:
            database.close()


def load(database: Any, name: str, path: Path) -> None:
    """Make a CSV or Parquet file readable as the table `name`; the types of a CSV are those of all its rows.

    Raises:
        duckdb.Error: when it is no such file.
    """
    place = literal(_no_pattern(str(path)))
    if not path.name.lower().endswith((".csv", ".csv.gz")):
        database.execute(f"CREATE VIEW {identifier(name)} AS FROM read_parquet({place})")
        return
    missing = ", ".join(map(literal, MISSING))
    how = f"header = true, skip = 0, delim = ',', quote = '\"', escape = '\"', sample_size = -1, nullstr = [{missing}]"
    for more in ("", ", null_padding = true, parallel = false"):  # rows that end early, as pandas reads them: slower
        try:
            database.execute(f"CREATE TABLE {identifier(name)} AS FROM read_csv({place}, {how}{more})")
        except Exception:
            if more:
                raise
        else:
            return


def unreadable(database: Any, table: str, path: Path) -> str:
    """Load a file, and return why it is no table, "" when it is; DuckDB's own words quote its lines."""
    try:
        load(database, table, path)
    except Exception as error:
        if not is_error(error):
            raise
        if path.name.lower().endswith((".parquet", ".pq")):
            return "cannot be read as Parquet"
        fault = csv_faults.find(path)
        line = re.search(r"Line: (\d+)", str(error))
        return fault.text if fault else "cannot be read as CSV" + (f", line {line[1]}" if line else "")
    return "" if path.stat().st_size else "the file is empty"


def is_error(error: Exception) -> bool:
    """Tell whether an exception is DuckDB's own; it need not be installed for the question."""
    return type(error).__module__.startswith(("duckdb", "_duckdb"))


def damage(database: Any, path: Path) -> str:
    """Read all of a Parquet file, whose end may be right and its middle bad; return why that fails, or ""."""
    place = literal(_no_pattern(str(path)))
    try:
        database.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet({place})").fetchall()  # noqa: S608
    except Exception as error:
        if not is_error(error):
            raise
        return told(error)
    return ""


def told(error: Exception) -> str:
    """Say what an error of DuckDB means for the table that was read, without its words: they quote rows."""
    if type(error).__name__ == "OutOfMemoryException":
        return "it needs more memory than DuckDB may use: raise `memory` under validate in mlcicd.yaml"
    return "it is damaged: not all of it can be read"


def select(database: Any, what: str, source: str) -> list[tuple[Any, ...]]:
    """Return the rows of `SELECT what FROM source`; both are SQL, names in it quoted by `identifier`."""
    found: list[tuple[Any, ...]] = database.execute(f"SELECT {what} FROM {source}").fetchall()  # noqa: S608 - see above
    return found


def columns(database: Any, name: str) -> dict[str, str]:
    """Return the type of each column of a table, in order."""
    rows = database.execute(f"DESCRIBE {identifier(name)}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def identifier(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def _no_pattern(path: str) -> str:
    """DuckDB reads a file's name as a pattern: name its special characters one by one."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)
