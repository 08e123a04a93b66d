"""`mlcicd init`: look at a repository, and write the mlcicd.yaml that fits it or add what it lacks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlcicd import detect
from mlcicd.config import load
from mlcicd.detect import Found
from mlcicd.errors import OutsideError, UsageError
from mlcicd.render import comment
from mlcicd.starter import text
from mlcicd.starter.view import broken, some


@dataclass(frozen=True, kw_only=True)
class Start:
    """What `init` would do to `path`.

    Attributes:
        old: the file as it is, None when there is none; in bytes, because not one of them may change.
        new: the file as it should be.
        added: the sections that `new` has more than `old`.
        found: what was seen.
    """

    path: Path
    old: bytes | None
    new: bytes
    added: tuple[str, ...]
    found: Found


def prepare(root: Path) -> Start:
    """Look at the folder `root` and make the file in memory.

    Raises:
        UsageError: when `root` is no folder a repository has its CI in, or the file that is there is not valid.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder")
    path = root / load.FILE
    if path.is_symlink() or path.is_dir():
        raise UsageError(f"{path}: is a folder or a link, not a file", hint="move it away and run `mlcicd init` again")
    found = detect.look(root)
    top = found.repository.top
    if top and top.resolve() != root.resolve():
        raise UsageError(
            f"{root}: is inside the git repository {top}, and CI runs at its top", hint=f"mlcicd init --root {top}"
        )
    if not path.exists():
        return Start(path=path, old=None, new=text.whole(found).encode(), added=(), found=found)
    old = path.read_bytes()
    if broken(found):
        return Start(path=path, old=old, new=old, added=(), found=found)
    addition = text.missing(found, load.read(path), path.name)
    return Start(path=path, old=old, new=old + addition.text.encode(), added=addition.sections, found=found)


def write(start: Start) -> None:
    """Put the file in place at once; one that is up to date is not touched.

    Raises:
        OutsideError: when the disk refuses.
    """
    if start.new == start.old:
        return
    scratch = start.path.with_name(f".{start.path.name}.{os.getpid()}.tmp")
    try:
        scratch.write_bytes(start.new)
        if start.old is not None:
            shutil.copymode(start.path, scratch)
        scratch.replace(start.path)
    except OSError as error:
        raise OutsideError(
            f"{start.path}: cannot be written: {error.strerror}",
            hint="make sure that this user may write there, then run `mlcicd init` again",
        ) from None
    finally:
        scratch.unlink(missing_ok=True)


def summary(start: Start) -> Iterator[str]:
    """Yield what was seen, one line each with its source; then what needs a person; then what was made of it."""
    facts = [(label, str(comment(value)), str(comment(source))) for label, value, source in _facts(start.found)]
    width = max(len(value) for _, value, _ in facts if len(value) <= text.WIDE)
    for label, value, source in facts:
        yield f"{label:12} {value:{width}}  {source}".rstrip()
    for notice in start.found.notices:
        yield f"note: {comment(notice)}"
    if start.old is None:
        yield f"{start.path.name}: new"
    elif file := broken(start.found):
        yield f"{start.path.name}: nothing added, for what {file} says is not known: correct it, and run this again"
    elif start.added:
        yield f"{start.path.name}: added {', '.join(start.added)}"
    else:
        yield f"{start.path.name}: nothing to add"


def _facts(found: Found) -> Iterator[tuple[str, str, str]]:
    yield "platform", ", ".join(found.repository.platforms.value), found.repository.platforms.source
    yield "branch", found.repository.branch.value, found.repository.branch.source
    if found.root.value != ".":
        yield "project", found.root.value, found.root.source
    for label, seen in (("python", found.python), ("install", found.install)):
        if seen:
            yield label, seen.value, seen.source
    for pipeline in found.pipelines:
        yield "pipeline", some(pipeline.stages), pipeline.file
        for label, files in (("metrics", pipeline.metrics), ("plots", pipeline.plots), ("params", pipeline.params)):
            if files:
                yield label, some(files), pipeline.file
    if found.remote:
        yield "data", f"{found.remote.name} ({found.remote.kind})", detect.dvc.CONFIG
    if found.checkpoints:
        yield "checkpoints", some(found.checkpoints.value) or "none", found.checkpoints.source
    for label, seen in (("tests", found.test), ("training", found.train)):
        if seen:
            yield label, seen.value, seen.source
    if found.existing:
        yield "other CI", some(found.existing), "left as it is"
