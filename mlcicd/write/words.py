"""What is said about files and edits: place, what was expected, what was found, and the command that repairs it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from mlcicd import yamlio
from mlcicd.errors import Refused
from mlcicd.write import markers, state
from mlcicd.write.compare import Change
from mlcicd.write.meaning import ABSENT, Difference
from mlcicd.write.read import line

_SHOWN = 160


def refusal(refused: Sequence[Change], verb: str = "generate") -> Refused:
    """Explain files that are not ours to write."""
    diffs = "\n".join(change.diff for change in refused if change.old is not None)
    return Refused(
        "nothing was written: mlcicd overwrites only what it wrote itself",
        detail=f"{_reasons(refused)}\n\n{diffs}".rstrip(),
        hint=f"do that (most of what was edited belongs in mlcicd.yaml), then run `mlcicd {verb}` again",
    )


def in_the_way(conflicts: Sequence[Change]) -> Refused:
    """Explain edits of what is to go."""
    return Refused(
        "nothing was done: lines that you edited are to go, or to be made otherwise",
        detail="\n".join(text for change in conflicts for text in _hunks(change)),
        hint="run `mlcicd generate`, take that edit back, then run this again",
    )


def conflict(conflicts: Sequence[Change]) -> Refused:
    """Explain edits that touch what changes."""
    hunks = "\n".join(text for change in conflicts for text in _hunks(change))
    return Refused(
        "nothing was written: lines that you edited are made otherwise now",
        detail=hunks,
        hint="`mlcicd generate --merge` writes both with conflict markers, for you to choose; "
        f"to take the new lines instead: {_anew(conflicts)}",
    )


def marked(conflicts: Sequence[Change]) -> Refused:
    """Say what is left to do after conflict markers were written."""
    places = [f"{change.path}:{markers.first(change.new or '')}" for change in conflicts]
    return Refused(
        f"conflict markers were written: {', '.join(places)}",
        hint="resolve them, then run `mlcicd generate` again: it says what is left of your edits",
    )


def unlike(changes: Sequence[Change], doubts: Sequence[str]) -> Refused:
    """Explain why `--check` fails: what is unlike mlcicd.yaml, file by file, and each edit that nobody accepted."""
    edited = [change for change in changes if change.kind == "edited" and change.review.refused]
    refused = [change for change in changes if change.why]
    stale = [change for change in changes if change not in (*edited, *refused)]
    detail = [*doubts, *filter(None, [_reasons(refused)]), *(text for change in edited for text in edits(change))]
    names = ", ".join(dict.fromkeys([change.path for change in changes] or [state.FILE]))
    hints = []
    if stale or doubts:
        hints.append("run `mlcicd generate` and commit the result")
    if refused:
        hints.append("do what is said of each file, then run `mlcicd generate`")
    if known := [change for change in edited if not change.why]:
        hints.append(
            f"keep the edits: `mlcicd generate --accept`, and commit {state.FILE}; or drop them: {_anew(known)}"
        )
    return Refused(
        f"not what mlcicd.yaml makes: {names}",
        detail="\n".join([*detail, "".join(change.diff for change in stale)]).strip("\n"),
        hint="\n      ".join(hints),
    )


def edits(change: Change) -> Iterator[str]:
    """Say each edit that nobody accepted: where it stands, what mlcicd makes, what is there."""
    for one in change.review.refused:
        where = f"{change.path}:{line(_read(change), one.place)}"
        yield f"{where}: {one.at}: expected {shown(one.made)}, found {shown(one.now)}"


def kept(one: Difference) -> str:
    """Say an edit in a few words."""
    return f"{one.at}: {shown(one.now)} (mlcicd makes {shown(one.made)})"


def shown(value: object) -> str:
    """Print a value on one line, cut where it is long."""
    text = "nothing" if value is ABSENT else yamlio.scalar(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _read(change: Change) -> str:
    return (change.new if change.kind == "merged" else change.old) or ""


def _reasons(changes: Sequence[Change]) -> str:
    return "\n".join(f"{change.path}: {change.why}" for change in changes)


def _hunks(change: Change) -> Iterator[str]:
    for hunk in markers.hunks(change.new or ""):
        yield f"{change.path}:{hunk.line}:"
        yield from (f"  yours  {text}" for text in hunk.yours)
        yield from (f"    new  {text}" for text in hunk.theirs)


def _anew(changes: Sequence[Change]) -> str:
    return f"`rm {shlex.join(change.path for change in changes)} && mlcicd generate`"
