"""The three-way merge: a team's edits, what mlcicd last made, and what it makes now.

`git merge-file` merges by lines, and needs no repository for it. What comes out is read again: it must mean what
mlcicd makes, but for what the team edited.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mlcicd.errors import OutsideError
from mlcicd.write import bumps, mark
from mlcicd.write.compare import Change, Kind
from mlcicd.write.meaning import differences
from mlcicd.write.review import Edit, review
from mlcicd.yamlio import Unreadable

# After which item an added one stands, and which number an item without a name has: both may be others in the new text.
_POSITION = re.compile(r'(?<=") (?:first|after ".*?")(?=\])|\[[0-9]+\].*')
_LABELS = ("yours", "last generated", "new")


def merge(change: Change, edits: Sequence[Edit] = ()) -> Change:
    """Merge an edited file: `merged`, `kept` when it stays as it is, `conflict` with markers in `new`.

    A file that cannot be merged stays `edited`, with the reason.

    Args:
        change: any; one that is not `edited` comes back as it is.
        edits: those that were accepted.

    Raises:
        OutsideError: when git is missing.
    """
    if change.kind != "edited" or change.base is None or change.yours is None or change.made is None:
        return change
    yours, made = mark.body(change.yours), mark.body(change.made)
    try:
        touched = {_where(one.at) for one in differences(change.base, change.yours)}
    except Unreadable as error:
        return replace(change, why=f"cannot be read as YAML (line {error.place.line}): {error.reason}")
    base, aligned, newer = bumps.align(change.base, yours, made)
    text, clean = _by_lines(aligned, base, made)
    new = mark.head(change.made) + bumps.put_in(text, newer)
    if not clean:
        return replace(change, kind="conflict", new=new)
    if strange := _strange(made, text, touched):
        return replace(
            change, why=f"cannot be merged: it would change {strange}, which you did not edit; do it by hand"
        )
    kind: Kind = "kept" if new == change.old else "merged"
    return replace(change, kind=kind, new=new, review=review(change.made, new, edits))


def _by_lines(yours: str, base: str, made: str) -> tuple[str, bool]:
    """Return the merged text, and whether it is without conflicts."""
    if base == made:
        return yours, True
    with tempfile.TemporaryDirectory(prefix="mlcicd-merge-") as folder:
        paths = [Path(folder) / name for name in ("yours", "base", "new")]
        for path, text in zip(paths, (yours, base, made), strict=True):
            path.write_bytes(text.encode())
        labels = [word for label in _LABELS for word in ("-L", label)]
        try:
            done = subprocess.run(
                ["git", "merge-file", "-p", "--diff3", *labels, *map(str, paths)], capture_output=True, check=False
            )
        except FileNotFoundError:
            raise OutsideError(
                "git is not installed, and merges edits", hint="install git, then run this again"
            ) from None
    if done.returncode > 127 or done.returncode < 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise OutsideError(f"git merge-file failed: {said}", hint="check that `git --version` is 1.8 or newer")
    return done.stdout.decode(), done.returncode == 0


def _strange(made: str, merged: str, touched: set[str]) -> str:
    """Name a place where the merged text is not as made, though nobody edited it; "" when there is none.

    Lines that fit together need not be keys that do: what was indented below one may end up below another.
    """
    try:
        found = [one.at for one in differences(made, merged)]
    except Unreadable as error:
        return f"line {error.place.line + 1} ({error.reason})"
    return next((at for at in found if not any(_touches(_where(at), edit) for edit in touched)), "")


def _where(at: str) -> str:
    """Leave out of a path what counts items."""
    return _POSITION.sub("", at)


def _touches(at: str, edit: str) -> bool:
    return at == edit or at.startswith((f"{edit}.", f"{edit}[", f"{edit} ")) or edit.startswith((f"{at}.", f"{at}["))
