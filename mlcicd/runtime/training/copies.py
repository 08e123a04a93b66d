"""Small files as they were at one time, to be put back when what came after is not to stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlcicd.runtime.storage import tracked
from mlcicd.runtime.training import handover, params

MAX_BYTES = 10 * 1024 * 1024  # of a file: more is nothing that git holds


@dataclass(frozen=True, kw_only=True)
class Copies:
    """The content, by path from the project's folder, of every `dvc.lock` and of all that was at `paths`."""

    root: Path
    paths: tuple[str, ...]
    files: Mapping[str, bytes]

    def put_back(self) -> list[str]:
        """Make them what they were; a file that was not there is removed. Returns what differed."""
        changed = []
        for name, raw in self.files.items():
            path = self.root / name
            if not path.is_file() or path.read_bytes() != raw:
                params.write(path, raw)
                changed.append(name)
        for name in set(_files(self.root, self.paths)) - set(self.files):
            (self.root / name).unlink()
            changed.append(name)
        return sorted(changed)


def take(root: Path, paths: Iterable[str] = ()) -> Copies:
    """Copy every `dvc.lock`, and the files at the paths (of a folder, all in it).

    Args:
        root: the project's folder.
        paths: relative to it.
    """
    paths = tuple(paths)
    files = {name: (root / name).read_bytes() for name in _files(root, paths)}
    return Copies(root=root, paths=paths, files=files)


def _files(root: Path, paths: Iterable[str]) -> Iterator[str]:
    for path in (*tracked.files(root, "*dvc.lock"), *paths):
        for name in handover.below(root, path):
            if (root / name).stat().st_size <= MAX_BYTES:
                yield name
