"""Get paths that DVC tracks from the remote into the workspace, as they were tracked or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlcicd.config.data import Data
from mlcicd.errors import OutsideError
from mlcicd.runtime.project import Project
from mlcicd.runtime.storage import dvc, pushed, remotes, space, verify
from mlcicd.runtime.storage.dvc import Dvc
from mlcicd.runtime.storage.dvc_errors import Absent
from mlcicd.runtime.storage.tracked import Out, Tracked, overlap
from mlcicd.runtime.storage.transfer import Tries

SHOWN = 20  # missing files named in a message

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to fetch: paths (None: everything tracked), and what DVC's files say of them."""

    targets: tuple[str, ...] | None
    outs: tuple[Out, ...]

    def __str__(self) -> str:
        """Name it: the one target, or how many there are."""
        if self.targets is None:
            return "everything tracked"
        return self.targets[0] if len(self.targets) == 1 else f"{len(self.targets)} targets"


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """What came: `repaired` came twice, because it was corrupt at first."""

    checked: verify.Checked = field(default_factory=lambda: verify.Checked(files=0, bytes=0))
    repaired: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Work:
    """Where to deliver, with what, and from which remote (DVC's own when None)."""

    root: Path
    program: Dvc
    settings: Data
    remote: str | None
    say: Say


def begin(project: Project, environ: Mapping[str, str], remote: str | None, tries: Tries) -> Work:
    """Return where and with what to deliver; `environ` is logged in.

    Raises:
        OutsideError: when there is no DVC.
    """
    return Work(
        root=project.root,
        program=dvc.find(project.root, environ, tries),
        settings=project.config.data or Data(),
        remote=remotes.chosen(project.config, remote),
        say=tries.say,
    )


def chosen(paths: Sequence[str], outs: Sequence[Out]) -> Order:
    """Order these paths."""
    meant = tuple(out for out in outs if any(overlap(out.path, path) for path in paths))
    return Order(targets=tuple(sorted(set(paths))), outs=meant)


def deliver(work: Work, order: Order, found: Tracked) -> Delivered:
    """Fetch what is ordered, hash it, and fetch once more what is corrupt.

    Raises:
        OutsideError: when it cannot be had, or is corrupt in the remote.
    """
    if order.targets == ():
        return Delivered()
    cache_folder = work.root / work.program.cache()
    space.check(work.root, cache_folder, order.outs, order.targets or (), found, remotes.settings(work.root))
    work.say(f"fetching {order} from {f'remote {work.remote}' if work.remote else 'the default remote'}")
    _pull(work, order)
    if not work.settings.verify:
        return Delivered(checked=verify.measure(work.root, order.targets or [out.path for out in _here(work, order)]))
    try:
        return Delivered(checked=_check(work, order, cache_folder))
    except verify.Corrupt as corrupt:
        paths = tuple(entry.path for entry in corrupt.wrong)
        work.say(f"{some(paths)}: corrupt in the cache or on the way; fetching it again")
        verify.discard(work.root, cache_folder, corrupt.wrong)
    _pull(work, order)
    return Delivered(checked=_check(work, order, cache_folder), repaired=paths)


def _pull(work: Work, order: Order) -> None:
    try:
        work.program.pull(order.targets or (), work.remote, lambda: _objects(work, order.outs))
    except Absent as error:
        owners = [out for out in order.outs if any(overlap(out.path, path) for path in error.files)]
        changes = pushed.changes(work.root, owners)
        whose = [pushed.why(path, out, changes) for path in error.files for out in owners if overlap(out.path, path)]
        raise OutsideError(error.message, hint=error.hint, detail="\n".join([*whose[:SHOWN], error.detail])) from None
    absent = [path for path in order.targets or () if not (work.root / path).exists()]
    if absent:
        raise OutsideError(
            f"{', '.join(absent[:3])}: not delivered, although DVC reported success",
            hint=f"try it: dvc pull {absent[0]}",
        )


def _here(work: Work, order: Order) -> list[Out]:
    """Of everything tracked, leave out what is rightly not here."""
    return [out for out in order.outs if order.targets or (work.root / out.path).exists()]


def _check(work: Work, order: Order, cache_folder: Path) -> verify.Checked:
    return verify.check(work.root, _here(work, order), cache_folder, order.targets or ())


def _objects(work: Work, outs: Sequence[Out]) -> dict[str, str]:
    """Return the path of every object by its hash, those in folders included."""
    folders = [work.program.listing(out.path, work.remote) or {} for out in outs if out.is_folder]
    inside = {md5: path for folder in folders for path, md5 in folder.items()}
    return {out.md5: out.path for out in outs} | inside


def some(paths: Sequence[str]) -> str:
    """Name a few paths, and how many more there are."""
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
