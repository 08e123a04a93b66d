"""Generated files against the disk: what would happen to each, before anything happens."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlcicd.write import disk, mark, markers, state
from mlcicd.write.review import Review
from mlcicd.write.state import State

Kind = Literal["new", "changed", "same", "stale", "edited", "merged", "kept", "conflict", "refused"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What would happen to one file.

    Attributes:
        path: from the repository's top.
        kind: `new`, `changed`, `same` and `stale` (no longer made) are ours, as we wrote them. `edited` is ours with
            edits, until the merge makes it `merged`, `kept` (nothing new for it) or `conflict`. `refused` is not ours.
        old: the text on the disk; None for no file, or none that is a text.
        yours: the edited text, for `edited`: `old`, but for a conflict of git's in line 1, which is nobody's edit.
        made: the text as mlcicd.yaml makes it; None when it makes none.
        new: the text to be written.
        base: what mlcicd last made, from which the edits began; without line 1. None when nobody knows.
        why: for `refused`, and for `edited` that cannot be merged: the reason and the next step.
        review: what `new` says (before a merge: what `old` says) that is not as made.
    """

    path: str
    kind: Kind
    old: str | None
    made: str | None
    new: str | None
    yours: str | None = None
    base: str | None = None
    why: str = ""
    review: Review = field(default_factory=Review)

    @property
    def diff(self) -> str:
        """The unified diff from what is there to what would be."""
        before = "" if self.old is None else self.old
        after = "" if self.new is None else self.new
        lines = difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            f"{self.path} (as it is)" if self.old is not None else "/dev/null",
            f"{self.path} (as mlcicd.yaml makes it)" if self.new is not None else "/dev/null",
        )
        return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def compare(
    files: Mapping[str, str],
    root: Path,
    owned: Iterable[str] = (),
    states: Sequence[State] = (),
    known: Iterable[str] = (),
) -> list[Change]:
    """Compare what should be under `root` with what is, sorted by path; nothing is written.

    Args:
        files: generated texts by path, unstamped.
        root: the repository's top folder.
        owned: patterns under which a file with our mark that is not in `files` is stale.
        states: what `mlcicd.lock` says.
        known: paths that were made before; stale too when they are not in `files`.
    """
    changes = [_made(path, mark.stamp(text), root, states) for path, text in files.items()]
    before = {*known, *_marked(root, owned)} - files.keys()
    changes += [change for path in before for change in _no_longer_made(path, root)]
    return sorted(changes, key=lambda change: change.path)


def _made(path: str, made: str, root: Path, states: Sequence[State]) -> Change:
    try:
        old = disk.text(root, path)
    except disk.NotOurs as reason:
        return Change(path=path, kind="refused", old=None, made=made, new=made, why=str(reason))
    if old is None or old == made:
        return Change(path=path, kind="new" if old is None else "same", old=old, made=made, new=made)
    if line := markers.first(old):
        return _two_sides(path, old, made, line, states)
    owner = mark.owner(old)
    if owner == "ours":
        return Change(path=path, kind="changed", old=old, made=made, new=made)
    if owner != "edited":
        return Change(path=path, kind="refused", old=old, made=made, new=made, why=_WHOSE[owner])
    return _edited(path, old, made, (old,), states)


def _edited(path: str, old: str, made: str, readings: Sequence[str], states: Sequence[State]) -> Change:
    """Find what the edits began from; of several readings of the file, the first whose base is known counts."""
    found = [(_base(path, one, made, states), one) for one in readings] if state.is_yaml(path) else []
    base, yours = next((pair for pair in found if pair[0] is not None), (None, readings[0]))
    why = "" if base is not None else _NO_BASE if state.is_yaml(path) else _NO_YAML
    return Change(path=path, kind="edited", old=old, yours=yours, made=made, new=made, base=base, why=why)


_WHOSE: Mapping[mark.Owner, str] = {
    "foreign": "was not written by mlcicd: rename it, or delete it",
    "unknown": "has a first line that this mlcicd did not write (it was edited, or is of another version of mlcicd): "
    "put that line back, use that version, or delete the file",
    "ejected": "was handed over to you by `mlcicd eject`: to have it made again, delete it",
}
_NO_BASE = (
    f"was edited, and what it was made from is not in {state.FILE}: put your edits aside, delete the file, "
    "run `mlcicd generate`, and make them again"
)
_NO_YAML = "was edited, and only YAML is merged: put your edit aside, and delete the file"


def _two_sides(path: str, old: str, made: str, line: int, states: Sequence[State]) -> Change:
    """Where two branches regenerated, a file that neither edited is made anew, and line 1 is no conflict."""
    both = markers.sides(old) or ("", "")
    if all(mark.owner(side) == "ours" for side in both):
        return Change(path=path, kind="changed", old=old, made=made, new=made)
    if all(mark.claim(side) for side in both) and mark.body(both[0]) == mark.body(both[1]):
        return _edited(path, old, made, both, states)
    why = f"has merge conflict markers (line {line}): resolve them"
    return Change(path=path, kind="refused", old=old, made=made, new=made, why=why)


def _base(path: str, old: str, made: str, states: Sequence[State]) -> str | None:
    """Find the text that line 1 names: what is made now, or what the state file remembers."""
    claimed = mark.claim(old)
    texts = [mark.body(made), *(known.files[path].text for known in states if path in known.files)]
    return next((text for text in texts if text is not None and mark.digest(text) == claimed), None)


def _no_longer_made(path: str, root: Path) -> Iterator[Change]:
    """A file that is gone, or that became the team's own, is no matter of ours any more."""
    try:
        old = disk.text(root, path)
    except disk.NotOurs as reason:
        yield Change(path=path, kind="refused", old=None, made=None, new=None, why=f"is no longer made, and {reason}")
        return
    owner = mark.owner(old or "")
    if owner == "ours":
        yield Change(path=path, kind="stale", old=old, made=None, new=None)
    elif owner == "edited":
        why = "is no longer made, but was edited: delete it, or delete its first line to keep it as yours"
        yield Change(path=path, kind="refused", old=old, made=None, new=None, why=why)


def _marked(root: Path, owned: Iterable[str]) -> Iterator[str]:
    for pattern in owned:
        for path in sorted(root.glob(pattern)):
            if path.is_file() and not path.is_symlink() and mark.claim(_first_line(path)):
                yield path.relative_to(root).as_posix()


def _first_line(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.readline(300).decode("utf-8-sig", "replace").rstrip("\r\n")
