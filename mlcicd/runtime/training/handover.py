"""Carry the results of training to the report's job, which starts from a clean clone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlcicd import secrets
from mlcicd.runtime import facts, redact

FILES = facts.FOLDER / "train" / "files"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What goes on to other jobs, by paths in the project.

    Attributes:
        files: what was copied.
        hidden: of these, copies in which secrets were hidden.
        left_out: what holds a secret and cannot be rewritten.
    """

    files: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """The files with secrets, in words."""
        return (*self.hidden, *(f"{file} (left out)" for file in self.left_out))


def keep(paths: Iterable[str], root: Path) -> Kept:
    """Copy files (of a folder, all in it) into `.mlcicd/train/files/`, in place of what was there before.

    Args:
        paths: relative to `root`; what does not exist is left out.
        root: the project's folder.
    """
    target, redactor = _files(root), secrets.redactor()
    shutil.rmtree(FILES, ignore_errors=True)
    done: dict[str, str] = {}
    for file in sorted({file for path in paths for file in below(root, path)}):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        done[file] = redact.copy(root / file, target / file, redactor)

    def those(*states: str) -> tuple[str, ...]:
        return tuple(file for file, state in done.items() if state in states)

    return Kept(files=those("same", "hidden"), hidden=those("hidden"), left_out=those("left out"))


def restore(root: Path) -> list[str]:
    """Copy what was kept back into the project, and return what was copied.

    A file that differs from the one in HEAD, or that git does not know, is somebody's work and stays.
    """
    source = _files(root)
    found = sorted(path.relative_to(source).as_posix() for path in source.rglob("*") if _is_plain(path, source))
    clean = _unchanged(root, [file for file in found if (root / file).exists()])
    restored = [file for file in found if file in clean or not (root / file).exists()]
    for file in restored:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file, root / file)
    return restored


def _files(root: Path) -> Path:
    """Return where the project's files are kept: by their path in the repository."""
    here = Path.cwd().resolve()
    inside = root.resolve().relative_to(here) if root.resolve().is_relative_to(here) else Path()
    return here / FILES / inside


def below(root: Path, path: str) -> Iterator[str]:
    """Yield the files at a path; one that leads out of the project is nobody's result."""
    top = root / path
    if not top.resolve().is_relative_to(root.resolve()) and not top.is_symlink():
        return
    for file in [top] if top.is_file() else sorted(top.rglob("*")):
        if file.is_file():
            yield file.relative_to(root).as_posix()


def _is_plain(path: Path, source: Path) -> bool:
    """Refuse links and hidden files: nothing that was handed over may change how git or DVC behave."""
    hidden = any(part.startswith(".") for part in path.relative_to(source).parts)
    return path.is_file() and not path.is_symlink() and not hidden


def _unchanged(root: Path, files: list[str]) -> set[str]:
    """Return which files git knows and finds as they are in HEAD."""
    if not files:
        return set()
    known = _git(root, "ls-files", "-z", "--", *files)
    changed = _git(root, "diff", "--name-only", "--relative", "-z", "HEAD", "--", *files)
    return known - changed


def _git(root: Path, *arguments: str) -> set[str]:
    argv = ["git", "--literal-pathspecs", *arguments]
    done = subprocess.run(argv, cwd=root, capture_output=True, check=False)
    return set(done.stdout.decode("utf-8", "surrogateescape").split("\0")) if done.returncode == 0 else set()
