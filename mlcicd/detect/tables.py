"""Tables that a project trains and tests on, and what is expected of them: by the names of files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from mlcicd.detect.files import Folder

ENDINGS = (".csv", ".parquet")
PLACE = "expectations"


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Training files with the test file beside each, and data files with the suite that bears their name."""

    splits: tuple[tuple[str, str], ...] = ()
    suites: tuple[tuple[str, str], ...] = ()


def look(folder: Folder, paths: Iterable[str]) -> Tables:
    """Find tables among the paths that a pipeline reads or writes, and among the files that `.dvc` files stand for."""
    sources = [path.removesuffix(".dvc") for path in folder.find(lambda name: name.endswith(".dvc"))]
    tables = sorted({path for path in (*paths, *sources) if path.endswith(ENDINGS)})
    return Tables(splits=tuple(_splits(tables)), suites=tuple(_suites(folder, tables)))


def _splits(tables: Iterable[str]) -> list[tuple[str, str]]:
    known = set(tables)
    pairs = [(path, _beside(path)) for path in tables]
    return [(train, test) for train, test in pairs if train != test and test in known]


def _beside(path: str) -> str:
    """Return what the test file to a training file would be called."""
    folder, name = posixpath.split(path)
    return posixpath.join(folder, name.replace("train", "test"))


def _suites(folder: Folder, tables: Iterable[str]) -> list[tuple[str, str]]:
    files = folder.find(lambda name: name.endswith((".yaml", ".yml", ".json")), under=PLACE)
    named = {posixpath.splitext(posixpath.basename(file))[0]: file for file in files}
    stems = [(table, posixpath.splitext(posixpath.basename(table))[0]) for table in tables]
    return [(table, named[stem]) for table, stem in stems if stem in named]
