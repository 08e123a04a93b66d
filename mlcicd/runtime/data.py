"""`data`: fetch with DVC what a job reads, and make sure it is what was tracked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from mlcicd.config.model import Data, megabytes
from mlcicd.errors import MlcicdError, OutsideError, Refused
from mlcicd.runtime import credentials, facts
from mlcicd.runtime.project import Project
from mlcicd.runtime.storage import authors, dvc, dvc_cache, needed, remotes, space, tracked, verify
from mlcicd.runtime.storage.dvc import Dvc
from mlcicd.runtime.storage.dvc_errors import Absent
from mlcicd.runtime.storage.tracked import Out, Tracked, overlap
from mlcicd.runtime.storage.transfer import Tries

SHOWN = 20  # missing files named in a message

Purpose = Literal["validate", "train"]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to fetch: paths (None: everything tracked), and what DVC's files say of them."""

    targets: tuple[str, ...] | None
    outs: tuple[Out, ...]


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """What came: `repaired` came twice, because it was corrupt at first."""

    checked: verify.Checked = field(default_factory=lambda: verify.Checked(files=0, bytes=0))
    repaired: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A tracked file that the remote does not have.

    Attributes:
        path: from the project's folder; it ends in "/" when the list of a folder's files is what is missing.
        source: the `.dvc` file or the stage it belongs to.
        why: one line for people: that it is missing, whose it is, and who last changed it in git.
    """

    path: str
    source: str
    why: str


@dataclass(frozen=True, kw_only=True)
class _Work:
    """One call of the verb: where and with what."""

    root: Path
    program: Dvc
    settings: Data
    remote: str | None
    say: Say


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
    began, tries, order = time.monotonic(), Tries(say=say), Order(targets=(), outs=())
    try:
        with credentials.logged_in(project, project.environ(), say) as environ:
            work = _work(project, environ, remote, tries)
            found = tracked.read(project.root)
            order = _order(work, found, purpose)
            with _kept(work, found):
                delivered = _deliver(work, order, found)
    except MlcicdError as error:
        _leave(order, began, tries, Delivered(), verified=False, error=error.message)
        raise
    verified = work.settings.verify and not delivered.checked.skipped
    left = _leave(order, began, tries, delivered, verified=verified)
    say(_summary(left, order, purpose, delivered.checked))
    return left


def prove(project: Project, remote: str | None, say: Say) -> None:
    """Make sure that the remote has everything that the lock and the `.dvc` files name; no data is fetched.

    Raises:
        Refused: naming what is missing, and who last changed the lock there.
        OutsideError: when the remote cannot be asked.
        UsageError: when the configuration or a file of DVC's is wrong.
    """
    began = time.monotonic()
    with credentials.logged_in(project, project.environ(), say) as environ:
        absent = missing(project, environ, remote, say)
    used = remotes.configured(project.root, _remote(project, remote))
    name = used.name if used else "default"
    if absent:
        shown = [one.why for one in absent[:SHOWN]]
        more = [f"… and {len(absent) - SHOWN} more"] if len(absent) > SHOWN else []
        raise Refused(
            f"{_some([one.path for one in absent])}: not in remote '{name}', although the lock or a .dvc file names it",
            detail="\n".join([*shown, *more]),
            hint="run `dvc push` where the data is, before this change is merged",
        )
    count = len(_expected(project.root))
    say(f"remote '{name}' has all that {count} tracked paths name ({time.monotonic() - began:.1f} s)")


def missing(
    project: Project, environ: Mapping[str, str], remote: str | None, say: Say = lambda line: None
) -> tuple[Missing, ...]:
    """Return every tracked file that the remote does not have, folders opened; only lists of folders are fetched.

    Args:
        project: the project.
        environ: of the project's programs, logged in.
        remote: name of the DVC remote; the configured one when None.
        say: shows one line.

    Raises:
        OutsideError: when the remote cannot be asked.
        UsageError: when a file of DVC's is wrong.
    """
    outs = _expected(project.root)
    if not outs:
        return ()
    work = _work(project, environ, remote, Tries(say=say))
    paths = work.program.not_in_remote(work.remote)
    owned = {path: next((out for out in outs if overlap(out.path, path.rstrip("/"))), None) for path in paths}
    if paths and {out.path for out in outs} <= {path.rstrip("/") for path in paths}:
        work.program.reach(work.remote)
    changes = _changes(project.root, [out for out in owned.values() if out])
    return tuple(
        Missing(path=path, source=out.source, why=_why(path, out, changes)) for path, out in owned.items() if out
    )


def _work(project: Project, environ: Mapping[str, str], remote: str | None, tries: Tries) -> _Work:
    return _Work(
        root=project.root,
        program=dvc.find(project.root, environ, tries),
        settings=project.config.data or Data(),
        remote=_remote(project, remote),
        say=tries.say,
    )


def _remote(project: Project, remote: str | None) -> str | None:
    return remote or (project.config.data or Data()).remote


def _expected(root: Path) -> tuple[Out, ...]:
    """Return what should be in the remote."""
    return tuple(out for out in _not_in_git(root, tracked.read(root).outs) if out.push)


def _changes(root: Path, outs: Sequence[Out]) -> dict[str, str]:
    """Return, by hash, who last changed what git says of an output."""
    files: dict[str, list[str]] = {}
    for out in outs:
        files.setdefault(out.file, []).append(out.md5)
    return {md5: words for file, wanted in files.items() for md5, words in authors.changed(root, file, wanted).items()}


def _why(path: str, out: Out, changes: Mapping[str, str]) -> str:
    kind = "" if out.source.endswith(".dvc") else "stage "
    what = f"{path} (its list of files)" if path.endswith("/") else path
    return f"{what}: {kind}{out.source}, md5 {out.md5} in {out.file}: {changes.get(out.md5, 'no history')}"


def _kept(work: _Work, found: Tracked) -> contextlib.AbstractContextManager[None]:
    """Use what an earlier run kept of DVC's cache, and keep it for a later one, where `data.cache` says so."""
    if work.settings.cache is None:
        return contextlib.nullcontext()
    wanted = [out.md5 for out in found.outs if not out.legacy]
    limit = megabytes(work.settings.cache) * 1_000_000
    return dvc_cache.outliving(work.root / work.program.cache(), wanted, limit, work.say)


def _order(work: _Work, found: Tracked, purpose: Purpose) -> Order:
    outs = _not_in_git(work.root, found.outs)
    pull = work.settings.pull
    if pull == "all":
        pushed = tuple(out for out in outs if out.push)
        # DVC refuses to fetch everything when something of it is never pushed.
        return Order(targets=None, outs=outs) if pushed == outs else _chosen([out.path for out in pushed], outs)
    if pull != "needed":
        return _chosen([path for target in pull for path in _paths(target.rstrip("/"), outs)], outs)
    if purpose == "validate":
        return _chosen([out.path for out in found.sources], outs)
    status = work.program.status()
    if not found.stages and all(name.endswith(".dvc") for name in status):
        # No pipeline says what training reads.
        return _chosen([out.path for out in found.sources], outs)
    listing = cache(lambda folder: work.program.listing(folder, work.remote))
    return _chosen(needed.needed(status, found, listing, lambda path: (work.root / path).exists()), outs)


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


def _deliver(work: _Work, order: Order, found: Tracked) -> Delivered:
    if order.targets == ():
        return Delivered()
    cache_folder = work.root / work.program.cache()
    space.check(work.root, cache_folder, order.outs, order.targets or (), found, remotes.settings(work.root))
    work.say(f"fetching {_count(order)} from {f'remote {work.remote}' if work.remote else 'the default remote'}")
    _pull(work, order)
    if not work.settings.verify:
        return Delivered(checked=verify.measure(work.root, order.targets or [out.path for out in _here(work, order)]))
    try:
        return Delivered(checked=_check(work, order, cache_folder))
    except verify.Corrupt as corrupt:
        paths = tuple(entry.path for entry in corrupt.wrong)
        work.say(f"{_some(paths)}: corrupt in the cache or on the way; fetching it again")
        verify.discard(work.root, cache_folder, corrupt.wrong)
    _pull(work, order)
    return Delivered(checked=_check(work, order, cache_folder), repaired=paths)


def _pull(work: _Work, order: Order) -> None:
    try:
        work.program.pull(order.targets or (), work.remote, lambda: _objects(work, order.outs))
    except Absent as error:
        owners = [out for out in order.outs if any(overlap(out.path, path) for path in error.files)]
        changes = _changes(work.root, owners)
        whose = [_why(path, out, changes) for path in error.files for out in owners if overlap(out.path, path)]
        raise OutsideError(error.message, hint=error.hint, detail="\n".join([*whose[:SHOWN], error.detail])) from None
    absent = [path for path in order.targets or () if not (work.root / path).exists()]
    if absent:
        raise OutsideError(
            f"{', '.join(absent[:3])}: not delivered, although DVC reported success",
            hint=f"try it: dvc pull {absent[0]}",
        )


def _here(work: _Work, order: Order) -> list[Out]:
    """Of everything tracked, leave out what is rightly not here."""
    return [out for out in order.outs if order.targets or (work.root / out.path).exists()]


def _check(work: _Work, order: Order, cache_folder: Path) -> verify.Checked:
    return verify.check(work.root, _here(work, order), cache_folder, order.targets or ())


def _objects(work: _Work, outs: Sequence[Out]) -> dict[str, str]:
    """Return the path of every object by its hash, those in folders included."""
    folders = [work.program.listing(out.path, work.remote) or {} for out in outs if out.is_folder]
    inside = {md5: path for folder in folders for path, md5 in folder.items()}
    return {out.md5: out.path for out in outs} | inside


def _leave(
    order: Order, began: float, tries: Tries, delivered: Delivered, *, verified: bool, error: str = ""
) -> facts.DataFacts:
    found = facts.DataFacts(
        targets=order.targets if order.targets is not None else ("everything tracked",),
        files=delivered.checked.files,
        bytes=delivered.checked.bytes,
        seconds=round(time.monotonic() - began, 3),
        verified=verified,
        retries=tries.retries,
        repaired=delivered.repaired,
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
    if found.repaired:
        state += f", {len(found.repaired)} repaired"
    size = f"{found.bytes / 1024:,.1f} KiB" if found.bytes < 1024**2 else f"{found.bytes / 1024**2:,.1f} MiB"
    return (
        f"fetched {_count(order)}: {found.files} file{'s' * (found.files != 1)}, {size}, {state}, {found.seconds:.1f} s"
    )


def _count(order: Order) -> str:
    if order.targets is None:
        return "everything tracked"
    return order.targets[0] if len(order.targets) == 1 else f"{len(order.targets)} targets"


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
