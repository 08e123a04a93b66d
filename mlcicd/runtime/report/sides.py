"""Metrics, parameters and curves of both sides: the workspace and the base commit.

Files that the configuration names are read; else `dvc.yaml` declares them, and DVC says which they are. What git has
at the base is read from git; DVC is asked for what only its cache has.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mlcicd import yamlio
from mlcicd.errors import MlcicdError
from mlcicd.runtime import base as bases
from mlcicd.runtime import metrics, plots
from mlcicd.runtime.metrics import Key, Problem, Values
from mlcicd.runtime.storage.dvc import Broken, Dvc, Plot

Answer = TypeVar("Answer")
Params = Mapping[Key, tuple[str | None, str | None]]
Declared = Mapping[str, Mapping[str, Any] | Broken]


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Where both sides are.

    Attributes:
        root: the project's folder.
        base: commit to compare with; "" when there is none.
        dvc: the program, when the project declares its pipeline with it.
        metric_files, param_files: what the configuration names; what DVC declares when empty.
        base_files: the metric files that the base names, which a change cannot alter; the same when None.
        failures: filled with what DVC could not do.
    """

    root: Path
    base: str
    dvc: Dvc | None
    metric_files: Sequence[str] = ()
    param_files: Sequence[str] = ()
    base_files: Sequence[str] | None = None
    failures: list[str] = field(default_factory=list)


def declared(sides: Sides) -> Declared:
    """Return what DVC reads in the metric files that it knows, or nothing when files are named."""
    return {} if sides.metric_files else _ask(sides, lambda dvc: dvc.metrics()) or {}


def change(sides: Sides, known: Declared) -> Values:
    """Return the metrics of the workspace; `known` is what DVC declares."""
    named = [metrics.from_file(sides.root, file) for file in sides.metric_files]
    return metrics.join([*named, *(_declared(sides.root, file, tree) for file, tree in known.items())])


def before(sides: Sides, known: Declared) -> Values | None:
    """Return the metrics at the base, or None when there is none."""
    if not sides.base:
        return None
    named = sides.metric_files if sides.base_files is None else sides.base_files
    committed = {file: bases.show(sides.root, sides.base, file) for file in (*sides.metric_files, *named, *known)}
    every = [metrics.from_bytes(file, content) for file, content in committed.items() if content is not None]
    elsewhere = [file for file, content in committed.items() if content is None]
    if sides.dvc is None or (named and not elsewhere):
        return metrics.join(every)
    answer = _ask(sides, lambda dvc: dvc.metrics_diff(sides.base))
    found = answer or {}
    # Also files that the change no longer declares, but none that the configuration does not name.
    wanted = elsewhere if named else [file for file in found if committed.get(file) is None]
    old = {file: {key: was for key, (was, _) in found.get(file, {}).items() if was is not None} for file in wanted}
    every += [metrics.from_tree(file, tree) for file, tree in old.items()]
    # What DVC did not answer for is not known to be new.
    suspected = elsewhere if answer is None else _cached(sides, elsewhere)
    lost = [file for file in suspected if not old.get(file)]
    return metrics.join([*every, *(_unread(file, "DVC could not read it at the base") for file in lost)])


def params(sides: Sides) -> tuple[Params, list[tuple[str, Problem]]]:
    """Return the parameters of both sides, and what could not be read of them."""
    if not sides.base:
        return {}, []
    if not sides.param_files:
        found = _ask(sides, lambda dvc: dvc.params_diff(sides.base)) or {}
        pairs = ((file, key, pair) for file, keys in found.items() for key, pair in keys.items())
        return {(file, key): (_text(old), _text(new)) for file, key, (old, new) in pairs}, []
    both: dict[Key, tuple[str | None, str | None]] = {}
    unread: list[tuple[str, Problem]] = []
    for file in sides.param_files:
        new, problems = metrics.params_from_file(sides.root, file)
        content = bases.show(sides.root, sides.base, file)
        old, old_problems = metrics.params_from_bytes(file, content) if content is not None else ({}, ())
        both |= {key: (old.get(key), new.get(key)) for key in {**old, **new}}
        unread += [("change", problem) for problem in problems] + [("base", problem) for problem in old_problems]
    return both, unread


def drawn(sides: Sides) -> Sequence[Plot]:
    """Return the plots that DVC knows, as both sides have them; without a base, as the workspace has them."""
    against = sides.base or bases.commit(sides.root, "HEAD")
    found = (_ask(sides, lambda dvc: dvc.plots_diff(against)) or []) if against else []
    return found if sides.base else plots.only(found, "workspace")


def _declared(root: Path, file: str, tree: Mapping[str, Any] | Broken) -> Values:
    """Prefer our own reading, which keeps every problem; DVC has fetched what is not in the workspace."""
    if (root / file).exists():
        return metrics.from_file(root, file)
    return _unread(file, tree.reason) if isinstance(tree, Broken) else metrics.from_tree(file, tree)


def _cached(sides: Sides, files: Sequence[str]) -> list[str]:
    """Return which files the base's lock files name: there, an absent value is one that could not be read.

    Their paths are relative to where a stage runs, which they do not say, so the end of a path is compared.
    """
    locks = bases.listed(sides.root, sides.base, "dvc.lock")
    outs = {path for lock in locks for path, _ in locked(bases.show(sides.root, sides.base, lock) or b"")}
    return [file for file in files if any(f"/{file}".endswith(f"/{out}") for out in outs)]


def locked(lock: bytes) -> list[tuple[str, str]]:
    """Return path and MD5 of every output that a `dvc.lock` names; nothing when it cannot be read."""
    try:
        stages = yamlio.load_foreign(lock.decode("utf-8", "replace"))["stages"]
        outs = [
            (str(out["path"]), str(out.get("md5", ""))) for stage in stages.values() for out in stage.get("outs", ())
        ]
        return [(posixpath.normpath(path).removeprefix("../"), md5) for path, md5 in outs]
    except (yamlio.Unreadable, AttributeError, KeyError, TypeError):
        return []


def _ask(sides: Sides, question: Callable[[Dvc], Answer]) -> Answer | None:
    """Ask DVC; None when it cannot say."""
    if sides.dvc is None:
        return None
    try:
        return question(sides.dvc)
    except MlcicdError as error:
        sides.failures.append(error.message)
        return None


def _unread(file: str, reason: str) -> Values:
    return Values(problems=(Problem(file=file, reason=reason),))


def _text(value: Any) -> str | None:
    return None if value is None else metrics.text(value)
