"""`--check`: whether the disk means what mlcicd.yaml makes. Nothing is merged for it, and no program is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mlcicd.write import mark, state
from mlcicd.write.compare import Change
from mlcicd.write.meaning import differences
from mlcicd.write.review import Edit, Review, review, unsaid
from mlcicd.write.state import State
from mlcicd.yamlio import Unreadable


def judge(change: Change, edits: Sequence[Edit]) -> Change:
    """Make it `kept` when the file means what is made, but for accepted edits and newer pins."""
    if change.kind == "same":
        return replace(change, review=Review(gone=tuple(edits)))
    if change.kind not in ("changed", "edited") or change.old is None or change.made is None:
        return change
    if not state.is_yaml(change.path):
        return change
    try:
        found = review(change.made, change.old, edits)
        stale = {one.at for one in differences(change.made, change.base or change.made)}
    except Unreadable as error:
        return replace(change, why=f"cannot be read as YAML (line {error.place.line}): {error.reason}")
    # What mlcicd.yaml itself changed is no edit, and `doubts` says it.
    edited = tuple(one for one in found.refused if one.at not in stale)
    kind = change.kind if found.refused else "kept"
    return replace(change, kind=kind, review=replace(found, refused=edited))


def doubts(changes: Sequence[Change], states: Sequence[State]) -> Iterator[str]:
    """Say in a line each how `mlcicd.lock` is not what `mlcicd generate` would write. None is written is no doubt."""
    if len(states) > 1:
        yield f"{state.FILE}: has merge conflict markers, which `mlcicd generate` resolves"
    if len(states) != 1:
        return
    known, made = states[0].files, {change.path: change.made for change in changes if change.made is not None}
    yield from (f"{path}: {state.FILE} does not know it" for path in made if path not in known)
    for path, text in made.items():
        if path in known and (at := _stale(path, known[path], mark.body(text))):
            yield f"{path}: mlcicd.yaml makes another than {state.FILE} remembers{at}"
    for change in changes:
        for edit in change.review.gone:
            yield f"{change.path}: {state.FILE} accepts an edit that is not there: {edit.at}"


def _stale(path: str, known: state.Record, made: str) -> str:
    if known.text is None and (state.is_yaml(path) or known.digest != mark.digest(made)):
        return " (only its digest is known)"
    if known.text is None or known.digest == mark.digest(made):
        return ""
    try:
        at = unsaid(known.text, made)
    except Unreadable as error:
        return f" (a text that cannot be read as YAML: {error.reason})"
    return f" ({at})" if at else ""
