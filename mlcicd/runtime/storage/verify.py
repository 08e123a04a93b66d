"""Compare delivered files with the hashes that git holds. DVC itself does not notice a corrupt object."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mlcicd.errors import OutsideError
from mlcicd.runtime.storage.tracked import Out, overlap

CHUNK = 1024 * 1024
SHOWN = 5  # files named in a message
# Bytes that make up text, as DVC 2 saw it when it decided whether a file's line ends count.
_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A file and the hash it must have; `legacy` as in `tracked.Out`."""

    path: str
    md5: str
    legacy: bool


class Corrupt(OutsideError):
    """Files that are not what was tracked; `wrong` says which."""

    wrong: tuple[Expected, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was hashed, in bytes, and what could not be because DVC keeps no MD5 of it."""

    files: int
    bytes: int
    skipped: tuple[str, ...] = ()


def check(root: Path, outs: Sequence[Out], cache: Path, targets: Sequence[str] = ()) -> Checked:
    """Hash what was delivered, in parallel, and compare.

    Args:
        root: the project's folder.
        outs: what to check.
        cache: DVC's cache, where the lists of folders are.
        targets: of a folder, only the files under these (all when there are none).

    Raises:
        OutsideError: naming what is missing; `Corrupt` what is corrupt, with both hashes.
    """
    skipped = tuple(out.path for out in outs if not out.md5)
    expected = [
        entry
        for out in outs
        if out.md5
        for entry in (_inside(root, out, cache) if out.is_folder else _alone(out))
        if not targets or any(overlap(entry.path, target) for target in targets)
    ]
    absent = [entry.path for entry in expected if not (root / entry.path).is_file()]
    if absent:
        raise OutsideError(
            f"{_some(absent)}: not delivered, although DVC reported success", hint=f"try it: dvc pull {absent[0]}"
        )
    with ThreadPoolExecutor(max_workers=min(8, (os.cpu_count() or 1) * 2)) as pool:
        found = list(pool.map(lambda entry: _digest(root / entry.path, entry.legacy), expected))
    wrong = [(entry, md5) for entry, md5 in zip(expected, found, strict=True) if md5 != entry.md5]
    if wrong:
        raise _corrupt(wrong)
    size = sum((root / entry.path).stat().st_size for entry in expected)
    return Checked(files=len(expected), bytes=size, skipped=skipped)


def discard(root: Path, cache: Path, wrong: Sequence[Expected]) -> None:
    """Remove corrupt files from the workspace, and their objects from the cache, so that they can be fetched again.

    A folder whose own list is corrupt goes as a whole.
    """
    for entry in wrong:
        for path in (root / entry.path, place(cache, entry.md5, entry.legacy)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def measure(root: Path, paths: Sequence[str]) -> Checked:
    """Count what was delivered without reading it."""
    found = [
        file for path in paths for file in ([root / path] if (root / path).is_file() else (root / path).rglob("*"))
    ]
    sizes = [file.stat().st_size for file in found if file.is_file()]
    return Checked(files=len(sizes), bytes=sum(sizes))


def _alone(out: Out) -> list[Expected]:
    return [Expected(path=out.path, md5=out.md5, legacy=out.legacy)]


def _inside(root: Path, out: Out, cache: Path) -> Iterator[Expected]:
    """Yield the files of a folder: as DVC's list of it says, which must itself be right."""
    listed = _list(out, cache)
    if listed is None:
        yield from _from_workspace(root, out)
        return
    for row in listed:
        yield Expected(path=f"{out.path}/{row['relpath']}", md5=row["md5"], legacy=out.legacy)


def _list(out: Out, cache: Path) -> list[dict[str, str]] | None:
    path = place(cache, out.md5, out.legacy)
    if not path.is_file():
        return None
    raw = path.read_bytes()
    if (found := f"{hashlib.md5(raw, usedforsecurity=False).hexdigest()}.dir") != out.md5:
        entry = Expected(path=out.path, md5=out.md5, legacy=out.legacy)
        raise _corrupt([(entry, found)], what="its list of files is not the one that was tracked")
    rows: list[dict[str, str]] = json.loads(raw)
    return rows


def place(cache: Path, md5: str, legacy: bool) -> Path:
    """Return where the cache keeps an object; DVC 2 kept it one folder higher."""
    place = cache if legacy else cache / "files" / "md5"
    return place / md5[:2] / md5[2:]


def _from_workspace(root: Path, out: Out) -> list[Expected]:
    """Hash a folder whose list is not at hand, as DVC does: over the sorted names and hashes of its files."""
    files = sorted(
        path.relative_to(root / out.path).as_posix() for path in (root / out.path).rglob("*") if path.is_file()
    )
    rows = [{"md5": _digest(root / out.path / name, out.legacy), "relpath": name} for name in files]
    found = hashlib.md5(json.dumps(rows, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"
    if found != out.md5:
        raise _corrupt([(Expected(path=out.path, md5=out.md5, legacy=out.legacy), found)])
    return [Expected(path=f"{out.path}/{row['relpath']}", md5=row["md5"], legacy=out.legacy) for row in rows]


def _digest(path: Path, legacy: bool) -> str:
    """Return a file's MD5; `legacy` reads the line ends of a text file as DVC 2 did."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        chunk = stream.read(CHUNK)
        unix = legacy and _is_text(chunk[:512])
        while chunk:
            digest.update(chunk.replace(b"\r\n", b"\n") if unix else chunk)
            chunk = stream.read(CHUNK)
    return digest.hexdigest()


def _is_text(block: bytes) -> bool:
    return b"\0" not in block and len(block.translate(None, _TEXT)) <= 0.3 * len(block)


def _corrupt(
    wrong: Sequence[tuple[Expected, str]], what: str = "the delivered bytes are not those that were tracked"
) -> Corrupt:
    shown = [f"{entry.path}: expected md5 {entry.md5}, found {md5}" for entry, md5 in wrong[:SHOWN]]
    more = [f"… and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
    first = wrong[0][0]
    error = Corrupt(
        f"{_some([entry.path for entry, _ in wrong])}: corrupt: {what}",
        detail="\n".join([*shown, *more]),
        hint="remove the file here and fetch it again; if it comes back the same, the remote's object "
        f"files/md5/{first.md5[:2]}/{first.md5[2:]} is bad: remove that, and `dvc push` from where the data is right",
    )
    error.wrong = tuple(entry for entry, _ in wrong)
    return error


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
