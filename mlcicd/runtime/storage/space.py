"""Whether the disks have room for what is about to be fetched: told before, not in the middle of it."""

from __future__ import annotations

import fcntl
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mlcicd.errors import OutsideError
from mlcicd.runtime.storage.remotes import Settings
from mlcicd.runtime.storage.tracked import Out, Tracked
from mlcicd.runtime.storage.verify import place

_FICLONE = 0x40049409  # Linux: let two files share their blocks
_LINKS = ("reflink", "copy")  # what DVC tries when nothing is configured


def check(root: Path, cache: Path, outs: Sequence[Out], targets: Sequence[str], found: Tracked, dvc: Settings) -> None:
    """Refuse to begin when what is to come does not fit. What has no recorded size is not counted.

    Args:
        root: the project's folder.
        cache: DVC's cache.
        outs: what is fetched.
        targets: of it, only these paths; all of it when there are none.
        found: everything tracked, for the sizes of single files in folders.
        dvc: DVC's configuration.

    Raises:
        OutsideError: with what is needed and what is free.
    """
    sizes = [_sizes(root, cache, out, targets, found) for out in outs]
    download, checkout = sum(size for size, _ in sizes), sum(size for _, size in sizes)
    if not download and not checkout:
        return
    store, copies = _existing(cache), checkout if _copies(root, cache, dvc) else 0
    is_one = _device(store) == _device(root)
    needs = {root: download + copies} if is_one else {store: download, root: copies}
    for folder, size in needs.items():
        free = shutil.disk_usage(folder).free
        if size > free:
            raise _full(folder, size, free, copies)


def _sizes(root: Path, cache: Path, out: Out, targets: Sequence[str], found: Tracked) -> tuple[int, int]:
    """Return the bytes that must be downloaded for an output, and those that then appear in the workspace."""
    within = [path for path in targets if path.startswith(f"{out.path}/")]
    if within:
        known = {path: size for stage in found.stages.values() for path, size in stage.sizes.items()}
        total = sum(max(known.get(path, 0), 0) for path in within if not (root / path).exists())
        return total, total
    total = max(out.size, 0)
    return max(total - _cached(cache, out), 0), 0 if (root / out.path).exists() else total


def _cached(cache: Path, out: Out) -> int:
    """Return how many bytes of an output are in the cache already."""
    path = place(cache, out.md5, out.legacy)
    if not out.is_folder or not path.is_file():
        return _size(path)
    try:
        rows: list[Mapping[str, str]] = json.loads(path.read_bytes())
        return sum(_size(place(cache, md5, out.legacy)) for md5 in {row["md5"] for row in rows})
    except (ValueError, TypeError, KeyError):  # a corrupt list is told by who reads it to deliver
        return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _copies(root: Path, cache: Path, dvc: Settings) -> bool:
    """Tell whether DVC will copy from the cache into the workspace: when no kind of link it may use works."""
    wanted = dvc.get("cache", {}).get("type", "")
    kinds = [kind.strip() for kind in wanted.split(",") if kind.strip()] or _LINKS
    for kind in kinds:
        if kind == "copy" or _works(kind, _existing(cache), root):
            return kind == "copy"
    return True


def _works(kind: str, cache: Path, root: Path) -> bool:
    if kind == "hardlink":
        return _device(cache) == _device(root)
    return kind == "symlink" or (kind == "reflink" and _shares(cache, root))


def _shares(one: Path, other: Path) -> bool:
    """Tell whether files in two folders can share their blocks, by trying it."""
    with suppress(OSError), tempfile.TemporaryFile(dir=one) as source, tempfile.TemporaryFile(dir=other) as copy:
        source.write(b"\0" * 4096)
        source.flush()
        fcntl.ioctl(copy.fileno(), _FICLONE, source.fileno())
        return True
    return False


def _existing(path: Path) -> Path:
    """Return the nearest folder above a path that exists."""
    return next((folder for folder in (path, *path.parents) if folder.is_dir()), Path("/"))


def _device(path: Path) -> int:
    return path.stat().st_dev


def _full(folder: Path, size: int, free: int, copies: int) -> OutsideError:
    twice = f" ({_human(copies)} of it because DVC copies from its cache)" if copies else ""
    link = "let DVC link instead of copy (dvc config cache.type hardlink,symlink), " if copies else ""
    return OutsideError(
        f"{folder}: the disk is too small for the data: {_human(size)} needed{twice}, {_human(free)} free",
        hint=f"free some space, {link}or fetch less (data.pull)",
    )


def _human(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} GiB"
