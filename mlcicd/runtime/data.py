"""`data`: fetch with DVC what a job reads, and make sure it is what was tracked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Literal

from mlcicd.config.fields import megabytes
from mlcicd.errors import MlcicdError, Refused
from mlcicd.runtime import credentials, facts
from mlcicd.runtime.project import Project
from mlcicd.runtime.storage import delivery, dvc_cache, needed, pushed, remotes, tracked, verify
from mlcicd.runtime.storage.delivery import SHOWN, Delivered, Order, Work, chosen, some
from mlcicd.runtime.storage.tracked import Out, Tracked, overlap
from mlcicd.runtime.storage.transfer import Tries

Purpose = Literal["validate", "train"]
Say = Callable[[str], None]


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
            work = delivery.begin(project, environ, remote, tries)
            found = tracked.read(project.root)
            order = _order(project, work, found, purpose)
            with _kept(work, found):
                delivered = delivery.deliver(work, order, found)
    except MlcicdError as error:
        _leave(order, began, tries, Delivered(), verified=False, error=error.message)
        raise
    verified = work.settings.verify and not delivered.checked.skipped
    left = _leave(order, began, tries, delivered, verified=verified)
    say(_summary(left, order, purpose, delivered.checked))
    return left


def bring(project: Project, paths: Iterable[str], say: Say) -> None:
    """Fetch those of some files that DVC tracks and that are not here; what it does not track is left.

    Raises:
        OutsideError: when the data cannot be had, or is corrupt.
        UsageError: when a file of DVC's is wrong.
    """
    absent = [path for path in paths if not (project.root / path).exists()]
    found = tracked.read(project.root) if absent else Tracked()
    outs = tracked.not_in_git(project.root, found.outs)
    wanted = [path for path in absent if any(overlap(out.path, path) for out in outs)]
    if not wanted:
        return
    with credentials.logged_in(project, project.environ(), say) as environ:
        work = delivery.begin(project, environ, None, Tries(say=say))
        delivery.deliver(work, chosen(wanted, outs), found)


def prove(project: Project, remote: str | None, say: Say) -> None:
    """Make sure that the remote has everything that the lock and the `.dvc` files name; no data is fetched.

    Raises:
        Refused: naming what is missing, and who last changed the lock there.
        OutsideError: when the remote cannot be asked.
        UsageError: when the configuration or a file of DVC's is wrong.
    """
    began = time.monotonic()
    with credentials.logged_in(project, project.environ(), say) as environ:
        absent = pushed.missing(project, environ, remote, say)
    used = remotes.configured(project.root, remotes.chosen(project.config, remote))
    name = used.name if used else "default"
    if absent:
        shown = [one.why for one in absent[:SHOWN]]
        more = [f"… and {len(absent) - SHOWN} more"] if len(absent) > SHOWN else []
        raise Refused(
            f"{some([one.path for one in absent])}: not in remote '{name}', although the lock or a .dvc file names it",
            detail="\n".join([*shown, *more]),
            hint="run `dvc push` where the data is, before this change is merged",
        )
    count = len(pushed.expected(project.root))
    say(f"remote '{name}' has all that {count} tracked paths name ({time.monotonic() - began:.1f} s)")


def _kept(work: Work, found: Tracked) -> contextlib.AbstractContextManager[None]:
    """Use what an earlier run kept of DVC's cache, and keep it for a later one, where `data.cache` says so."""
    if work.settings.cache is None:
        return contextlib.nullcontext()
    wanted = [out.md5 for out in found.outs if not out.legacy]
    limit = megabytes(work.settings.cache) * 1_000_000
    return dvc_cache.outliving(work.root / work.program.cache(), wanted, limit, work.say)


def _order(project: Project, work: Work, found: Tracked, purpose: Purpose) -> Order:
    outs = tracked.not_in_git(work.root, found.outs)
    pull = work.settings.pull
    if pull == "all":
        there = tuple(out for out in outs if out.push)
        # DVC refuses to fetch everything when something of it is never pushed.
        return Order(targets=None, outs=outs) if there == outs else chosen([out.path for out in there], outs)
    if pull != "needed":
        return chosen([path for target in pull for path in _paths(target.rstrip("/"), outs)], outs)
    if purpose == "validate":
        return chosen([*(out.path for out in found.sources), *_judged(project, outs)], outs)
    status = work.program.status()
    if not found.stages and all(name.endswith(".dvc") for name in status):
        # No pipeline says what training reads.
        return chosen([out.path for out in found.sources], outs)
    listing = cache(lambda folder: work.program.listing(folder, work.remote))
    return chosen(needed.needed(status, found, listing, lambda path: (work.root / path).exists()), outs)


def _judged(project: Project, outs: Sequence[Out]) -> list[str]:
    """Return the files that validation is to judge, of those that a stage has made and nobody has pulled."""
    settings = project.config.validate_
    return [
        path for path in (settings.files("data") if settings else ()) if any(overlap(out.path, path) for out in outs)
    ]


def _paths(target: str, outs: Sequence[Out]) -> list[str]:
    """Return the paths that a target stands for: a stage or a `.dvc` file is all that it tracks.

    DVC gets paths only: asked for a stage together with a file inside a folder, it forgets the file.
    """
    return [out.path for out in outs if out.source == target] or [target]


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
    return f"fetched {order}: {found.files} file{'s' * (found.files != 1)}, {size}, {state}, {found.seconds:.1f} s"
