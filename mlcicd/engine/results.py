"""What is kept of a run, in `.mlcicd/` of the caller's repository.

.mlcicd/report.json .md .html, junit.xml, metrics.txt  the report of the last run
.mlcicd/run/logs/<job>.log                             what the job printed
.mlcicd/run/artifacts/<artifact>/…                     what the job kept, paths as in the repository
.mlcicd/cache/…                                        data that the next run need not fetch again
.mlcicd/folders/<purpose>-<hash>/…                     folders of the team's own that outlive a run
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlcicd import workfolder
from mlcicd.errors import UsageError
from mlcicd.plan.model import Folder

# Jobs run side by side, and each may put the cache back.
_CACHE = threading.Lock()
REPORT = ("report.json", "report.md", "report.html", "junit.xml", "metrics.txt")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The folders of one run."""

    folder: Path
    logs: Path
    artifacts: Path

    @property
    def cache(self) -> Path:
        """The folder that outlives the run."""
        return self.folder / "cache"

    def folder_of(self, folder: Folder, clone: Path) -> Path:
        """The copy of a folder that its files, as a clone has them, name."""
        digest = hashlib.sha256()
        for name in folder.files:
            file = clone / name
            digest.update(hashlib.sha256(file.read_bytes()).digest() if file.is_file() else b"-")
        return self.folder / "folders" / f"{folder.purpose}-{digest.hexdigest()[:16]}"


@contextmanager
def opened(root: Path) -> Iterator[Kept]:
    """Empty the folders of the run before, and keep every other run of this repository out meanwhile.

    Raises:
        UsageError: when another run is going on.
    """
    folder = root / workfolder.FOLDER
    run = folder / "run"
    try:
        workfolder.make(folder)
        run.mkdir(exist_ok=True)
        lock = (run / "lock").open("w")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{root}: another `mlcicd run` is going on in this repository", hint="wait for it to end, or stop it"
            ) from None
        kept = Kept(folder=folder, logs=run / "logs", artifacts=run / "artifacts")
        for name in REPORT:
            (folder / name).unlink(missing_ok=True)
        for part in (kept.logs, kept.artifacts):
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
        yield kept


def publish(kept: Kept, artifacts: Iterable[str]) -> None:
    """Put the report, of whichever artifact has one, where people look for it."""
    for artifact in artifacts:
        found = kept.artifacts / artifact / workfolder.FOLDER
        if not (found / REPORT[0]).is_file():
            continue
        for name in REPORT:
            if (found / name).is_file():
                shutil.copyfile(found / name, kept.folder / name)


def save(clone: Path, paths: Iterable[str], target: Path) -> list[str]:
    """Copy files and folders of a clone to an artifact; return the paths that do not exist.

    Raises:
        OSError: when something cannot be copied.
    """
    absent = []
    for path in paths:
        origin, copy = clone / path, target / path
        if origin.is_dir():
            shutil.copytree(origin, copy, ignore_dangling_symlinks=True, dirs_exist_ok=True)
        elif origin.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, copy)
        else:
            absent.append(path)
    return absent


def load(artifact: Path, clone: Path) -> bool:
    """Copy an artifact back to where it came from; tell whether there is one.

    Raises:
        OSError: when something cannot be copied.
    """
    if not artifact.is_dir():
        return False
    shutil.copytree(artifact, clone, dirs_exist_ok=True)
    return True


def restore(cache: Path, target: Path) -> None:
    """Give a clone the folder that an earlier job or run has left, if there is one.

    Raises:
        OSError: when something cannot be copied.
    """
    with _CACHE:
        if cache.is_dir():
            shutil.copytree(cache, target, symlinks=True, copy_function=_link, dirs_exist_ok=True)


def retain(origin: Path, cache: Path) -> None:
    """Keep a clone's folder in place of what was kept before; a clone without one changes nothing.

    Raises:
        OSError: when something cannot be copied.
    """
    if not origin.is_dir():
        return
    with _CACHE:
        scratch = cache.with_name(f"{cache.name}.new")
        cache.parent.mkdir(exist_ok=True)
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(origin, scratch, symlinks=True, copy_function=_link)
        shutil.rmtree(cache, ignore_errors=True)
        scratch.rename(cache)


def _link(origin: str, copy: str) -> None:
    """A second name costs no room; over the border of a disk it has to be a copy."""
    try:
        os.link(origin, copy, follow_symlinks=False)
    except OSError:
        shutil.copy2(origin, copy)
