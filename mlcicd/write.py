"""Generated files against the disk: compare first, refuse or write all at once, never lose an edit.

Every generated file starts with a line that names its source and carries the digest of what follows, so an
edited file is told from an old one without any state kept elsewhere.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlcicd.errors import OutsideError, Refused

Kind = Literal["new", "changed", "same", "stale", "edited", "foreign", "blocked"]

_HEAD = "# Generated from mlcicd.yaml by `mlcicd generate`: change that file, not this one. digest {}"
_MARK = re.compile(r"# Generated from mlcicd\.yaml by .* digest ([0-9a-f]{16})")
_REFUSED: Mapping[Kind, str] = {
    "edited": "was edited after mlcicd wrote it",
    "foreign": "was not written by mlcicd",
    "blocked": "is a folder or a link, or below one that is a file or a link",
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """What would happen to one file; `old` and `new` are texts, None for "no file"."""

    path: str
    kind: Kind
    old: str | None
    new: str | None

    @property
    def diff(self) -> str:
        """The unified diff from what is there to what mlcicd makes."""
        before = "" if self.old is None else self.old
        after = "" if self.new is None else self.new
        lines = difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            f"{self.path} (as it is)" if self.old is not None else "/dev/null",
            f"{self.path} (as mlcicd.yaml makes it)" if self.new is not None else "/dev/null",
        )
        return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def stamp(text: str) -> str:
    """Put the line in front that names the source and the digest."""
    return f"{_HEAD.format(_digest(text))}\n{text}"


def compare(files: Mapping[str, str], root: Path, owned: Iterable[str]) -> list[Change]:
    """Compare what should be under `root` with what is, sorted by path; nothing is written.

    Args:
        files: generated texts by path, unstamped.
        owned: patterns under which a file with our mark that is not in `files` is stale.
    """
    changes = [_compare(path, stamp(text), root) for path, text in files.items()]
    changes += [_stale(path, root) for path in _marked(root, owned) if path not in files]
    return sorted(changes, key=lambda change: change.path)


def apply(changes: Sequence[Change], root: Path) -> None:
    """Write every change, or nothing.

    Raises:
        Refused: when a file is not ours to write; names each, with the diff and the way out.
        OutsideError: when the disk refuses.
    """
    if refused := [change for change in changes if change.kind in _REFUSED]:
        raise _refusal(refused)
    pending = [change for change in changes if change.kind in ("new", "changed")]
    targets = [root / change.path for change in pending]
    try:
        for change, target in zip(pending, targets, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            _scratch(target).write_bytes((change.new or "").encode())
        for target in targets:
            _scratch(target).replace(target)
        for change in changes:
            if change.kind == "stale":
                (root / change.path).unlink()
    except OSError as error:
        raise OutsideError(
            f"{error.filename}: cannot be written: {error.strerror}",
            hint="make sure that this user may write there, then run `mlcicd generate` again",
        ) from None
    finally:
        for target in targets:
            with contextlib.suppress(OSError):
                _scratch(target).unlink(missing_ok=True)


def _compare(path: str, new: str, root: Path) -> Change:
    target = root / path
    if target.is_symlink() or (target.exists() and not target.is_file()) or _is_cut_off(path, root):
        return Change(path=path, kind="blocked", old=None, new=new)
    if not target.exists():
        return Change(path=path, kind="new", old=None, new=new)
    old = _text(target)
    if old == new:
        return Change(path=path, kind="same", old=old, new=new)
    return Change(path=path, kind=_whose(old, "changed"), old=old, new=new)


def _is_cut_off(path: str, root: Path) -> bool:
    """A folder on the way that is a file ends it; one that is a link leads out of the repository."""
    above = [root / folder for folder in Path(path).parents[:-1]]
    return any(folder.is_symlink() or (folder.exists() and not folder.is_dir()) for folder in above)


def _stale(path: str, root: Path) -> Change:
    old = _text(root / path)
    return Change(path=path, kind=_whose(old, "stale"), old=old, new=None)


def _whose(text: str, ours: Kind) -> Kind:
    head, _, rest = text.partition("\n")
    mark = _MARK.fullmatch(head)
    if not mark:
        return "foreign"
    return ours if mark[1] == _digest(rest) else "edited"


def _marked(root: Path, owned: Iterable[str]) -> Iterator[str]:
    for pattern in owned:
        for path in sorted(root.glob(pattern)):
            if path.is_file() and not path.is_symlink() and _MARK.match(_text(path)):
                yield path.relative_to(root).as_posix()


def _text(path: Path) -> str:
    """Read as the platforms do: a checkout that turned line ends around is not an edit."""
    return path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _scratch(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _refusal(refused: Sequence[Change]) -> Refused:
    lines = "\n".join(f"{change.path}: {_REFUSED[change.kind]}" for change in refused)
    diffs = "\n".join(change.diff for change in refused if change.old is not None)
    return Refused(
        "nothing was written: mlcicd overwrites only what it wrote itself",
        detail=f"{lines}\n\n{diffs}".rstrip(),
        hint="keep what you need from the diff (most of it belongs in mlcicd.yaml), "
        "then delete or rename the file and run `mlcicd generate` again",
    )
