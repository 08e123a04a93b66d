"""What DVC's own files say is where, and under which hash: `*.dvc`, `dvc.lock`, and the names in `dvc.yaml`.

Only hashes and paths are read here, and `dvc.lock` has them resolved; anything that needs DVC's logic is asked
of the program (`runtime.dvc`).
"""

from __future__ import annotations

import posixpath
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlcicd import yamlio
from mlcicd.errors import UsageError

_TEMPLATE = re.compile(r"\\?\$\\?\{.*?\\?\}")


@dataclass(frozen=True, kw_only=True)
class Out:
    """A file or folder that DVC tracks.

    Attributes:
        path: from the project's folder, with forward slashes.
        md5: its hash, ending in ".dir" for a folder; "" when it is tracked by something else (a cloud version).
        legacy: the hash is that of DVC 2, which read the line ends of text files as "\\n".
        source: the `.dvc` file or the stage it belongs to.
    """

    path: str
    md5: str
    legacy: bool = False
    source: str

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder."""
        return self.md5.endswith(".dir")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage as `dvc.lock` remembers it: hash of each dependency by path, and its outputs."""

    name: str
    deps: Mapping[str, str] = field(default_factory=dict)
    outs: tuple[Out, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """Everything tracked in a project."""

    sources: tuple[Out, ...] = ()
    stages: Mapping[str, Stage] = field(default_factory=dict)

    @property
    def outs(self) -> tuple[Out, ...]:
        """Everything that the `.dvc` files and the stages track."""
        return (*self.sources, *(out for stage in self.stages.values() for out in stage.outs))


def read(root: Path) -> Tracked:
    """Read every `.dvc` file and `dvc.lock` of a project.

    Raises:
        UsageError: naming the file that is broken.
    """
    sources = tuple(out for name in files(root, "*.dvc") for out in _source(root, name))
    stages = {stage.name: stage for name in files(root, "*dvc.lock") for stage in _stages(root, name)}
    return Tracked(sources=sources, stages=stages)


def files(root: Path, pattern: str) -> list[str]:
    """Return the files whose path matches, those git ignores left out; without git, those not in hidden folders."""
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern]
    try:
        done = subprocess.run(argv, cwd=root, capture_output=True, check=True)
        found = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    except (OSError, subprocess.CalledProcessError):
        found = [path.relative_to(root).as_posix() for path in root.rglob(pattern)]
    hidden = ("/.", ".dvc/", ".mlcicd/", ".venv/")
    return sorted({name for name in found if (root / name).is_file() and not name.startswith(hidden)})


def committed(root: Path, paths: Sequence[str]) -> list[str]:
    """Return which of the paths git itself holds."""
    if not paths:
        return []
    argv = ["git", "--literal-pathspecs", "ls-files", "-z", "--", *paths]
    done = subprocess.run(argv, cwd=root, capture_output=True, check=False)
    return done.stdout.decode("utf-8", "surrogateescape").split("\0") if done.returncode == 0 else []


def results(root: Path) -> tuple[str, ...]:
    """Return the metric and plot files (or folders) that the project's `dvc.yaml` files declare.

    A name that is a template is looked up among the outputs of `dvc.lock`.

    Raises:
        UsageError: naming the file that is broken.
    """
    found: list[str] = []
    for name in files(root, "*dvc.yaml"):
        tree, home = _load(root, name), posixpath.dirname(name)
        locked = [out.path for stage in _stages(root, _beside(name, "dvc.lock")) for out in stage.outs]
        for folder, entries in _declared(tree):
            for path in _names(entries):
                found += _resolve(_join(home, folder, path), locked)
    return tuple(dict.fromkeys(path for path in found if _is_inside(path)))


def overlap(one: str, other: str) -> bool:
    """Tell whether two paths are the same, or one is inside the other."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _source(root: Path, name: str) -> Iterator[Out]:
    tree = _load(root, name)
    home = _join(posixpath.dirname(name), str(tree.get("wdir") or ""))
    yield from _outs(tree.get("outs"), home, name)


def _stages(root: Path, lock: str) -> Iterator[Stage]:
    """Yield the stages of a `dvc.lock`; its paths are relative to where each stage runs, which only `dvc.yaml` says."""
    yaml = _beside(lock, "dvc.yaml")
    declared = _mapping(_load(root, yaml).get("stages"))
    home = posixpath.dirname(lock)
    for key, stage in _mapping(_load(root, lock).get("stages")).items():
        body = _mapping(declared.get(str(key).split("@")[0]))
        where = _join(home, str(_mapping(body.get("do") or body).get("wdir") or ""))
        name = f"{yaml}:{key}" if home else str(key)
        entries = [entry for entry in stage.get("deps") or [] if isinstance(entry, dict)]
        deps = {_join(where, str(entry.get("path"))): str(entry.get("md5", "")) for entry in entries}
        yield Stage(name=name, deps=deps, outs=tuple(_outs(stage.get("outs"), where, name)))


def _outs(entries: Any, home: str, source: str) -> Iterator[Out]:
    for entry in entries or []:
        path = _join(home, str(entry.get("path")))
        if _is_inside(path) and entry.get("cache", True):
            # A folder whose files are tracked one by one, by the cloud's own versions, has no hash of its own.
            md5 = str(entry.get("md5", "")) if entry.get("hash", "md5") == "md5" and "files" not in entry else ""
            yield Out(path=path, md5=md5, legacy="hash" not in entry, source=source)


def _declared(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the working folder and each list of metrics or plots, of stages and of the file itself."""
    for key in ("metrics", "plots"):
        yield "", tree.get(key)
    for stage in _mapping(tree.get("stages")).values():
        body = _mapping(_mapping(stage).get("do") or stage)
        for key in ("metrics", "plots"):
            yield str(body.get("wdir") or ""), body.get(key)


def _names(entries: Any) -> Iterator[str]:
    """Yield the paths in a list of metrics or plots: `path`, `{path: settings}` or `{id: {x, y: {path: field}}}`."""
    for entry in entries if isinstance(entries, list) else [entries]:
        if isinstance(entry, str):
            yield entry
        for name, settings in _mapping(entry).items():
            axes = [_mapping(settings).get(axis) for axis in ("x", "y")]
            inside = [str(path) for axis in axes for path in _mapping(axis)]
            yield from inside or [str(name)]


def _resolve(path: str, locked: Iterable[str]) -> list[str]:
    if "${" not in path:
        return [path]
    pattern = re.compile(".+".join(map(re.escape, re.split(_TEMPLATE, path))))
    return [out for out in locked if pattern.fullmatch(out)]


def _load(root: Path, name: str) -> Mapping[str, Any]:
    path = root / name
    if not path.is_file():
        return {}
    try:
        tree = yamlio.load_foreign(path.read_text("utf-8"))
    except (yamlio.Unreadable, UnicodeDecodeError) as error:
        line = f":{error.place.line}" if isinstance(error, yamlio.Unreadable) else ""
        raise UsageError(f"{name}{line}: cannot be read: {error}", hint="`dvc status` says more") from None
    return _mapping(tree)


def _beside(name: str, other: str) -> str:
    return posixpath.join(posixpath.dirname(name), other)


def _join(*parts: str) -> str:
    return posixpath.normpath(posixpath.join(*parts))


def _is_inside(path: str) -> bool:
    """Outputs elsewhere (an absolute path, a cloud address, a folder above) are not the project's to look after."""
    return "://" not in path and ":/" not in path and not path.startswith(("/", "../"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
