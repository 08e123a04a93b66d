"""What `dvc.lock` and `dvc.yaml` say of a stage besides hashes: command, parameters, whether it is frozen.

Hashes and paths are `runtime.storage.tracked`'s.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlcicd import yamlio
from mlcicd.runtime import metrics
from mlcicd.runtime.storage import tracked

_STAGE = re.compile(r"""  ["']?([^\s"']+)["']?:$""")
# Files of DVC's, and of parameters, in which a half-done merge is told by name and line.
_MERGED = ("*dvc.yaml", "*dvc.lock", "*.dvc", "*params.yaml", "*params.json", "*params.toml")


@dataclass(frozen=True, kw_only=True)
class Locked:
    """A stage that `dvc.lock` knows.

    Attributes:
        lock: path of its dvc.lock.
        key: its name there.
        line: where it begins there, from 1.
        declared: whether the dvc.yaml beside still has a stage of this name.
        frozen: DVC does not run it, whatever changes.
        commands: the command it ran with, and the one it has now; "" where that holds a template.
        params: what it ran with: by file, the values by key.
        held: the outputs that git holds instead of DVC (`cache: false`); templates as they are written.
    """

    lock: str
    key: str
    line: int
    declared: bool
    frozen: bool
    commands: tuple[str, str]
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    held: tuple[str, ...] = ()


def read(root: Path) -> dict[str, Locked]:
    """Return every stage of every `dvc.lock`, by the name that DVC gives it."""
    found: dict[str, Locked] = {}
    for lock in tracked.files(root, "*dvc.lock"):
        home = posixpath.dirname(lock)
        yaml = posixpath.join(home, "dvc.yaml")
        declared = _stages(root / yaml)
        lines = _lines(root / lock)
        for key, stage in _stages(root / lock).items():
            body = declared.get(key.split("@")[0])
            found[f"{yaml}:{key}" if home else key] = _locked(lock, key, lines.get(key, 1), _mapping(stage), body)
    return found


def markers(root: Path) -> list[tuple[str, int]]:
    """Return the files of DVC's, and of parameters, that hold merge markers, each with the line of the first."""
    names = sorted({name for pattern in _MERGED for name in tracked.files(root, pattern)})
    found = ((name, _marker(root / name)) for name in names)
    return [(name, line) for name, line in found if line]


def changed_params(root: Path, stage: Locked, file: str) -> list[str]:
    """Return, in words, each parameter of a file that differs from what a stage ran with.

    Empty when it cannot be told here: parameters in Python, values that differ in type only.
    """
    then = {key: metrics.text(leaf) for key, leaf in metrics.flatten(stage.params.get(file, {}), lists=False)}
    tops = tuple(stage.params.get(file, {}))
    values, problems = metrics.params_from_file(root, file)
    if problems:
        return []
    now = {key: value for (_, key), value in values.items() if any(_below(key, top) for top in tops)}
    keys = [key for key in {**then, **now} if then.get(key) != now.get(key)]
    return [f"{key} {then.get(key, '(absent)')} → {now.get(key, '(absent)')}" for key in keys]


def _locked(lock: str, key: str, line: int, stage: Mapping[str, Any], declared: Any) -> Locked:
    outer = _mapping(declared)
    body = _mapping(outer.get("do") or outer)
    where = posixpath.join(posixpath.dirname(lock), str(body.get("wdir") or ""))
    command = _command(body.get("cmd"))
    return Locked(
        lock=lock,
        key=key,
        line=line,
        declared=declared is not None,
        frozen=bool(body.get("frozen")),
        commands=(_command(stage.get("cmd")), "" if "${" in command else command),
        params={_join(where, str(file)): _mapping(values) for file, values in _mapping(stage.get("params")).items()},
        held=tuple(_join(where, path) for key in ("outs", "metrics", "plots") for path in _uncached(body.get(key))),
    )


def _uncached(entries: Any) -> Iterator[str]:
    for entry in entries if isinstance(entries, list) else []:
        for path, settings in _mapping(entry).items():
            if _mapping(settings).get("cache") is False:
                yield str(path)


def _command(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _stages(path: Path) -> dict[str, Any]:
    """Read the stages of a file; one that cannot be read has none: `tracked.read` has then refused it."""
    try:
        tree = yamlio.load_foreign(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yamlio.Unreadable):
        return {}
    return {str(key): stage for key, stage in _mapping(_mapping(tree).get("stages")).items()}


def _lines(path: Path) -> dict[str, int]:
    """Return the line where each stage of a `dvc.lock` begins, as DVC writes it."""
    try:
        numbered = enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
    except OSError:
        return {}
    return {found[1]: number for number, line in numbered if (found := _STAGE.match(line))}


def _marker(path: Path) -> int:
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return 0
    return next((number for number, line in enumerate(lines, 1) if line.startswith(("<<<<<<< ", ">>>>>>> "))), 0)


def _below(key: str, top: str) -> bool:
    return key == top or key.startswith((f"{top}.", f"{top}["))


def _join(*parts: str) -> str:
    return posixpath.normpath(posixpath.join(*parts))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
