"""`data`: fetch with DVC what a job reads, and make sure it is what was tracked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from mlcicd.config.model import Data
from mlcicd.errors import MlcicdError, OutsideError
from mlcicd.runtime import dvc, facts, needed, tracked, verify
from mlcicd.runtime.dvc import Dvc
from mlcicd.runtime.project import Project
from mlcicd.runtime.tracked import Out, overlap

Purpose = Literal["validate", "train"]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to fetch: paths (None: everything tracked), and what DVC's files say of them."""

    targets: tuple[str, ...] | None
    outs: tuple[Out, ...]


def fetch(project: Project, purpose: Purpose, remote: str | None, say: Say) -> facts.DataFacts:
    """Fetch what the purpose needs, check it, and leave `.mlcicd/data.json`.

    Args:
        project: the project.
        purpose: what the data is for.
        remote: name of the DVC remote; the configured one when None.
        say: shows one line.

    Raises:
        OutsideError: when the data cannot be had, or is corrupt.
        UsageError: when the configuration or a file of DVC's is wrong.
    """
    facts.forget("data")
    settings = project.config.data or Data()
    remote = remote or settings.remote
    began = time.monotonic()
    order = Order(targets=(), outs=())
    try:
        program = dvc.find(project.root, project.environ())
        order = _order(project.root, program, settings, purpose, remote)
        checked = _deliver(project.root, program, order, remote, settings.verify, say)
    except MlcicdError as error:
        _leave(order, began, verify.Checked(files=0, bytes=0), verified=False, error=error.message)
        raise
    verified = settings.verify and not checked.skipped
    found = _leave(order, began, checked, verified=verified)
    say(_summary(found, order, purpose, checked))
    return found


def _order(root: Path, program: Dvc, settings: Data, purpose: Purpose, remote: str | None) -> Order:
    found = tracked.read(root)
    outs = _not_in_git(root, found.outs)
    if settings.pull == "all":
        return Order(targets=None, outs=outs)
    if settings.pull != "needed":
        return _chosen([path for target in settings.pull for path in _paths(target.rstrip("/"), outs)], outs)
    if purpose == "validate":
        return _chosen([out.path for out in found.sources], outs)
    listing = cache(lambda folder: program.listing(folder, remote))
    return _chosen(needed.needed(program.status(), found, listing, lambda path: (root / path).exists()), outs)


def _not_in_git(root: Path, outs: Sequence[Out]) -> tuple[Out, ...]:
    """Leave out what git holds (metrics that are not cached): DVC does not deliver it."""
    in_git = set(tracked.committed(root, [out.path for out in outs]))
    return tuple(out for out in outs if out.path not in in_git)


def _chosen(paths: Sequence[str], outs: Sequence[Out]) -> Order:
    meant = tuple(out for out in outs if any(overlap(out.path, path) for path in paths))
    return Order(targets=tuple(sorted(set(paths))), outs=meant)


def _paths(target: str, outs: Sequence[Out]) -> list[str]:
    """Return the paths that a target stands for: a stage or a `.dvc` file is all that it tracks.

    DVC gets paths only: asked for a stage together with a file inside a folder, it forgets the file.
    """
    return [out.path for out in outs if out.source == target] or [target]


def _deliver(root: Path, program: Dvc, order: Order, remote: str | None, hashes: bool, say: Say) -> verify.Checked:
    if order.targets == ():
        return verify.Checked(files=0, bytes=0)
    say(f"fetching {_count(order)} from {f'remote {remote}' if remote else 'the default remote'}")
    program.pull(order.targets or (), remote, lambda: _objects(program, order.outs, remote))
    absent = [path for path in order.targets or () if not (root / path).exists()]
    if absent:
        raise OutsideError(
            f"{', '.join(absent[:3])}: not delivered, although DVC reported success",
            hint=f"try it: dvc pull {absent[0]}",
        )
    # Of everything tracked, outputs that are never pushed are rightly not here.
    here = [out for out in order.outs if order.targets or (root / out.path).exists()]
    if hashes:
        return verify.check(root, here, program.cache(), order.targets or ())
    return verify.measure(root, order.targets or [out.path for out in here])


def _objects(program: Dvc, outs: Sequence[Out], remote: str | None) -> dict[str, str]:
    """Return the path of every object by its hash, those in folders included."""
    folders = [program.listing(out.path, remote) or {} for out in outs if out.is_folder]
    inside = {md5: path for folder in folders for path, md5 in folder.items()}
    return {out.md5: out.path for out in outs} | inside


def _leave(order: Order, began: float, checked: verify.Checked, *, verified: bool, error: str = "") -> facts.DataFacts:
    found = facts.DataFacts(
        targets=order.targets if order.targets is not None else ("everything tracked",),
        files=checked.files,
        bytes=checked.bytes,
        seconds=round(time.monotonic() - began, 3),
        verified=verified,
        error=error,
    )
    facts.write(found, "data")
    return found


def _summary(found: facts.DataFacts, order: Order, purpose: Purpose, checked: verify.Checked) -> str:
    if order.targets == ():
        why = "no .dvc file tracks anything" if purpose == "validate" else "no stage will run"
        return f"nothing to fetch: {why} ({found.seconds:.1f} s)"
    state = "verified" if found.verified else "not verified"
    if checked.skipped and not found.verified:
        state += f" (DVC keeps no MD5 of {', '.join(checked.skipped[:3])})"
    size = f"{found.bytes / 1024:,.1f} KiB" if found.bytes < 1024**2 else f"{found.bytes / 1024**2:,.1f} MiB"
    return (
        f"fetched {_count(order)}: {found.files} file{'s' * (found.files != 1)}, {size}, {state}, {found.seconds:.1f} s"
    )


def _count(order: Order) -> str:
    if order.targets is None:
        return "everything tracked"
    return order.targets[0] if len(order.targets) == 1 else f"{len(order.targets)} targets"
