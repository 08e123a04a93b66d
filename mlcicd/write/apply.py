"""Write what is to be written, all of it or nothing; the state file last, so that it never says more than is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlcicd.write import disk, mark, state, words
from mlcicd.write.compare import Change
from mlcicd.write.review import Edit
from mlcicd.write.state import State

_WRITTEN = ("new", "changed", "merged", "conflict")


def apply(changes: Sequence[Change], known: State, root: Path, *, marked: bool = False) -> None:
    """Write every change, then the state.

    Args:
        changes: what would happen, edits merged.
        known: the state from now on.
        root: the repository's top folder.
        marked: write what conflicts too, with conflict markers.

    Raises:
        Refused: when a file is not ours to write, or conflicts; nothing is written then.
        OutsideError: when the disk refuses.
    """
    if refused := [change for change in changes if change.kind in ("refused", "edited")]:
        raise words.refusal(refused)
    if not marked and (conflicts := [change for change in changes if change.kind == "conflict"]):
        raise words.conflict(conflicts)
    texts = {root / change.path: change.new for change in changes if change.kind in _WRITTEN and change.new is not None}
    disk.write(texts, gone=[root / change.path for change in changes if change.kind == "stale"])
    save(known, root)


def save(known: State, root: Path) -> None:
    """Write the state where it says something new."""
    text = state.show(known)
    if disk.text(root, state.FILE) != text:
        disk.write({root / state.FILE: text})


def next_state(changes: Sequence[Change], states: Sequence[State], carried: State, *, accept: bool) -> State:
    """Make the state that belongs to the changes.

    Args:
        changes: what would happen, edits merged.
        states: the state file as it is.
        carried: what it says of files that were not looked at.
        accept: record every edit; otherwise those that are recorded already and still there.
    """
    files, edits = dict(carried.files), dict(carried.edits)
    for change in changes:
        if change.made is None:
            continue
        known = next((one.files[change.path] for one in states if change.path in one.files), None)
        files[change.path] = state.record(change.path, mark.body(change.made), known)
        edits[change.path] = _edits(change, state.accepted(states, change.path), accept=accept)
    return State(files=files, edits={path: found for path, found in edits.items() if found})


def _edits(change: Change, known: tuple[Edit, ...], *, accept: bool) -> tuple[Edit, ...]:
    if change.kind == "conflict":
        return known  # what the file will say, nobody knows yet
    found = change.review.edits if accept else change.review.accepted
    return tuple(Edit(at=one.at, made=one.made, now=one.now) for one in found)
