"""Which files are judged: those that a platform would read from a repository, or those that are named."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from mlcicd.errors import UsageError
from mlcicd.lint.model import Kind

_SUFFIXES = (".yml", ".yaml")
_SKIPPED = frozenset({"node_modules", "venv", "site-packages", "__pycache__"})
_VISITED = frozenset({".github", ".gitlab"})
_KINDS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"\.github/workflows/[^/]+"), "workflow"),
    (re.compile(r"(.*/)?action"), "action"),
    (re.compile(r"\.github/dependabot"), "dependabot"),
    (re.compile(r"\.gitlab-ci"), "gitlab"),
)
# These may hold pipelines; only what is in them says so.
_MAYBE = re.compile(r"\.gitlab/.+|templates/[^/]+(/template)?")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A file to judge.

    Attributes:
        path: where it is.
        name: as the user would write it, with `/`; stands in the findings.
        kind: by its place; None when its content has to tell.
        named: whether the user named it, so that not knowing it is worth a finding.
        top: the repository, in which files that it includes are judged too; None where they are not.
    """

    path: Path
    name: str
    kind: Kind | None
    named: bool = False
    top: Path | None = None


def find(paths: Sequence[Path]) -> list[Target]:
    """Return what is to be judged, sorted by name, each file once.

    Raises:
        UsageError: when a path does not exist, or nothing is found.
    """
    found: dict[str, Target] = {}
    for path in paths:
        for target in _below(path) if path.is_dir() else [_named(path)]:
            found.setdefault(os.path.realpath(target.path), target)
    if not found:
        where = ", ".join(path.as_posix() for path in paths)
        raise UsageError(
            f"{where}: no CI files here: no .github/workflows, action.yml, .gitlab-ci.yml or .github/dependabot.yml",
            hint="go to the repository's top folder, or name the files: `mlcicd lint path/to/workflow.yml`",
        )
    return sorted(found.values(), key=lambda target: target.name)


def _named(path: Path) -> Target:
    if not os.path.lexists(path):
        raise UsageError(f"{path.as_posix()}: there is no such file", hint="`mlcicd lint` alone judges this folder")
    whole = _absolute(path)
    kind, _ = _by_place(whole.relative_to(_top(whole.parent)).as_posix())
    return Target(path=path, name=_name(path), kind=kind, named=True)


def _below(folder: Path) -> Iterator[Target]:
    whole = _absolute(folder)
    inside = whole.relative_to(_top(whole))
    for path in _files(folder):
        kind, maybe = _by_place((inside / path.relative_to(folder)).as_posix())
        if kind or maybe:
            yield Target(path=path, name=_name(path), kind=kind, top=folder if kind == "gitlab" else None)


def included(patterns: Iterable[str], top: Path) -> Iterator[Target]:
    """Yield the files of a repository that a pipeline includes; `*` stays in its folder, `**` does not."""
    for pattern in (one.lstrip("/") for one in patterns):
        if "*" in pattern:
            paths = [path for path in _files(top) if _matches(path.relative_to(top).as_posix(), pattern)]
        else:
            paths = [top / pattern] if ".." not in pattern.split("/") and _is_file(top / pattern) else []
        for path in paths:
            yield Target(path=path, name=_name(path), kind="gitlab", top=top)


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and ("**" in pattern or name.count("/") == pattern.count("/"))


def _is_file(path: Path) -> bool:
    """A name that no disk takes is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _top(folder: Path) -> Path:
    """The repository's top for a folder in `.github` or `.gitlab`, such as `.github/workflows`; else the folder."""
    return next((one.parent for one in (folder, *folder.parents) if one.name in _VISITED), folder)


def _by_place(name: str) -> tuple[Kind | None, bool]:
    """Return the kind of a file by its place below the top, and whether it may be a pipeline."""
    stem, _, suffix = name.rpartition(".")
    if f".{suffix}" not in _SUFFIXES:
        return None, False
    kind = next((kind for pattern, kind in _KINDS if pattern.fullmatch(stem)), None)
    return kind, bool(_MAYBE.fullmatch(stem))


def _files(folder: Path) -> Iterator[Path]:
    """Links to folders are not followed: they may go round in a circle, or out of the repository."""
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_visited(name))
        for name in sorted(files):
            if name.endswith(_SUFFIXES):
                yield Path(here) / name


def _is_visited(folder: str) -> bool:
    return folder in _VISITED or not (folder.startswith(".") or folder in _SKIPPED)


def _name(path: Path) -> str:
    """Relative to the current folder when it is below."""
    try:
        return _absolute(path).relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def _absolute(path: Path) -> Path:
    """Without `..`, and with the links as they are: a link in `.github/workflows` is a workflow."""
    return Path(os.path.normpath(Path.cwd() / path))
