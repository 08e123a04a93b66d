"""The version of a data file that the base commit has: named by a hash, and fetched only when it is another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from mlcicd import secrets
from mlcicd.errors import MlcicdError, OutsideError, UsageError
from mlcicd.runtime import base as commits
from mlcicd.runtime import process
from mlcicd.runtime.storage import tracked, verify
from mlcicd.runtime.storage.tracked import Out

FETCH_SECONDS = 900.0
_BLOCK = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Before:
    """What the base has in place of a file.

    Attributes:
        path: a copy of its version, when that is another.
        same: it is the same, byte for byte (of what DVC 2 tracked: but for line ends).
        absent: the base has no such file.
        note: where it is from, or why there is none; one line for people.
    """

    path: Path | None = None
    same: bool = False
    absent: bool = False
    note: str


@dataclass(frozen=True)
class Base:
    """The base commit, read through git and DVC.

    Attributes:
        root: the project's folder.
        environ: the environment of its programs, with the log-in of the remote.
        commit: what the change is compared with.
        folder: where copies are put; it goes when the work is done.
        remote: name of the DVC remote; DVC's own choice when None.
    """

    root: Path
    environ: Mapping[str, str]
    commit: commits.Base
    folder: Path
    remote: str | None = None

    def version(self, name: str) -> Before:
        """Return the base's version of a file; never raises, for a base that cannot be had is no fault of the data.

        Args:
            name: path from the project's folder, with forward slashes.
        """
        if not self.commit.sha:
            return Before(note=f"there is no base to compare with: {self.commit.found}")
        try:
            return self._in_git(name) or self._in_dvc(name)
        except MlcicdError as error:
            return Before(note=f"the base's version could not be had: {error.message}")

    @cached_property
    def _cache(self) -> Path:
        """DVC's cache, where the lists of tracked folders are."""
        answer = process.ask(["dvc", "cache", "dir"], cwd=self.root, environ=self.environ)
        return self.root / (answer.out.strip() if answer.exit == 0 else ".dvc/cache")

    @cached_property
    def _listed(self) -> tuple[str, ...]:
        """The pipelines of the base commit."""
        names = [commits.listed(self.root, self.commit.sha, name) for name in ("dvc.lock", "dvc.yaml")]
        return tuple(path for found in names for path in found)

    def _in_git(self, name: str) -> Before | None:
        held = commits.show(self.root, self.commit.sha, name)
        if held is None:
            return None
        if held == (self.root / name).read_bytes():
            return self._same()
        return Before(path=self._write(name, held), note=self._named)

    def _in_dvc(self, name: str) -> Before:
        before = _holder(self._outs(name), name)
        if before is None:
            return self._absent()
        try:
            found = self._matching(name, before)
        except OutsideError:  # what is here is another version, or the list of its folder is damaged
            return self._fetch(name)
        if found is None:
            return self._fetch(name)
        return self._same() if found else self._absent()

    def _matching(self, name: str, before: Out) -> int | None:
        """Return how many files of the base have this name and the content that is here; None when DVC must tell.

        The pointers are not asked: what they say may not be what is here.

        Raises:
            OutsideError: when the content is another.
        """
        if not before.md5:
            return None
        if before.is_folder and not verify.place(self._cache, before.md5, before.legacy).is_file():
            return None
        return verify.check(self.root, [before], self._cache if before.is_folder else self.root, [name]).files

    def _outs(self, name: str) -> tuple[Out, ...]:
        """Read those of DVC's files that may name this one, as they stood in the base commit."""
        top = self.folder / "tracked"
        for path in (*_sources(name), *self._listed):
            text = commits.show(self.root, self.commit.sha, path)
            if text is not None:
                (top / path).parent.mkdir(parents=True, exist_ok=True)
                (top / path).write_bytes(text)
        try:
            return tracked.read(top).outs if top.is_dir() else ()
        except UsageError as error:
            raise UsageError(f"in base {self._short}: {error.message}") from None

    def _fetch(self, name: str) -> Before:
        """Let DVC fetch one file of another commit; it knows the remote, and what the cache here has already."""
        target = self._place(name)
        where = ["git", "rev-parse", "--show-toplevel", "--show-prefix"]
        answer = process.ask(where, cwd=self.root, environ=self.environ)
        top, inside = (*answer.out.splitlines(), "", "")[:2]
        choice = ("--remote", self.remote) if self.remote else ()
        argv = ["dvc", "get", *choice, "--rev", self.commit.sha, "--out", str(target), "--", top, f"{inside}{name}"]
        answer = process.ask(argv, cwd=self.root, environ=self.environ, timeout=FETCH_SECONDS)
        if answer.exit or not target.is_file():
            lines = secrets.lines(answer.err.splitlines(), self.environ)
            said = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
            why = next(iter(said), f"dvc get ended with exit status {answer.exit}")
            return Before(note=f"the base's version could not be fetched: {why[:200]}")
        if target.stat().st_size == (self.root / name).stat().st_size and _md5(target) == _md5(self.root / name):
            return self._same()
        return Before(path=target, note=self._named)

    def _write(self, name: str, content: bytes) -> Path:
        target = self._place(name)
        target.write_bytes(content)
        return target

    def _place(self, name: str) -> Path:
        target = self.folder / "files" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _absent(self) -> Before:
        return Before(absent=True, note=f"it is new: base {self._short} has no such file")

    def _same(self) -> Before:
        return Before(same=True, note=f"the same data as in {self._named}")

    @property
    def _short(self) -> str:
        return self.commit.sha[:7]

    @property
    def _named(self) -> str:
        return f"base {self._short}"


def _holder(outs: tuple[Out, ...], name: str) -> Out | None:
    """Return what tracks a file: itself, or a folder that holds it."""
    return next((out for out in outs if name == out.path or name.startswith(f"{out.path}/")), None)


def _sources(name: str) -> Iterator[str]:
    """Yield the `.dvc` files that may track a file or a folder above it."""
    for path in (name, *(str(parent) for parent in PurePosixPath(name).parents)):
        if path != ".":
            yield f"{path}.dvc"


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
