"""`mlcicd.lock`: what mlcicd last made, and which edits of it were accepted. Committed beside mlcicd.yaml.

It is the base of the three-way merge, so it needs no history of git: a squash merge or a shallow clone changes nothing.
One line a file, so that two branches that regenerated different files merge; where they regenerated the same one, git
leaves its markers and both sides are read.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from mlcicd import yamlio
from mlcicd.errors import UsageError
from mlcicd.write import disk, mark, markers
from mlcicd.write.meaning import ABSENT
from mlcicd.write.review import Edit

Kind = TypeVar("Kind", int, str)

FILE = "mlcicd.lock"
VERSION = 1
MAX_TEXT = 1_000_000
MAX_FILE = 4_000_000
_HEAD = """\
# Written by `mlcicd generate`; commit it with the files it names. It holds what was made last, so that your edits of
# those files can be told apart and kept. `edits` are the ones you accepted (`mlcicd generate --accept`): review them.
"""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One file as mlcicd made it: the digest of its text without line 1; the text itself, packed, when it is YAML."""

    digest: str
    packed: str = ""

    @property
    def text(self) -> str | None:
        """What was made, without line 1; None when only the digest is known."""
        return _unpack(self.packed) if self.packed else None


@dataclass(frozen=True, kw_only=True)
class State:
    """What the file says, by path of the generated file."""

    files: Mapping[str, Record] = field(default_factory=dict)
    edits: Mapping[str, tuple[Edit, ...]] = field(default_factory=dict)


def record(path: str, text: str, known: Record | None = None) -> Record:
    """Make the record of a text without line 1; one that says the same already is kept to the byte."""
    digest = mark.digest(text)
    if known and known.digest == digest and (known.packed or not is_yaml(path)):
        return known  # libraries pack to different bytes, which would be a change without a reason
    return Record(digest=digest, packed=_pack(text) if is_yaml(path) else "")


def is_yaml(path: str) -> bool:
    """Tell whether edits of a file can be understood and merged."""
    return path.endswith((".yml", ".yaml"))


def read(root: Path) -> tuple[State, ...]:
    """Return what the file below `root` says: nothing when there is none, two states when git left its markers.

    Raises:
        UsageError: when it is no such file, or holds other texts than it names.
    """
    try:
        text = disk.text(root, FILE)
    except disk.NotOurs as reason:
        raise UsageError(f"{FILE}: {reason}", hint="then run `mlcicd generate` again") from None
    if text is None:
        return ()
    if markers.first(text) and not markers.sides(text):
        raise UsageError(
            f"{FILE}: has merge conflict markers that are not in order",
            hint=f"take one side: `git checkout --theirs -- {FILE}`; then run `mlcicd generate`",
        )
    if len(text) > MAX_FILE:
        raise _damaged(f"is larger than {MAX_FILE:,} characters")
    try:
        return tuple(_parse(yamlio.load_plain(side)) for side in markers.sides(text) or [text])
    except yamlio.Unreadable as error:
        raise _damaged(f"line {error.place.line}: {error.reason}") from None
    except _Newer as newer:
        raise UsageError(
            f"{FILE}: has version {newer}, and this mlcicd knows {VERSION}",
            hint="use the mlcicd that wrote it, or a newer one (CI installs what the generated files name)",
        ) from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _damaged(f"not as mlcicd writes it ({error})") from None


def accepted(states: Sequence[State], path: str) -> tuple[Edit, ...]:
    """Return the accepted edits of a file, of both sides where there are two."""
    found: list[Edit] = []
    for known in states:
        found += [edit for edit in known.edits.get(path, ()) if edit not in found]
    return tuple(found)


def outside(states: Sequence[State], owned: Sequence[str]) -> State:
    """Return what the states say of files under none of these patterns."""

    def kept(path: str) -> bool:
        return not any(PurePosixPath(path).match(pattern) for pattern in owned)

    files = {path: one for known in states for path, one in known.files.items() if kept(path)}
    return State(files=files, edits={path: accepted(states, path) for path in files})


def show(state: State) -> str:
    """Print the file: the same state gives the same text."""
    lines = [f"{_HEAD}version: {VERSION}"]
    lines += ["edits:"] if any(state.edits.values()) else []
    for path, edits in sorted(state.edits.items()):
        lines += [f"  {yamlio.scalar(path)}:"] if edits else []
        lines += [f"    - {yamlio.scalar(_entry(edit))}" for edit in edits]
    lines.append("files:" if state.files else "files: {}")
    for path, one in sorted(state.files.items()):
        packed = f', text: "{one.packed}"' if one.packed else ""
        lines.append(f'  {yamlio.scalar(path)}: {{digest: "{one.digest}"{packed}}}')
    return "\n".join(lines) + "\n"


class _Newer(Exception):
    """A version of the file that is not ours to read."""


def _parse(tree: Any) -> State:
    version = _typed(tree["version"], int)
    if version != VERSION:
        raise _Newer(str(version)[:40])
    files = {_path(path): _record(path, entry) for path, entry in (tree["files"] or {}).items()}
    edits = {_path(path): tuple(map(_edit, entries)) for path, entries in (tree.get("edits") or {}).items()}
    return State(files=files, edits=edits)


def _path(path: Any) -> str:
    """What stands here may be removed, so it must not lead out of the repository."""
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path:
        raise ValueError(f"{path!r} is no path in the repository")
    return str(path)


def _record(path: str, entry: Mapping[str, Any]) -> Record:
    made = Record(digest=_typed(entry["digest"], str), packed=_typed(entry.get("text", ""), str))
    if made.text is not None and mark.digest(made.text) != made.digest:
        raise ValueError(f"the text of {path} is not the one its digest names")
    return made


def _edit(entry: Mapping[str, Any]) -> Edit:
    return Edit(at=_typed(entry["at"], str), made=entry.get("made", ABSENT), now=entry.get("now", ABSENT))


def _typed(value: Any, kind: type[Kind]) -> Kind:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} where {kind.__name__} belongs")
    return value


def _entry(edit: Edit) -> dict[str, Any]:
    values = {"made": edit.made, "now": edit.now}
    return {"at": edit.at, **{key: value for key, value in values.items() if value is not ABSENT}}


def _pack(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _unpack(packed: str) -> str:
    try:
        reader = zlib.decompressobj()
        raw = reader.decompress(base64.b64decode(packed, validate=True), MAX_TEXT)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"a text cannot be unpacked: {error}") from None
    if not reader.eof:
        raise ValueError("a text is cut off, or too large")
    return raw.decode()


def _damaged(reason: str) -> UsageError:
    return UsageError(
        f"{FILE}: {reason}",
        hint=f"bring it back as it was committed: `git checkout -- {FILE}`; or delete it and run `mlcicd generate`: "
        "then edits of generated files are not merged, but refused",
    )
