"""Whether the results that a commit holds are of what stands in it, told from git's files, without a checkout.

The few files that say so are written into a temporary folder and compared there as `status` does it (`instep`), with
the hashes of git's files in place of DVC's answers. What only the data or DVC can tell is left open.
"""

from __future__ import annotations

import hashlib
import posixpath
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlcicd.runtime import blobs, instep
from mlcicd.runtime.instep import Reasons, Seen
from mlcicd.runtime.storage import locked, tracked
from mlcicd.runtime.storage.locked import Locked
from mlcicd.runtime.storage.tracked import Tracked

_POINTER = b"version https://git-lfs."  # git holds this in place of the content
_DOWNSTREAM = "reads what "


@dataclass(frozen=True, kw_only=True)
class Doubts:
    """Why outputs are not results of the commit that they stand in, by path.

    Attributes:
        untrained: outputs whose stage would run again, with what has changed since it ran.
        altered: outputs that are not what `dvc.lock` says was written, with the stage that it says wrote them.
    """

    untrained: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    altered: Mapping[str, str] = field(default_factory=dict)


def find(root: Path, sha: str) -> Doubts:
    """Judge the outputs of every stage that a commit's `dvc.lock` files know.

    Args:
        root: the project's folder.
        sha: the commit.

    Raises:
        UsageError: naming the file of DVC's that is broken there.
    """
    files = blobs.listed(root, sha)
    names = [path for path in files if posixpath.basename(path) in ("dvc.yaml", "dvc.lock") or path.endswith(".dvc")]
    if not any(path.endswith("dvc.lock") for path in names):
        return Doubts()
    with tempfile.TemporaryDirectory(prefix="mlcicd-commit-") as folder:
        here = Path(folder)
        _write(here, blobs.contents(root, files, names))
        found, known = tracked.read(here), _known(locked.read(here))
        params = {file for stage in known.values() for file in stage.params}
        held = blobs.contents(root, files, {*params, *_compared(found)})
        _write(here, {path: raw for path, raw in held.items() if path in params})
        return _judged(here, found, known, held)


def altered(root: Path, files: Collection[str]) -> dict[str, str]:
    """Return which files of the workspace are not what its `dvc.lock` says, with the stage that it says wrote them.

    Raises:
        UsageError: naming the file of DVC's that is broken.
    """
    held = {file: (root / file).read_bytes() for file in files if (root / file).is_file()}
    return _altered(tracked.read(root), _known(locked.read(root)), held)


def _known(stages: Mapping[str, Locked]) -> dict[str, Locked]:
    """Leave out stages that `dvc.yaml` no longer has: what they wrote may be another's by now."""
    return {name: stage for name, stage in stages.items() if stage.declared}


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, raw in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(raw)


def _compared(found: Tracked) -> Iterator[str]:
    for stage in found.stages.values():
        yield from stage.deps
        yield from (out.path for out in stage.outs)


def _judged(folder: Path, found: Tracked, known: Mapping[str, Locked], held: Mapping[str, bytes]) -> Doubts:
    edited = _altered(found, known, held)
    status = {name: list(_entries(folder, name, found, known[name], held, edited)) for name in known}
    seen = Seen(
        root=folder, status=status, tracked=found, locked=known, outputs=None, held=(), listing=lambda folder: None
    )
    reasons = instep.stages(seen, [])
    needs = tracked.needs(found.stages)
    untrained = {
        out.path: _why(name, reasons, needs)
        for name, one in reasons.items()
        if one.rerun
        for out in found.stages[name].outs
        if out.path not in edited
    }
    return Doubts(untrained=untrained, altered=edited)


def _entries(
    folder: Path,
    name: str,
    found: Tracked,
    stage: Locked,
    held: Mapping[str, bytes],
    edited: Collection[str],
) -> Iterator[Any]:
    """Yield what `dvc status --json` would say of a stage, as far as git's files tell."""
    then, now = (" ".join(command.split()) for command in stage.commands)
    if now and then != now and not stage.frozen:
        yield "changed command"
    deps = found.stages[name].deps
    changed = {path: "modified" for path, md5 in deps.items() if path in held and not _is(held[path], md5)}
    params: dict[str, Any] = {file: {} for file in stage.params if locked.changed_params(folder, stage, file)}
    if (changed or params) and not stage.frozen:
        yield {"changed deps": {**changed, **params}}
    if outs := {out.path: "modified" for out in found.stages[name].outs if out.path in edited}:
        yield {"changed outs": outs}


def _altered(found: Tracked, known: Mapping[str, Locked], held: Mapping[str, bytes]) -> dict[str, str]:
    return {
        out.path: name
        for name in known
        for out in found.stages[name].outs
        if out.path in held and not _is(held[out.path], out.md5)
    }


def _is(raw: bytes, md5: str) -> bool:
    """Tell whether content has a hash; true where git's copy cannot tell.

    Line ends and a last empty line are git's and its hooks' to change: numbers and code stay what they were.
    """
    if not md5 or md5.endswith(".dir") or raw.startswith(_POINTER):
        return True
    plain = raw.replace(b"\r\n", b"\n")
    return md5 in {_md5(one) for one in (raw, plain, plain.rstrip(b"\n"))}


def _why(name: str, reasons: Mapping[str, Reasons], needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return what has changed since a stage ran: in itself, and in the stages before it."""
    before = [name]
    for stage in before:  # grows while it is read
        before += [one for one in needs.get(stage, ()) if one not in before]
    lines = [line for stage in before if stage in reasons for line in reasons[stage].lines]
    causes = [line for line in lines if not line.startswith(_DOWNSTREAM)]
    return tuple(dict.fromkeys(causes or lines))


def _md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()
