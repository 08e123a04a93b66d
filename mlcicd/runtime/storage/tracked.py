"""What DVC's own files say is where, and under which hash: `*.dvc`, `dvc.lock`, and the names in `dvc.yaml`.

Only hashes and paths are read here, and `dvc.lock` has them resolved; anything that needs DVC's logic is asked
of the program (`runtime.storage.dvc`).
"""

from __future__ import annotations

import posixpath
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlcicd import yamlio
from mlcicd.errors import UsageError
from mlcicd.runtime.storage.dvc_errors import merge_markers

_MARKER = re.compile(r"^<{7} ", re.MULTILINE)
_TEMPLATE = re.compile(r"\\?\$\\?\{.*?\\?\}")


@dataclass(frozen=True, kw_only=True)
class Out:
    """A file or folder that DVC tracks.

    Attributes:
        path: from the project's folder, with forward slashes.
        md5: its hash, ending in ".dir" for a folder; "" when it is tracked by something else (a cloud version).
        legacy: the hash is that of DVC 2, which read the line ends of text files as "\\n".
        source: the `.dvc` file or the stage it belongs to.
        size: in bytes; -1 when it is not recorded.
        push: whether it goes to the remote.
    """

    path: str
    md5: str
    legacy: bool = False
    source: str
    size: int = -1
    push: bool = True

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder."""
        return self.md5.endswith(".dir")

    @property
    def file(self) -> str:
        """The `.dvc` file or the `dvc.lock` that says so."""
        if self.source.endswith(".dvc"):
            return self.source
        pipeline, separator, _ = self.source.rpartition("dvc.yaml:")
        return f"{pipeline}dvc.lock" if separator else "dvc.lock"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage as `dvc.lock` remembers it: hash, and size in bytes, of each dependency by path, and its outputs."""

    name: str
    deps: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
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


def not_in_git(root: Path, outs: Sequence[Out]) -> tuple[Out, ...]:
    """Leave out what git holds (metrics that are not cached): DVC does not deliver it."""
    in_git = set(committed(root, [out.path for out in outs]))
    return tuple(out for out in outs if out.path not in in_git)


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


def needs(stages: Mapping[str, Stage]) -> dict[str, tuple[str, ...]]:
    """Return, for each stage, the names of those whose outputs it reads."""
    makers: dict[str, list[str]] = {}
    inside: dict[str, list[str]] = {}
    for stage in stages.values():
        for out in stage.outs:
            makers.setdefault(out.path, []).append(stage.name)
            for folder in _above(out.path):
                inside.setdefault(folder, []).append(stage.name)
    found = {}
    for stage in stages.values():
        read = [
            name
            for dep in stage.deps
            for place in (makers.get(dep), inside.get(dep), *map(makers.get, _above(dep)))
            for name in place or ()
        ]
        found[stage.name] = tuple(name for name in dict.fromkeys(read) if name != stage.name)
    return found


def overlap(one: str, other: str) -> bool:
    """Tell whether two paths are the same, or one is inside the other."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _source(root: Path, name: str) -> Iterator[Out]:
    tree = _load(root, name)
    home = _join(posixpath.dirname(name), str(tree.get("wdir") or ""))
    yield from _outs(_rows(tree.get("outs"), f"{name}: outs"), home, name)


def _stages(root: Path, lock: str) -> Iterator[Stage]:
    """Yield the stages of a `dvc.lock`; its paths are relative to where each stage runs, which only `dvc.yaml` says."""
    yaml = _beside(lock, "dvc.yaml")
    declared = _mapping(_load(root, yaml).get("stages"))
    home = posixpath.dirname(lock)
    for key, locked in _mapping(_load(root, lock).get("stages")).items():
        stage = _mapping(locked)
        body = _mapping(declared.get(str(key).split("@")[0]))
        where = _join(home, str(_mapping(body.get("do") or body).get("wdir") or ""))
        name = f"{yaml}:{key}" if home else str(key)
        entries = _rows(stage.get("deps"), f"{lock}: stages.{key}.deps")
        deps = {_join(where, str(entry.get("path"))): str(entry.get("md5", "")) for entry in entries}
        sizes = {_join(where, str(entry.get("path"))): _size(entry) for entry in entries}
        here = set(_kept_here(_mapping(body.get("do") or body), where))
        outs = [
            replace(out, push=out.path not in here)
            for out in _outs(_rows(stage.get("outs"), f"{lock}: stages.{key}.outs"), where, name)
        ]
        yield Stage(name=name, deps=deps, sizes=sizes, outs=tuple(outs))


def _rows(value: Any, place: str) -> list[Mapping[str, Any]]:
    """Return a list of mappings, as DVC writes it.

    Raises:
        UsageError: naming the place of anything else.
    """
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise UsageError(f"{place}: not what DVC writes there", hint="take the file as git had it, or `dvc repro`")
    return value


def _outs(entries: Sequence[Mapping[str, Any]], home: str, source: str) -> Iterator[Out]:
    for entry in entries:
        path = _join(home, str(entry.get("path")))
        if _is_inside(path) and entry.get("cache", True):
            # A folder whose files are tracked one by one, by the cloud's own versions, has no hash of its own.
            md5 = str(entry.get("md5", "")) if entry.get("hash", "md5") == "md5" and "files" not in entry else ""
            push = entry.get("push", True) is not False
            yield Out(path=path, md5=md5, legacy="hash" not in entry, source=source, size=_size(entry), push=push)


def _kept_here(stage: Mapping[str, Any], home: str) -> Iterator[str]:
    """Yield the outputs of a stage in `dvc.yaml` that are never pushed: only that file says so."""
    for key in ("outs", "metrics", "plots"):
        entries = stage.get(key)
        for entry in entries if isinstance(entries, list) else []:
            for path, settings in _mapping(entry).items():
                if _mapping(settings).get("push") is False:
                    yield _join(home, str(path))


def _size(entry: Mapping[str, Any]) -> int:
    size = entry.get("size")
    return size if isinstance(size, int) else -1


def _declared(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the working folder and each list of metrics or plots, of stages and of the file itself.

    Parameters that stand beside the stages are results too: a training that logs them (dvclive) has written them.
    """
    for key in ("metrics", "plots", "params"):
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
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: cannot be read: it is not UTF-8: {error}", hint="save it as UTF-8") from None
    try:
        tree = yamlio.load_foreign(text)
    except yamlio.Unreadable as error:
        if found := _MARKER.search(text):
            raise merge_markers(name, f":{text.count(chr(10), 0, found.start()) + 1}") from None
        raise UsageError(f"{name}:{error.place.line}: cannot be read: {error}", hint="`dvc status` says more") from None
    return _mapping(tree)


def _above(path: str) -> list[str]:
    """Return the folders that a path is in, the nearest first."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]


def _beside(name: str, other: str) -> str:
    return posixpath.join(posixpath.dirname(name), other)


def _join(*parts: str) -> str:
    return posixpath.normpath(posixpath.join(*parts))


def _is_inside(path: str) -> bool:
    """Outputs elsewhere (an absolute path, a cloud address, a folder above) are not the project's to look after."""
    return "://" not in path and ":/" not in path and not path.startswith(("/", "../"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
