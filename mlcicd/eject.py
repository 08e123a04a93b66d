"""`mlcicd eject`: the generated files become the team's own, once and for all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mlcicd import generate
from mlcicd.generate import Made
from mlcicd.write import disk, mark, state, words
from mlcicd.write.compare import Change

# It compares the files with mlcicd.yaml, which does not make them any more.
CHECK = "check"


def plan(config: Path, root: Path) -> Made:
    """Make the files a last time, without the job that checks them, and merge the edits in.

    Raises:
        Refused: when a file is not ours to hand over, or an edit is in the way.
    """
    made = generate.merged(generate.compare(config, root, without=(CHECK,)))
    if made.states:
        made = replace(made, changes=tuple(map(_go_on, made.changes)))
    if refused := [change for change in made.changes if change.kind in ("refused", "edited")]:
        raise words.refusal(refused, "eject")
    if conflicts := [change for change in made.changes if change.kind == "conflict"]:
        raise words.in_the_way(conflicts)
    return made


def _go_on(change: Change) -> Change:
    """Where `mlcicd.lock` is still there, an earlier eject handed this file over and then was stopped."""
    is_done = change.kind == "refused" and mark.owner(change.old or "") == "ejected"
    return replace(change, kind="kept", new=change.old, why="") if is_done else change


def apply(made: Made, root: Path) -> None:
    """Hand the files over: line 1 says so, and `mlcicd.lock` goes. mlcicd.yaml stays, because the jobs read it.

    Raises:
        OutsideError: when the disk refuses.
    """
    texts = {root / change.path: mark.hand_over(change.new) for change in made.changes if change.new is not None}
    stale = [root / change.path for change in made.changes if change.kind == "stale"]
    disk.write(texts, gone=[*stale, root / state.FILE])


def summary(made: Made, *, dry: bool) -> Iterator[str]:
    """Say in a line each what was (or, when `dry`, would be) done."""
    for change in made.changes:
        yield f"{'yours' if change.new is not None else 'remove':>8}  {change.path}"
    yield f"{'remove':>8}  {state.FILE}"
    if dry:
        yield "nothing was done yet: `mlcicd eject --yes` hands these files over, without the job `check`"
        return
    yield "    next  commit the result; the jobs still read mlcicd.yaml, but it makes no files any more"
    yield "    next  to go back: delete these files and run `mlcicd generate`"
