"""Which tracked data a training run will read, worked out without downloading any of it.

`dvc status` calls every file that is not here "deleted", and tells a new version of the data apart from none only
when the files are here. The hashes in git tell it without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mlcicd.runtime.storage.tracked import Out, Stage, Tracked, overlap

Listing = Callable[[str], Mapping[str, str] | None]


def needed(status: Mapping[str, Any], found: Tracked, listing: Listing, is_here: Callable[[str], bool]) -> list[str]:
    """Return the tracked paths to pull before training, sorted; none when no stage will run.

    Args:
        status: `dvc status --json`.
        found: what is tracked.
        listing: returns the hashes of the files in a tracked folder by path, or None.
        is_here: tells whether a path exists in the workspace (then `status` knows about it).
    """
    stages = _stages(status, found)
    changed = {name for name in stages if _changed(status.get(name, ()), name in found.stages)}
    changed |= {name for name, stage in stages.items() if _reads_other_data(stage, found.outs, listing, is_here)}
    running = _downstream(changed, stages)
    made = [out.path for name in running for out in stages[name].outs]
    read = {dep for name in running for dep in stages[name].deps}
    kept = [out for out in found.outs if out.source not in running]
    return sorted({target for dep in read if not _covered(dep, made) for target in _targets(dep, kept)})


def _stages(status: Mapping[str, Any], found: Tracked) -> dict[str, Stage]:
    """Return every stage with what it reads and writes, by `dvc.lock` and, where that is behind, by `dvc status`."""
    stages = dict(found.stages)
    for name, entries in status.items():
        if name.endswith(".dvc"):
            continue
        known = found.stages.get(name, Stage(name=name))
        deps = {
            path: known.deps.get(path, "") for path, state in _of(entries, "changed deps") if isinstance(state, str)
        }
        new = {path for path, _ in _of(entries, "changed outs")} - {out.path for out in known.outs}
        outs = (*known.outs, *(Out(path=path, md5="", source=name) for path in sorted(new)))
        stages[name] = Stage(name=name, deps={**known.deps, **deps}, outs=outs)
    return stages


def _changed(entries: Iterable[Any], is_locked: bool) -> bool:
    """Tell whether DVC will run a stage whatever its absent data is; "deleted" and "not in cache" only mean absent."""
    entries = list(entries)
    if any(isinstance(entry, str) for entry in entries) or (entries and not is_locked):
        return True
    states = [state for key in ("changed deps", "changed outs") for _, state in _of(entries, key)]
    return any(isinstance(state, dict) or state not in ("deleted", "not in cache") for state in states)


def _reads_other_data(stage: Stage, outs: Iterable[Out], listing: Listing, is_here: Callable[[str], bool]) -> bool:
    """Tell whether a stage's absent data is now another version than the one it ran with."""
    upstream = [out for out in outs if out.source != stage.name]
    for path, md5 in stage.deps.items():
        for out in upstream:
            if is_here(path) or not overlap(path, out.path):
                continue
            if path == out.path:
                now: str | None = out.md5
            elif path.startswith(f"{out.path}/"):
                now = _inside(path, out, listing)
            else:
                now = None  # a folder around tracked files: its hash takes all of them
            if now != md5:
                return True
    return False


def _inside(path: str, out: Out, listing: Listing) -> str | None:
    """Return the hash of a file in a tracked folder; a folder in it cannot be told without its files."""
    return (listing(out.path) or {}).get(path)


def _downstream(changed: set[str], stages: Mapping[str, Stage]) -> set[str]:
    """Return the changed stages and all that read what those write, directly or not."""
    running, before = set(changed), -1
    while len(running) != before:
        before = len(running)
        made = [out.path for name in running for out in stages[name].outs]
        running |= {name for name, stage in stages.items() if any(_meets(dep, made) for dep in stage.deps)}
    return running


def _targets(dep: str, outs: Iterable[Out]) -> list[str]:
    """Return what to pull for a dependency: itself when it is in something tracked, else what is tracked in it."""
    return [dep if dep.startswith(f"{out.path}/") else out.path for out in outs if overlap(dep, out.path)]


def _meets(path: str, others: Iterable[str]) -> bool:
    return any(overlap(path, other) for other in others)


def _covered(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _of(entries: Iterable[Any], key: str) -> list[tuple[str, Any]]:
    """Return the (path, state) pairs under "changed deps" or "changed outs"."""
    found = (entry.get(key) for entry in entries if isinstance(entry, dict))
    return [pair for mapping in found if isinstance(mapping, dict) for pair in mapping.items()]
