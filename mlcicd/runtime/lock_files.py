"""What of a training goes back into git, and whether it is true on the commit it goes back to.

The files come from the job that ran the change's code, so nothing about them is believed: they are bytes that must
have the right names, kinds, sizes and hashes.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from mlcicd import secrets
from mlcicd.errors import Refused
from mlcicd.runtime import formats, redact
from mlcicd.runtime.bare import MAX_BLOB, REGULAR, Commit
from mlcicd.runtime.storage import locked, tracked
from mlcicd.runtime.storage.locked import Locked
from mlcicd.runtime.storage.tracked import Stage, Tracked, overlap
from mlcicd.runtime.training import seed_record

LOCK = "dvc.lock"
MAX_FILES = 1000
MAX_BYTES = 50 * 1024 * 1024
_PIPELINE = "dvc.yaml"
# What configures DVC, CI or this tool is nobody's result, wherever it stands.
_SETTINGS = frozenset({_PIPELINE, "mlcicd.yaml"})
_PARAMETERS = (".yaml", ".yml", ".json", ".toml")

Files = dict[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The new locks, laid over a commit's own DVC files in a folder of their own.

    Attributes:
        folder: the project's folder; it holds only files that DVC or its parameters are described in.
        root: where the project is in the repository; "" when it is all of it.
        head: the commit.
        files: everything that training handed over, by path in the repository.
        declared: the results that git may hold, as the commit's own `dvc.yaml` (and for templates its lock) says.
    """

    folder: Path
    root: str
    head: Commit
    files: Files
    declared: tuple[str, ...] = ()

    @cached_property
    def locks(self) -> tuple[str, ...]:
        """The new locks, relative to the project."""
        found = [path for path in self.files if _base(path) == LOCK and _is_below(path, self.root)]
        return tuple(_inside(path, self.root) for path in found)

    @cached_property
    def tracked(self) -> Tracked:
        """What is tracked under which hash.

        Raises:
            UsageError: when a file of DVC's is broken.
        """
        return tracked.read(self.folder)

    @cached_property
    def stages(self) -> tuple[tuple[Stage, Locked], ...]:
        """The stages of the new locks."""
        every = self.tracked.stages
        return tuple((every[name], facts) for name, facts in locked.read(self.folder).items()
                     if facts.lock in self.locks)  # fmt: skip

    @cached_property
    def claimed(self) -> tuple[str, ...]:
        """What the stages write as the new locks have it, by path in the repository: training could write anything."""
        return tuple(self.full(out.path) for stage, _ in self.stages for out in stage.outs)

    def content(self, path: str) -> bytes | None:
        """Return what a file of the project will hold: as training wrote it, else as the commit has it."""
        full = self.full(path)
        return self.files[full] if full in self.files and _is_among(full, self.declared) else self.head.read(full)

    def full(self, path: str) -> str:
        """Return a path of the project as one of the repository."""
        return posixpath.normpath(posixpath.join(self.root, path))


def gather(folder: Path) -> Files:
    """Read the files that training handed over.

    Args:
        folder: holds them by their path in the repository.

    Raises:
        Refused: when one is a link, hidden, too large, or one of too many.
    """
    found: Files = {}
    total = 0
    if folder.is_symlink():
        raise _hostile(f"{folder} is a link")
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode):
            raise _hostile(f"{name} is a link, or no file at all")
        if any(part.startswith(".") for part in name.split("/")) or "\\" in name or not name.isprintable():
            raise _hostile(f"{name!r} is no name of a result")
        total += facts.st_size
        if facts.st_size > MAX_BLOB or total > MAX_BYTES or len(found) == MAX_FILES:
            limits = f"{MAX_BLOB:,} bytes each, {MAX_BYTES:,} in all, {MAX_FILES:,} files"
            raise _hostile(f"{name} is beyond the limits ({limits})")
        found[name] = path.read_bytes()
    return found


def lay_out(files: Files, head: Commit, root: str, folder: Path) -> Proposal:
    """Write the DVC and parameter files of a commit into a folder, and the new locks over them.

    Nothing else of the change is written, and nothing is ever run from there.
    """
    bare = Proposal(folder=folder, root=root, head=head, files=files)
    for path in head.entries:
        wanted = _base(path) in (_PIPELINE, LOCK) or path.endswith(".dvc")
        if wanted and _is_below(path, root) and not _is_hidden(path):
            _write(bare, _inside(path, root), head.read(path))
    # Read before the new locks are there: what training left must not say what training may leave.
    held = [path for facts in locked.read(folder).values() for path in facts.held]
    declared = tuple(map(bare.full, (*tracked.results(folder), *held)))
    made = replace(bare, declared=declared)
    for path in made.locks:
        _write(made, path, files[made.full(path)])
    for name in sorted({file for _, facts in made.stages for file in facts.params if file.endswith(_PARAMETERS)}):
        if not name.startswith("../"):
            _write(made, name, made.content(name))
    return made


def choose(made: Proposal) -> tuple[Files, list[str]]:
    """Return the files that belong into git, and those that may, but that git does not know yet.

    These belong there: locks beside a `dvc.yaml`, results that git holds already or that `dvc.yaml` leaves to it, and
    the record of a training's seeds.

    Raises:
        Refused: when one of them is nothing that a training may change.
    """
    held = [made.full(path) for _, facts in made.stages for path in facts.held]
    chosen: Files = {}
    unknown = []
    for path, raw in made.files.items():
        if _base(path) == LOCK:
            if _is_below(path, made.root) and posixpath.join(posixpath.dirname(path), _PIPELINE) in made.head.entries:
                chosen[path] = raw
        elif path == made.full(seed_record.FILE) and made.locks:
            chosen[path] = raw
        elif _is_among(path, (*made.declared, *held)):
            if path in made.head.entries or _is_among(path, held):
                chosen[path] = raw
            elif not _is_among(path, made.claimed):
                unknown.append(path)
    for path in chosen:
        _require_result(path, made)
    return chosen, unknown


def require_open(files: Files, made: Proposal, allowed: Collection[str]) -> None:
    """Refuse what must not get into git unseen: secrets, and formats that run code when they are loaded.

    Args:
        files: what is new, by path in the repository.
        made: where the project is.
        allowed: files that may run code, from the project's folder.

    Raises:
        Refused: when there is such a file.
    """
    redactor = secrets.redactor()
    for path, raw in files.items():
        text = raw.decode("utf-8", "surrogateescape")
        if redact.FILE_MASK in text or redactor.holds(raw) or redactor.hide(text, said=False) != text:
            raise Refused(
                f"what training handed over does not go into git: {path} holds a secret",
                hint="do not let training write it; if it stands in git already, take it back where it was issued",
            )
        if _inside(path, made.root) not in allowed and (why := formats.runs_code(path, raw)):
            raise Refused(
                f"what training handed over does not go into git: {path} is {why}, and runs code when it is loaded",
                hint="let DVC cache it (cache: true), write a format without code, or name it under validate.unpickle",
            )


def untrue(made: Proposal, chosen: Files, trained: Commit) -> list[str]:
    """Return, in words, where the new locks are not true on the commit; nothing when they are.

    Args:
        made: the locks on the commit.
        chosen: the files that go with them.
        trained: the commit that training ran on, which can be a merge of this one with the base.
    """
    found = dict.fromkeys(line for stage, facts in made.stages for line in _of_stage(made, stage, facts, trained))
    found |= dict.fromkeys(_written(made, chosen))
    pipelines = [made.full(posixpath.join(posixpath.dirname(lock), _PIPELINE)) for lock in made.locks]
    return [*found, *(f"{path} differs" for path in pipelines if _differs(path, trained, made.head))]


def _of_stage(made: Proposal, stage: Stage, facts: Locked, trained: Commit) -> Iterator[str]:
    for path, md5 in stage.deps.items():
        raw = made.content(path)
        if raw is not None:
            if md5 and md5 not in _digests(raw):
                yield f"{path}: stage {stage.name} ran with another version of it"
        elif _differs(made.full(path), trained, made.head):
            yield f"{path} differs"
        for out in made.tracked.sources:
            same = out.path == path and out.md5 == md5
            if (
                overlap(out.path, path)
                and not same
                and (out.path == path or _source_differs(made, out.source, trained))
            ):
                yield f"{out.source}: stage {stage.name} ran with other data"
    for file in facts.params:
        if made.content(file) is None or not file.endswith(_PARAMETERS):
            if _differs(made.full(file), trained, made.head):
                yield f"{file} differs"
        else:
            yield from (f"{file}: {line}" for line in locked.changed_params(made.folder, facts, file))


def _written(made: Proposal, chosen: Files) -> Iterator[str]:
    """Yield the results in git that would not be those of the lock, also such as were not handed over."""
    for stage, _ in made.stages:
        for out in stage.outs:
            path = made.full(out.path)
            raw = chosen[path] if path in chosen else made.head.read(path)
            if raw is not None and out.md5 and out.md5 not in _digests(raw):
                yield f"{out.path} is not what stage {stage.name} wrote"


def _source_differs(made: Proposal, source: str, trained: Commit) -> bool:
    return _differs(made.full(source), trained, made.head)


def _differs(path: str, one: Commit, other: Commit) -> bool:
    return one.entries.get(path) != other.entries.get(path)


def _walk(folder: Path) -> Iterator[Path]:
    """Yield everything but real folders; no link is followed."""
    for top, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        links = [name for name in folders if (Path(top) / name).is_symlink()]
        yield from (Path(top) / name for name in sorted([*names, *links]))


def _require_result(path: str, made: Proposal) -> None:
    """Refuse a file of settings, and one where the commit has a link, a submodule, a folder, or a file above it."""
    if _base(path) in _SETTINGS or path.endswith(".dvc"):
        raise _hostile(f"{path} is no result")
    known = made.head.entries.get(path)
    if known and known.mode not in REGULAR:
        raise _hostile(f"{path} is a link, a folder or a submodule in git")
    for above in _above(path):
        entry = made.head.entries.get(above)
        if entry and entry.mode != "040000":
            raise _hostile(f"{above} is no folder in git")


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _digests(raw: bytes) -> set[str]:
    """Return a file's MD5 as DVC 3 takes it, and as DVC 2 did, which read line ends of text as "\\n"."""
    return {hashlib.md5(one, usedforsecurity=False).hexdigest() for one in (raw, raw.replace(b"\r\n", b"\n"))}


def _write(made: Proposal, path: str, raw: bytes | None) -> None:
    if raw is not None:
        (made.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (made.folder / path).write_bytes(raw)


def _hostile(what: str) -> Refused:
    return Refused(
        f"what training handed over does not go into git: {what}",
        hint="let DVC cache such an output (cache: true), or commit it by hand",
    )


def _is_among(path: str, others: Mapping[str, object] | tuple[str, ...] | list[str]) -> bool:
    return any(path == other or path.startswith(f"{other}/") for other in others)


def _is_below(path: str, root: str) -> bool:
    return not root or path.startswith(f"{root}/")


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _inside(path: str, root: str) -> str:
    return path.removeprefix(f"{root}/") if root else path


def _base(path: str) -> str:
    return path.rpartition("/")[2]
