"""What every detector reads through: small text files of one folder, with what cannot be read noted."""

from __future__ import annotations

import configparser
import itertools
import json
import os
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from mlcicd import yamlio

MAX_BYTES = 4 * 1024 * 1024
MAX_ENTRIES = 2_000
MAX_DEPTH = 3
# Folders that hold other people's files.
_SKIPPED = frozenset({"venv", "env", "node_modules", "site-packages", "__pycache__", "build", "dist"})

Kind = TypeVar("Kind")


@dataclass(frozen=True, kw_only=True)
class Seen(Generic[Kind]):
    """A fact about the repository and the file or setting it was inferred from."""

    value: Kind
    source: str


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder of the repository as detectors read it.

    Attributes:
        path: the folder on disk.
        prefix: its path from the repository's root, "" or ending in a slash; for notices.
        notices: one line for each thing that could not be read; shared by the sub-folders.
    """

    path: Path
    prefix: str = ""
    notices: list[str] = field(default_factory=list)

    def sub(self, name: str) -> Folder:
        """Return the folder below; "." is the folder itself."""
        if name == ".":
            return self
        return Folder(path=self.path / name, prefix=f"{self.prefix}{name}/", notices=self.notices)

    def note(self, name: str, reason: str) -> None:
        """Remember what is wrong with a file, or with what it says."""
        self.notices.append(f"{self.prefix}{name}: {reason}")

    def has(self, *names: str) -> bool:
        """Tell whether one of these files is here."""
        return any((self.path / name).is_file() for name in names)

    def names(self, folder: str = ".") -> list[str]:
        """Return the sorted names of the files in a folder; none when there is no such folder."""
        return sorted(entry.name for entry in _entries(self.path / folder) if entry.is_file())

    def find(self, wanted: Callable[[str], bool], under: str = ".") -> list[str]:
        """Return the sorted paths of files whose name is wanted, down to `MAX_DEPTH` folders below `under`."""
        return sorted(_walk(self.path / under, "" if under == "." else f"{under}/", wanted, MAX_DEPTH))

    def text(self, name: str) -> str:
        """Return the text of a file; "" when it is not there, or unreadable, which is noted."""
        path = self.path / name
        try:
            if not path.is_file():
                return ""
            if path.stat().st_size > MAX_BYTES:
                self.note(name, f"not read: larger than {MAX_BYTES:,} bytes")
                return ""
            return path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            self.note(name, "not read: not UTF-8 text")
        except OSError as error:
            self.note(name, f"not read: {error.strerror}")
        return ""

    def mapping(self, name: str) -> dict[str, Any]:
        """Parse a JSON, TOML, INI or YAML file, told by its ending; {} when it is absent, or broken, which is noted."""
        text = self.text(name)
        if not text.strip():
            return {}
        try:
            found = _PARSERS.get(Path(name).suffix or Path(name).name, yamlio.load_foreign)(text)
        except yamlio.Unreadable as error:
            self.note(name, f"not used: line {error.place.line}: {error.reason}")
        except configparser.Error as error:
            self.note(name, f"not used: {error.message.splitlines()[0]}")
        except (ValueError, RecursionError) as error:
            self.note(name, f"not used: {error}")
        else:
            if isinstance(found, dict):
                return found
            self.note(name, "not used: it holds no keys and values")
        return {}


def read_ini(text: str) -> dict[str, Any]:
    """Parse INI text into sections; values keep no quotes.

    Raises:
        configparser.Error: when it is no INI text.
    """
    parser = configparser.ConfigParser(interpolation=None, strict=False, inline_comment_prefixes=("#",))
    parser.read_string(text)
    return {name: {key: value.strip("\"'") for key, value in parser.items(name)} for name in parser.sections()}


def section(tree: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Return the mapping at a path of keys, {} when there is none."""
    node: Any = tree
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            # A data folder may hold millions of files; what we look for is near the top.
            yield from itertools.islice(entries, MAX_ENTRIES)
    except OSError:
        return


def _walk(folder: Path, prefix: str, wanted: Callable[[str], bool], depth: int) -> Iterator[str]:
    for entry in _entries(folder):
        if entry.is_file():
            if wanted(entry.name):
                yield prefix + entry.name
        elif depth and entry.is_dir(follow_symlinks=False) and not _is_skipped(entry.name):
            yield from _walk(folder / entry.name, f"{prefix}{entry.name}/", wanted, depth - 1)


def _is_skipped(name: str) -> bool:
    return name.startswith(".") or name in _SKIPPED


_PARSERS: dict[str, Callable[[str], Any]] = {
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".cfg": read_ini,
    ".ini": read_ini,
    "config": read_ini,
    "Pipfile": tomllib.loads,
}
