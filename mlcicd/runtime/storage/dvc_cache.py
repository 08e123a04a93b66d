"""What of DVC's cache outlives a job: objects only, in a folder of their own that the CI system's cache keeps.

The folder is apart from DVC's cache for three reasons. What comes back is hashed before DVC can see it: whoever could
write the CI system's cache must not choose our data. On a machine whose cache is shared or a person's own, nothing is
removed from it. And its place does not depend on DVC's settings.

Only objects are kept, files whose name is the hash of their content, so a wrong one is found by reading it. The run
cache (`runs/`) is never kept: its entries are named by what went *in* to a stage, and nothing tells whether the
outputs that they name are the true ones. Somebody who wrote one could replace a model by another without any hash
being wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mlcicd import workfolder

FOLDER = Path(".mlcicd-cache")
_NAME = re.compile(r"[0-9a-f]{32}(\.dir)?")
_TOP = re.compile(r"[0-9a-f]{2}")


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What came back: objects and bytes that DVC has now, and the names of those whose content was another."""

    files: int = 0
    bytes: int = 0
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Left:
    """What is kept for a later run, in objects and bytes, and how many objects the limit had no room for."""

    files: int = 0
    bytes: int = 0
    left_out: int = 0


@contextlib.contextmanager
def outliving(cache: Path, wanted: Iterable[str], limit: int, say: Callable[[str], None]) -> Iterator[None]:
    """Use what an earlier run kept, and after the work keep what a later one may need; arguments as in `put_out`.

    Nothing is kept after a failure.
    """
    taken = take_in(cache)
    if taken.dropped:
        shown = ", ".join(taken.dropped[:3]) + ", …" * (len(taken.dropped) > 3)
        say(f"removed {_files(len(taken.dropped))} of an earlier run, not what its name says: {shown}")
    if taken.files:
        say(f"{_files(taken.files)} from an earlier run, {taken.bytes / 1024**2:,.1f} MiB, each hashed")
    yield
    left = put_out(cache, wanted, limit)
    more = f"; no room in data.cache for {_files(left.left_out)}" if left.left_out else ""
    say(f"kept for a later run: {_files(left.files)}, {left.bytes / 1024**2:,.1f} MiB{more}")


def take_in(cache: Path, folder: Path = FOLDER) -> Taken:
    """Move what an earlier run kept into DVC's cache: each file is hashed first, and one that is wrong is removed.

    Args:
        cache: DVC's cache (`dvc cache dir`).
        folder: where the CI system put it; empty afterwards.
    """
    found = sorted(_objects(folder))
    with ThreadPoolExecutor(max_workers=min(8, (os.cpu_count() or 1) * 2)) as pool:
        right = list(pool.map(_is_right, found))
    kept = [path for path, good in zip(found, right, strict=True) if good]
    size = sum(path.stat().st_size for path in kept)
    for path in kept:
        target = _place(cache, _name(path))
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, target)
    # With it goes whatever else was in there: nothing but objects is ever used.
    _remove(folder)
    dropped = tuple(_name(path) for path, good in zip(found, right, strict=True) if not good)
    return Taken(files=len(kept), bytes=size, dropped=dropped)


def put_out(cache: Path, wanted: Iterable[str], limit: int, folder: Path = FOLDER) -> Left:
    """Keep those of the wanted objects that DVC's cache has, small ones first, as many as the limit has room for.

    Args:
        cache: DVC's cache.
        wanted: MD5 sums that `dvc.lock` and `.dvc` files name; of a folder (`….dir`) also the files it lists.
        limit: bytes.
        folder: where the CI system finds it; what was in there before is gone.
    """
    here = [(path.stat().st_size, path) for path in _expanded(cache, wanted)]
    _remove(folder)
    workfolder.make(folder)
    files = size = 0
    for length, path in sorted(here):
        if size + length > limit:
            break
        _link(path, folder / path.parent.name / path.name)
        files, size = files + 1, size + length
    return Left(files=files, bytes=size, left_out=len(here) - files)


def _files(count: int) -> str:
    return f"{count} file{'s' * (count != 1)}"


def _objects(folder: Path) -> Iterator[Path]:
    """Yield the files that are named like objects; a link is none, wherever it leads."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for top in os.scandir(folder):
        if not _TOP.fullmatch(top.name) or not top.is_dir(follow_symlinks=False):
            continue
        for entry in os.scandir(top.path):
            if _NAME.fullmatch(top.name + entry.name) and entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _is_right(path: Path) -> bool:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest() == _name(path).removesuffix(".dir")


def _expanded(cache: Path, wanted: Iterable[str]) -> set[Path]:
    found: set[Path] = set()
    for md5 in wanted:
        path = _place(cache, md5)
        if not _NAME.fullmatch(md5) or not path.is_file():
            continue
        inside = _listed(path) if md5.endswith(".dir") else []
        found |= {path, *(place for name in inside if (place := _place(cache, name)).is_file())}
    return found


def _listed(path: Path) -> list[str]:
    """Return the hashes that a folder's list names; DVC tells by itself when such a list is broken."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        names = [row["md5"] for row in json.loads(path.read_bytes())]
        return [name for name in names if _NAME.fullmatch(name)]
    return []


def _place(cache: Path, md5: str) -> Path:
    return cache / "files" / "md5" / md5[:2] / md5[2:]


def _name(path: Path) -> str:
    return path.parent.name + path.name


def _link(path: Path, target: Path) -> None:
    """A second name for the same file costs no room; over the border of a disk it has to be a copy."""
    target.parent.mkdir(exist_ok=True)
    try:
        target.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, target)


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
