"""From the configuration to files: the straight pipe, load → build → lay out → compare → merge → write."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlcicd import contributed, readback, release
from mlcicd.config.load import load
from mlcicd.errors import UsageError
from mlcicd.plan.build import build
from mlcicd.plan.model import Pipeline
from mlcicd.platforms import PLATFORMS, pinned
from mlcicd.platforms.common import Seed
from mlcicd.write import apply as writing
from mlcicd.write import disk, judge, state, words
from mlcicd.write.compare import Change
from mlcicd.write.compare import compare as compared
from mlcicd.write.merge import merge
from mlcicd.write.state import State


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a generation would do.

    Attributes:
        changes: one for each generated or stale file.
        seeds: files of the team's own that are still to be written.
        advice: what the team has to add to a file of its own.
        states: what `mlcicd.lock` says; two where git left conflict markers in it.
        carried: what it says of files of platforms that were not looked at.
    """

    changes: tuple[Change, ...]
    seeds: tuple[Seed, ...]
    advice: tuple[str, ...]
    states: tuple[State, ...] = ()
    carried: State = field(default_factory=State)


def compare(config: Path, root: Path, only: Sequence[str] = (), without: Sequence[str] = ()) -> Made:
    """Make every file in memory and compare with the disk.

    Args:
        config: the configuration.
        root: the repository's top folder.
        only: platforms to look at; all of the configuration's when empty.
        without: jobs to leave out.

    Raises:
        UsageError: for a wrong configuration, platform name or state file.
    """
    settings = load(config)
    if unknown := [name for name in only if name not in settings.platforms]:
        known = ", ".join(settings.platforms)
        raise UsageError(f"--platform {unknown[0]}: not one of mlcicd.yaml's platforms ({known})")
    pipeline, current = _without(build(settings), without), release.current(os.environ)
    names = [name for name in settings.platforms if not only or name in only]
    pipeline, warnings = contributed.taken_in(pipeline, settings, root, names)
    _require_poster(pipeline, settings.platforms)
    pinned.check(pipeline, settings.platforms)
    files = {path: text for name in names for path, text in PLATFORMS[name].files(pipeline, current).items()}
    # A platform taken out of the configuration leaves files behind, which are stale too.
    owned = [pattern for name in only or PLATFORMS for pattern in PLATFORMS[name].OWNED]
    states = state.read(root)
    carried = state.outside(states, owned) if only else State()
    before = {path for one in states for path in one.files if path not in carried.files}
    changes = compared(files, root, owned, states, before)
    for name in names:
        _read_back(name, files, pipeline, changes)
    # A file for several platforms is written once.
    seeds = {seed.path: seed for name in names for seed in PLATFORMS[name].seeds(pipeline)}.values()
    return Made(
        changes=tuple(changes),
        seeds=tuple(seed for seed in seeds if not _exists(seed, root)),
        advice=(
            *warnings,
            *_ignored(states, root),
            *(seed.advice for seed in seeds if _lacks(root / seed.path, seed.needle)),
        ),
        states=states,
        carried=carried,
    )


def merged(made: Made) -> Made:
    """Merge the edits of generated files into what would be written.

    Raises:
        OutsideError: when there are edits, and git is missing.
    """
    changes = [merge(change, state.accepted(made.states, change.path)) for change in made.changes]
    return replace(made, changes=tuple(changes))


def apply(made: Made, root: Path, *, accept: bool = False, mark_conflicts: bool = False) -> None:
    """Write everything, or nothing; then record in `mlcicd.lock` what was made.

    Args:
        made: edits merged.
        root: the repository's top folder.
        accept: record every edit that is kept as accepted.
        mark_conflicts: write conflicts too, with markers, and then refuse.

    Raises:
        Refused: when a file is not ours to write, or edits conflict.
    """
    known = writing.next_state(made.changes, made.states, made.carried, accept=accept)
    writing.apply(made.changes, known, root, marked=mark_conflicts)
    disk.write({root / seed.path: seed.text for seed in made.seeds})
    if conflicts := [change for change in made.changes if change.kind == "conflict"]:
        raise words.marked(conflicts)


def require_current(made: Made) -> Made:
    """Refuse when a file on the disk does not mean what the configuration makes; return what was found else.

    Raises:
        Refused: with the place, what was expected and what was found.
    """
    changes = [judge.judge(change, state.accepted(made.states, change.path)) for change in made.changes]
    wrong = [change for change in changes if change.kind not in ("same", "kept")]
    doubts = list(judge.doubts(changes, made.states))
    if wrong or doubts:
        raise words.unlike(wrong, doubts)
    return replace(made, changes=tuple(changes))


def summary(made: Made, *, dry: bool, accept: bool = False) -> Iterator[str]:
    """Say in a line each what was (or, when `dry`, would be) done, and what became of edits."""
    kinds = {
        "new": "write",
        "changed": "update",
        "stale": "remove",
        "same": "current",
        "merged": "merge",
        "kept": "keep",
    }
    for change in made.changes:
        yield f"{kinds.get(change.kind, change.kind):>8}  {change.path}"
        yield from (f"{'yours':>8}  {words.kept(one)}" for one in change.review.edits)
    for seed in made.seeds:
        yield f"{'write':>8}  {seed.path}"
    if not made.states:
        yield from () if dry else (f"{'write':>8}  {state.FILE}",)
        yield f"    next  commit {state.FILE} with these files: by it `mlcicd generate` keeps edits of them"
    yield from (f"    next  {advice}" for advice in (*made.advice, *_advice(made, accept=accept)))
    if dry and all(change.kind in ("same", "kept") for change in made.changes):
        yield "every file is current"


def _advice(made: Made, *, accept: bool) -> Iterator[str]:
    count = sum(len(change.review.refused) for change in made.changes)
    if count and not accept:
        yield f"`mlcicd generate --check` refuses {count} of your edits until `mlcicd generate --accept` records them"
    bumps = dict.fromkeys(bump for change in made.changes for bump in change.review.bumps)
    ours = [bump for bump in bumps if bump.name == "mlcicd" or bump.name.startswith(f"{release.REPOSITORY}/")]
    if theirs := [bump for bump in bumps if bump not in ours]:
        yield f"newer in the files: {', '.join(map(str, theirs))}; `mlcicd pins --import` takes that over"
    if ours:
        yield f"the files name mlcicd {ours[0].new}, and this is {ours[0].old}: generate with that one"


def _without(pipeline: Pipeline, ids: Sequence[str]) -> Pipeline:
    left = [job for job in pipeline.jobs if job.id not in ids]
    jobs = [replace(job, needs=tuple(id for id in job.needs if id not in ids)) for job in left]
    return replace(pipeline, jobs=tuple(jobs)) if ids else pipeline


def _read_back(name: str, files: Mapping[str, str], pipeline: Pipeline, changes: Sequence[Change]) -> None:
    """Parse what would be written: its jobs must be the plan's, whatever a template did.

    What is on the disk already, byte for byte, was read back when it was written.
    """
    platform = PLATFORMS[name]
    if all(change.kind == "same" for change in changes if change.path == platform.MAIN):
        return
    readback.require(name, files[platform.MAIN], pipeline)
    contributed.require_clean(name, files[platform.MAIN], pipeline)


def _require_poster(pipeline: Pipeline, platforms: Sequence[str]) -> None:
    why = [PLATFORMS[name].NO_FORKS for name in platforms]
    if pipeline.for_forks and all(why):
        raise UsageError("report.forks: post: no platform here can do that", detail=why[0], hint="remove that line")


def _ignored(states: Sequence[State], root: Path) -> Iterator[str]:
    """Many repositories keep `*.lock` out of git; asked once, when there is none yet."""
    if states:
        return
    command = ["git", "check-ignore", "--quiet", state.FILE]
    with contextlib.suppress(OSError):
        if subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0:
            yield f"git ignores {state.FILE}: add the line !{state.FILE} to .gitignore"


def _exists(seed: Seed, root: Path) -> bool:
    return any(os.path.lexists(root / path) for path in (seed.path, *seed.instead))


def _lacks(path: Path, needle: str) -> bool:
    if not path.is_file():
        return os.path.lexists(path)  # a folder, or a link to nothing
    return needle not in path.read_text("utf-8", "replace")
