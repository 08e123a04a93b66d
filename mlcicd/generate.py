"""From the configuration to files: the straight pipe, load → build → lay out → compare → write."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcicd import release, write
from mlcicd.config.load import load
from mlcicd.errors import Refused, UsageError
from mlcicd.plan.build import build
from mlcicd.plan.model import Pipeline
from mlcicd.platforms import PLATFORMS, Platform
from mlcicd.platforms.common import Seed


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a generation would do.

    Attributes:
        changes: one for each generated or stale file.
        seeds: files of the team's own that are still to be written.
        advice: what the team has to add to a file of its own.
    """

    changes: tuple[write.Change, ...]
    seeds: tuple[Seed, ...]
    advice: tuple[str, ...]


def compare(config: Path, root: Path, only: Sequence[str] = ()) -> Made:
    """Make every file in memory and compare with the disk.

    Args:
        only: platforms to look at; all of the configuration's when empty.

    Raises:
        UsageError: for a wrong configuration or platform name.
    """
    settings = load(config)
    if unknown := [name for name in only if name not in settings.platforms]:
        known = ", ".join(settings.platforms)
        raise UsageError(f"--platform {unknown[0]}: not one of mlcicd.yaml's platforms ({known})")
    pipeline, current = build(settings), release.current(os.environ)
    names = [name for name in settings.platforms if not only or name in only]
    _require_poster(pipeline, settings.platforms)
    files = {path: text for name in names for path, text in PLATFORMS[name].files(pipeline, current).items()}
    # A platform taken out of the configuration leaves files behind, which are stale too.
    owned = [pattern for name in only or PLATFORMS for pattern in PLATFORMS[name].OWNED]
    changes = write.compare(files, root, owned)
    for name in names:
        _read_back(PLATFORMS[name], files, pipeline, changes)
    seeds = [seed for name in names for seed in PLATFORMS[name].seeds()]
    return Made(
        changes=tuple(changes),
        seeds=tuple(seed for seed in seeds if not os.path.lexists(root / seed.path)),
        advice=tuple(seed.advice for seed in seeds if _lacks(root / seed.path, seed.needle)),
    )


def apply(made: Made, root: Path) -> None:
    """Write everything, or nothing.

    Raises:
        Refused: when a file is not ours to write.
    """
    write.apply(made.changes, root)
    for seed in made.seeds:
        (root / seed.path).write_text(seed.text, encoding="utf-8")


def require_current(made: Made) -> None:
    """Refuse when anything on the disk is not what the configuration makes.

    Raises:
        Refused: with the difference.
    """
    wrong = [change for change in made.changes if change.kind != "same"]
    if wrong:
        names = ", ".join(change.path for change in wrong)
        raise Refused(
            f"not what mlcicd.yaml makes: {names}",
            detail="".join(change.diff for change in wrong),
            hint="run `mlcicd generate` and commit the result",
        )


def summary(made: Made, *, dry: bool) -> Iterator[str]:
    """Say in a line each what was (or, when `dry`, would be) done."""
    words = {"new": "write", "changed": "update", "stale": "remove", "same": "current"}
    for change in made.changes:
        yield f"{words.get(change.kind, change.kind):>8}  {change.path}"
    for seed in made.seeds:
        yield f"{'write':>8}  {seed.path}"
    yield from (f"    next  {advice}" for advice in made.advice)
    if dry and all(change.kind == "same" for change in made.changes):
        yield "every file is current"


def _read_back(
    platform: Platform, files: Mapping[str, str], pipeline: Pipeline, changes: Sequence[write.Change]
) -> None:
    """Parse what would be written: its jobs must be the plan's, whatever a template did.

    What is on the disk already, byte for byte, was read back when it was written.
    """
    if all(change.kind == "same" for change in changes if change.path == platform.MAIN):
        return
    found, meant = platform.read(files[platform.MAIN]), {job.id: job.needs for job in pipeline.jobs}
    if found != meant:
        raise AssertionError(f"a template lost the plan: {found} is not {meant}")


def _require_poster(pipeline: Pipeline, platforms: Sequence[str]) -> None:
    why = [PLATFORMS[name].NO_FORKS for name in platforms]
    if pipeline.for_forks and all(why):
        raise UsageError("report.forks: post: no platform here can do that", detail=why[0], hint="remove that line")


def _lacks(path: Path, needle: str) -> bool:
    if not path.is_file():
        return os.path.lexists(path)  # a folder, or a link to nothing
    return needle not in path.read_text("utf-8", "replace")
