"""Which stages are not what `dvc.lock` says, and why, told from files in git without any of the data.

`dvc status` calls all data that is not here "deleted" or "not in cache", and a new version of it too: those answers
are left out, and the hashes in git are compared instead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from mlcicd.runtime.storage import locked
from mlcicd.runtime.storage.locked import Locked
from mlcicd.runtime.storage.tracked import Out, Stage, Tracked

Listing = Callable[[str], Mapping[str, str] | None]
Thing = TypeVar("Thing")
ABSENT = ("deleted", "not in cache")


class Paths(Generic[Thing]):
    """Things that have a path; finds those that are at a path, above it or below it, however many there are."""

    def __init__(self) -> None:
        self._at: dict[str, list[Thing]] = {}
        self._below: dict[str, list[Thing]] = {}

    def add(self, path: str, thing: Thing) -> None:
        """Put one in."""
        self._at.setdefault(path, []).append(thing)
        for folder in _above(path):
            self._below.setdefault(folder, []).append(thing)

    def meeting(self, path: str) -> Iterator[Thing]:
        """Yield what is at a path, above or below it."""
        for place in (path, *_above(path)):
            yield from self._at.get(place, ())
        yield from self._below.get(path, ())


@dataclass(frozen=True, kw_only=True)
class Seen:
    """All that is compared.

    Attributes:
        root: the project's folder.
        status: `dvc status --json`.
        tracked: what the `.dvc` and `dvc.lock` files name.
        locked: the rest of what `dvc.lock` says, by stage.
        outputs: every output that DVC knows now; None when there is no lock to compare it with.
        held: the outputs that git holds.
        listing: returns the hashes of the files in a tracked folder by path, or None.
    """

    root: Path
    status: Mapping[str, Any]
    tracked: Tracked
    locked: Mapping[str, Locked]
    outputs: Collection[str] | None
    held: Collection[str]
    listing: Listing

    @cached_property
    def outs(self) -> Paths[Out]:
        """Everything tracked, by path."""
        found: Paths[Out] = Paths()
        for out in self.tracked.outs:
            found.add(out.path, out)
        return found


@dataclass(kw_only=True)
class Reasons:
    """Why something is stale.

    Attributes:
        rerun: reasons for which DVC will run the stage.
        results: outputs here, or in git, that are not what the stage wrote.
        left: outputs that `dvc.lock` still names and `dvc.yaml` does not.
        gone: that `dvc.yaml` has no such stage any more.
    """

    rerun: list[str] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    gone: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.rerun, *self.results.values(), *self.left, *filter(None, [self.gone]))


def stages(seen: Seen, notes: list[str]) -> dict[str, Reasons]:
    """Return every stage, in the lock's order and then new ones, with the reasons why it is stale (maybe none).

    Args:
        seen: what is compared.
        notes: gets what cannot be told, and what is worth knowing.
    """
    told = (name for name in seen.status if not name.endswith(".dvc") and not _elsewhere(name))
    names = list(dict.fromkeys((*seen.locked, *told)))
    found = {name: _stage(name, seen, notes) for name in names}
    for name, others in _downstream(seen, found).items():
        found[name].rerun.append(f"reads what {_named(others)} writes, and that is stale")
    return found


def sources(seen: Seen, notes: list[str]) -> dict[str, list[str]]:
    """Return, by `.dvc` file, the data here that is not what the file says."""
    found: dict[str, list[str]] = {}
    for name, entries in seen.status.items():
        if not name.endswith(".dvc") or _elsewhere(name):
            continue
        changed = [path for path, state in _of(entries, "changed outs") if state not in ABSENT]
        if changed:
            found[name] = changed
        notes += [f"{name}: {path}: {state}" for path, state in _of(entries, "changed deps") if state not in ABSENT]
    return found


def _stage(name: str, seen: Seen, notes: list[str]) -> Reasons:
    reasons = Reasons()
    known = seen.locked.get(name)
    if known is None:
        reasons.rerun.append("never run: dvc.lock does not know it")
        return reasons
    if _is_left(name, known, seen):
        reasons.gone = f"dvc.lock names it, and dvc.yaml has no such stage ({known.lock}:{known.line})"
        return reasons
    entries = seen.status.get(name, ())
    if "always changed" in entries:
        notes.append(f"{name}: runs every time (always_changed), so it cannot be in step")
    if known.frozen:
        notes.append(f"{name}: frozen, so what it depends on is not compared")
    told = dict.fromkeys((*_by_dvc(name, known, entries, seen), *_by_hashes(name, known, seen, notes)))
    reasons.rerun += told
    reasons.results |= dict(_results(name, entries, seen))
    reasons.left += _left_outputs(name, known, seen)
    return reasons


def _by_dvc(name: str, known: Locked, entries: Iterable[Any], seen: Seen) -> Iterator[str]:
    """Yield what DVC itself can tell: command, parameters, code, and data that is here."""
    if "changed command" in entries:
        then, now = known.commands
        yield f"command: {then} → {now}" if now else "its command in dvc.yaml changed"
    if "changed checksum" in entries:
        yield "its definition in dvc.yaml changed"
    stage = seen.tracked.stages.get(name, Stage(name=name))
    for path, state in _of(entries, "changed deps"):
        if isinstance(state, dict):
            yield from _params(path, state, known, seen)
        elif path not in stage.deps and (path not in known.params or state not in ABSENT):
            yield f"{path}: a dependency that dvc.lock does not know"
        elif state in ABSENT:
            yield from [] if _is_data(path, seen) or _elsewhere(path) else [f"{path}: is gone"]
        else:
            yield f"{'data' if _is_data(path, seen) else 'code'} {path} changed"
    outs = {out.path for out in stage.outs}
    for path, _ in _of(entries, "changed outs"):
        if path not in outs:
            yield f"{path}: an output that dvc.lock does not know"


def _params(file: str, states: Mapping[str, str], known: Locked, seen: Seen) -> Iterator[str]:
    lines = locked.changed_params(seen.root, known, file)
    yield from (f"parameter {line} in {file}" for line in lines)
    new = [key for key, state in states.items() if state == "new"]
    yield from (f"parameter {key} in {file}: dvc.lock does not know it" for key in new)
    if not lines and not new:
        yield f"parameters {', '.join(states)} in {file} changed"


def _by_hashes(name: str, known: Locked, seen: Seen, notes: list[str]) -> Iterator[str]:
    """Yield the data that is now another version than the one the stage ran with, wherever the data is."""
    if known.frozen:
        return
    for path, then in seen.tracked.stages[name].deps.items():
        if _elsewhere(path) and not (seen.root / path).exists():
            notes.append(f"{path}: outside the project's folder and not here, so it is not compared")
        for out in seen.outs.meeting(path) if then else ():
            if out.source == name or not out.md5:
                continue
            now = _now(path, out, seen)
            if now is None and not (seen.root / path).exists():
                notes.append(f"{out.path}: what stages read of it cannot be compared without its list of files")
            elif now is not None and now != then:
                yield f"data {path}: it ran with md5 {_short(then)}, {_home(out)} now has {_short(now)}"


def _now(path: str, out: Out, seen: Seen) -> str | None:
    """Return the hash that git's files name for a path; "" when its folder has no such file, None when unknown."""
    if path == out.path:
        return out.md5
    listed = seen.listing(out.path) if path.startswith(f"{out.path}/") else None
    if not listed or any(file.startswith(f"{path}/") for file in listed):
        return None  # a folder in a folder has a hash of its own, which only its files tell
    return listed.get(path, "")


def _results(name: str, entries: Iterable[Any], seen: Seen) -> Iterator[tuple[str, str]]:
    """Yield outputs that are not what the lock says, with the words for it."""
    outs = {out.path for out in seen.tracked.stages[name].outs}
    for path, state in _of(entries, "changed outs"):
        if path not in outs:
            continue
        if state not in ABSENT:
            yield path, f"{path} is not what dvc.lock says this stage wrote"
        elif path in seen.held:
            yield path, f"{path} is gone; git should hold what this stage wrote"


def _is_left(name: str, known: Locked, seen: Seen) -> bool:
    """Tell whether a stage is only in the lock; of a `foreach`, one item can be gone."""
    if not known.declared:
        return True
    outs = [out.path for out in seen.tracked.stages[name].outs]
    return "@" in name and bool(outs) and all(_gone(path, seen) for path in outs)


def _left_outputs(name: str, known: Locked, seen: Seen) -> list[str]:
    paths = [out.path for out in seen.tracked.stages[name].outs]
    return [f"dvc.lock names the output {path}, which dvc.yaml no longer has" for path in paths if _gone(path, seen)]


def _gone(path: str, seen: Seen) -> bool:
    return seen.outputs is not None and "${" not in path and path not in seen.outputs


def _downstream(seen: Seen, found: Mapping[str, Reasons]) -> dict[str, list[str]]:
    """Return, for each stage that reads what a stale stage will write anew, those stages."""
    makers: Paths[str] = Paths()
    for name in found:
        for path in _written(name, seen):
            makers.add(path, name)
    moving = [name for name in found if _runs(name, seen)]
    reads = {name: {maker for path in _read(name, seen) for maker in makers.meeting(path)} - {name} for name in moving}
    stale = {name for name in found if found[name].rerun or found[name].results}
    while new := {name for name in moving if name not in stale and reads[name] & stale}:
        stale |= new
    return {name: sorted(reads[name] & stale) for name in moving if reads[name] & stale}


def _runs(name: str, seen: Seen) -> bool:
    known = seen.locked.get(name)
    return known is None or (known.declared and not known.frozen)


def _read(name: str, seen: Seen) -> set[str]:
    known = seen.tracked.stages.get(name)
    told = {path for path, state in _of(seen.status.get(name, ()), "changed deps") if isinstance(state, str)}
    return told | (set(known.deps) if known else set())


def _written(name: str, seen: Seen) -> set[str]:
    known = seen.tracked.stages.get(name)
    told = {path for path, _ in _of(seen.status.get(name, ()), "changed outs")}
    return told | ({out.path for out in known.outs} if known else set())


def _is_data(path: str, seen: Seen) -> bool:
    return next(seen.outs.meeting(path), None) is not None


def _elsewhere(name: str) -> bool:
    """Tell whether a path, or a stage, belongs to the repository around the project's folder."""
    return name.startswith("../")


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _named(stages: Iterable[str]) -> str:
    return " and ".join(f"stage {name}" for name in stages)


def _home(out: Out) -> str:
    return out.source if out.source.endswith(".dvc") else f"stage {out.source} in dvc.lock"


def _short(md5: str) -> str:
    return f"{md5[:7]}…" if md5 else "no such file"


def _of(entries: Iterable[Any], key: str) -> list[tuple[str, Any]]:
    found = (entry.get(key) for entry in entries if isinstance(entry, dict))
    return [pair for mapping in found if isinstance(mapping, dict) for pair in mapping.items()]
