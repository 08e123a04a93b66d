"""Earlier values of the metrics, out of git: what one more run would give when nothing had changed.

Only commits of the base branch that are here already, apart from one small fetch in CI, and only such as were measured
on the same data as this change: those whose `dvc.lock` names it by the same hashes.
"""

from __future__ import annotations

import functools
import math
import posixpath
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from mlcicd import yamlio
from mlcicd.runtime import base as bases
from mlcicd.runtime import metrics
from mlcicd.runtime.evidence import FEWEST_HISTORY
from mlcicd.runtime.metrics import Key
from mlcicd.runtime.storage import tracked
from mlcicd.runtime.storage.tracked import overlap

DEPTH = 50
MOST = 20  # values of a metric: older ones are of a model that is long gone

# A dependency with such a name is a program: what it changes is what we measure.
_CODE = (".py", ".ipynb", ".sh", ".r", ".jl", ".sql", ".scala", ".java", ".cpp", ".c", ".h", ".rs", ".go", ".js", ".ts")

Data = frozenset[tuple[str, str]]  # path and hash


def read(root: Path, base: str, wanted: Collection[Key], *, fetch: bool = False) -> dict[Key, list[float]]:
    """Return the values that the base branch had, newest first; nothing when the data of a run cannot be told.

    Args:
        root: the project's folder.
        base: commit to go back from.
        wanted: which metrics.
        fetch: in a clone without history, get a little of it.
    """
    ours = _data({name: (root / name).read_bytes() for name in tracked.files(root, "*dvc.lock")})
    if not wanted or not base or not ours:
        return {}
    files = sorted({file for file, _ in wanted})
    commits = {file: bases.earlier(root, base, file, DEPTH) for file in files}
    if fetch and all(len(found) < FEWEST_HISTORY for found in commits.values()):
        bases.deepen(root, base, DEPTH)
        commits = {file: bases.earlier(root, base, file, DEPTH) for file in files}
    same = functools.cache(lambda sha: _at(root, sha) == ours)
    every = (pair for file in files for pair in _values(root, file, commits[file], same).items())
    return {key: values for key, values in every if key in wanted}


def _values(root: Path, file: str, commits: list[str], same: Callable[[str], bool]) -> Mapping[Key, list[float]]:
    found: dict[Key, list[float]] = {}
    for sha in commits:
        content = bases.show(root, sha, file) if same(sha) else None
        for key, number in metrics.from_bytes(file, content).numbers.items() if content else ():
            if math.isfinite(number):
                found.setdefault(key, []).append(number)
        if found and min(map(len, found.values())) >= MOST:
            break
    return {key: numbers[:MOST] for key, numbers in found.items()}


def _at(root: Path, sha: str) -> Data:
    return _data({name: bases.show(root, sha, name) or b"" for name in bases.listed(root, sha, "dvc.lock")})


def _data(locks: Mapping[str, bytes]) -> Data:
    """Return what the stages read and no stage writes, apart from programs."""
    stages = [(posixpath.dirname(name), stage) for name, raw in locks.items() for stage in _stages(raw)]
    outs = [_path(home, out) for home, stage in stages for out in _entries(stage, "outs")]
    deps = [(_path(home, dep), str(dep.get("md5", ""))) for home, stage in stages for dep in _entries(stage, "deps")]
    leaves = [(path, md5) for path, md5 in deps if not any(overlap(path, out) for out in outs)]
    return frozenset((path, md5) for path, md5 in leaves if not path.lower().endswith(_CODE))


def _path(home: str, entry: Mapping[str, Any]) -> str:
    """Return an entry's path; where its stage runs, a lock does not say, which is the same for both sides."""
    return posixpath.normpath(posixpath.join(home, str(entry.get("path"))))


def _entries(stage: Any, key: str) -> list[Mapping[str, Any]]:
    found = stage.get(key) if isinstance(stage, dict) else None
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _stages(raw: bytes) -> list[Any]:
    try:
        tree = yamlio.load_foreign(raw.decode("utf-8", "replace"))
    except yamlio.Unreadable:
        return []
    stages = tree.get("stages") if isinstance(tree, dict) else None
    return list(stages.values()) if isinstance(stages, dict) else []
