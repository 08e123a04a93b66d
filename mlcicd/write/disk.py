"""The disk: what stands at a path and may be replaced, and writing that leaves every file old or new.

A file is written beside its place and then renamed, so a process that is killed leaves no half of one. What such a
process left beside it is removed by the next that writes there.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlcicd.errors import OutsideError


class NotOurs(Exception):
    """What stands there cannot be read as a text or must not be replaced; carries reason and next step in words."""


def text(root: Path, path: str) -> str | None:
    """Return what stands at `path` below `root`, None when nothing does.

    Line ends and a byte order mark are left out: a checkout or an editor that put them there edited nothing.

    Raises:
        NotOurs: for a folder, a link, a read-only file, a text that is not UTF-8, or a carriage return inside a line.
    """
    target = root / path
    for folder in (root / above for above in reversed(Path(path).parents[:-1])):
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise NotOurs(f"is below {folder.relative_to(root)}, which is no folder of its own: move that away")
    try:
        facts = target.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(facts.st_mode):
        raise NotOurs("is a folder or a link, and a file belongs there: move it away")
    if not facts.st_mode & stat.S_IWUSR:
        raise NotOurs(f"is read-only: `chmod u+w {path}`")
    raw = target.read_bytes()
    try:
        content = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise NotOurs(f"is not UTF-8 text (line {line}): save it as UTF-8, or move it away") from None
    if "\r" in content:
        # To YAML it ends a line, to editors and in a diff it does not.
        line = content.count("\n", 0, content.index("\r")) + 1
        raise NotOurs(f"has a carriage return inside line {line}: remove it")
    return content


def write(texts: Mapping[Path, str], gone: Iterable[Path] = ()) -> None:
    """Write every text to its path and remove what is `gone`; when the disk has no room for one, none is written.

    Raises:
        OutsideError: when the disk refuses.
    """
    try:
        for path, content in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            _sweep(path)
            _save(_scratch(path), content)
        for path in texts:
            _scratch(path).replace(path)
        for path in gone:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise OutsideError(
            f"{error.filename}: cannot be written: {error.strerror}",
            hint="make sure that this user may write there and that the disk has room, then run this again",
        ) from None
    finally:
        for path in texts:
            with contextlib.suppress(OSError):
                _scratch(path).unlink(missing_ok=True)


def _save(path: Path, content: str) -> None:
    """A rename can reach the disk before the content does, so the content is sent there first."""
    with path.open("wb") as stream:
        stream.write(content.encode())
        stream.flush()
        os.fsync(stream.fileno())


def _scratch(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _sweep(path: Path) -> None:
    """Remove what processes that were killed left beside the file."""
    left = re.compile(rf"\.{re.escape(path.name)}\.([0-9]+)\.tmp")
    for entry in path.parent.iterdir():
        found = left.fullmatch(entry.name)
        if found and not _lives(int(found[1])):
            entry.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    if os.name != "posix":
        return True  # elsewhere asking would end it
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
