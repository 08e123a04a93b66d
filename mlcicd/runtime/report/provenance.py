"""Whether both sides can be compared: of which data they are, told by the hashes in `*.dvc` files, in which unit."""

from __future__ import annotations

import hashlib
import json
import math
import posixpath
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcicd import yamlio
from mlcicd.runtime import base as bases
from mlcicd.runtime.metrics import Values
from mlcicd.runtime.report.model import Notice, Revision
from mlcicd.runtime.report.shorten import text
from mlcicd.runtime.storage import tracked

DIGITS = 12
FACTOR = 50
Hashes = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Data:
    """The data of both sides; `notices` when they differ."""

    revision: Revision | None = None
    notices: tuple[Notice, ...] = ()


def data(root: Path, base: str) -> Data:
    """Compare what is tracked in the workspace with what is tracked at the commit `base` ("" when there is none)."""
    files = {file: dict(_outs(file, _content(root / file))) for file in tracked.files(root, "*.dvc")}
    here = {path: hash for outs in files.values() for path, hash in outs.items()}
    if not base:
        return Data(revision=Revision(change=_digest(here)) if here else None)
    there: dict[str, str] = {}
    differing = _differing(root, base, list(files))
    for file in files.keys() | differing:
        there |= _outs(file, bases.show(root, base, file) or b"") if file in differing else files[file]
    changed = sorted(path for path in here.keys() | there.keys() if here.get(path) != there.get(path))
    names = tuple(text(path) for path in changed[:20])
    return Data(
        revision=Revision(base=_digest(there), change=_digest(here)) if here or there else None,
        notices=(Notice(kind="data-changed", names=names),) if changed else (),
    )


def units(change: Values | None, before: Values | None) -> tuple[Notice, ...]:
    """Name the metrics that are so far from the base that seconds may have become milliseconds, or shares percent."""
    here, there = (side.numbers if side else {} for side in (change, before))
    moved = [f"{file}: {key}" for (file, key), value in here.items() if _is_far(value, there.get((file, key), 0))]
    return (Notice(kind="units", names=tuple(text(name) for name in moved[:20])),) if moved else ()


def _is_far(one: float, other: float) -> bool:
    """Tell whether two numbers differ by a factor that no training explains; nothing is far from zero."""
    if not (one and other and math.isfinite(one) and math.isfinite(other)):
        return False
    return not 1 / FACTOR < one / other < FACTOR if one * other > 0 else False


def _differing(root: Path, base: str, files: Sequence[str]) -> set[str]:
    """Return the `.dvc` files, from `root`, that are not as at the base; git itself does not name new ones."""
    argv = ["git", "diff", "--name-only", "--relative", "--no-renames", "-z", base, "--", "*.dvc"]
    done = subprocess.run(argv, cwd=root, capture_output=True, check=False, timeout=bases.GIT_SECONDS)
    changed = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return {*filter(None, changed), *(set(files) - set(tracked.committed(root, files)))}


def _outs(file: str, raw: bytes) -> Iterator[tuple[str, str]]:
    """Yield path and hash of what a `.dvc` file tracks; a file that cannot be read tracks nothing."""
    try:
        tree: Any = yamlio.load_foreign(raw.decode("utf-8", "replace"))
    except yamlio.Unreadable:
        return
    outs = tree.get("outs") if isinstance(tree, dict) else None
    home = posixpath.join(posixpath.dirname(file), str(tree.get("wdir") or "")) if outs else ""
    for out in outs if isinstance(outs, list) else []:
        if isinstance(out, dict):
            # Data that a cloud versions by itself has no md5: then everything that the file says tells it apart.
            path = posixpath.normpath(posixpath.join(home, str(out.get("path"))))
            yield path, str(out.get("md5") or json.dumps(out, sort_keys=True, default=str))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _digest(hashes: Hashes) -> str:
    """Return the revision of some data, or "" when there is none."""
    lines = "".join(f"{path}\0{hash}\n" for path, hash in sorted(hashes.items()))
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()[:DIGITS] if hashes else ""
