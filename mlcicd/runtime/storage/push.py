"""Bring what a training made to the DVC remote, and prove that it is there: before its lock may go anywhere."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from mlcicd import secrets
from mlcicd.config.data import Data
from mlcicd.errors import MlcicdError, OutsideError
from mlcicd.runtime import ci
from mlcicd.runtime.project import Project
from mlcicd.runtime.storage import dvc, dvc_errors, pushed, remotes, tracked, transfer
from mlcicd.runtime.storage.dvc import Dvc

Say = Callable[[str], None]

SHOWN = 5
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")


def results(project: Project, environ: Mapping[str, str], say: Say) -> Literal["pushed", "failed"]:
    """Push all that the locks and `.dvc` files name, and on a branch the run cache; say why when that fails.

    The training has succeeded whatever happens here, so nothing is raised: what could not be pushed keeps the lock
    from going back (`runtime.lock`), and nothing else.

    Args:
        project: the project, after training.
        environ: of the project's programs, logged in to the remote.
        say: shows one line.
    """
    chosen = (project.config.data or Data()).remote
    try:
        used = remotes.configured(project.root, chosen)
        program = dvc.find(project.root, environ, transfer.Tries(say=say))
        outs = tracked.read(project.root).outs
        _require_sound(project.root / program.cache(), [out.md5 for out in outs if not out.legacy])
        _push(program, used)
        _require_there(project, environ, say)
    except MlcicdError as error:
        say(f"not pushed, so the lock stays here: {error.message}")
        for line in (*error.detail.splitlines(), *([f"next: {error.hint}"] if error.hint else [])):
            say(f"  {line}")
        return "failed"
    say(f"pushed to remote '{used.name if used else 'default'}', which has all that the lock names")
    if not ci.detect(os.environ).proposal:
        # Its entries are named by what went into a stage: one that a change wrote would be taken for main's own.
        _push_runs(program, used, say)
    return "pushed"


def _push(program: Dvc, remote: remotes.Remote | None, *more: str) -> None:
    argv = ["dvc", "push", *(("--remote", remote.name) if remote else ()), *more]
    tries, passing = program.tries, dvc_errors.passing
    answer = transfer.ask(argv, cwd=program.root, environ=program.environ, tries=tries, passing=passing)
    if answer.exit:
        name = dvc_errors.Remote(name=remote.name if remote else "")
        error = dvc_errors.explain(answer, remote=name, action="dvc push")
        error.message, error.detail = ("\n".join(_scrubbed(text, program)) for text in (error.message, error.detail))
        raise error


def _scrubbed(text: str, program: Dvc) -> tuple[str, ...]:
    return secrets.lines(text.splitlines(), program.environ)


def _require_there(project: Project, environ: Mapping[str, str], say: Say) -> None:
    """Ask the remote: `dvc push` also succeeds where it had nothing to push, and the remote has nothing."""
    absent = pushed.missing(project, environ, None, say)
    if absent:
        raise OutsideError(
            f"the remote has not all that the lock names: {len(absent)} missing",
            detail="\n".join([*(one.why for one in absent[:SHOWN]), *(["…"] if len(absent) > SHOWN else [])]),
            hint="run `dvc push` where these files are",
        )


def _push_runs(program: Dvc, remote: remotes.Remote | None, say: Say) -> None:
    """Push the run cache too; not every kind of remote has one, and nothing depends on it."""
    try:
        _push(program, remote, "--run-cache")
    except MlcicdError as error:
        say(f"the run cache was not pushed, so other runs train these stages again: {error.message}")


def _require_sound(cache: Path, hashes: list[str]) -> None:
    """Hash the objects that are to be pushed: DVC pushes a corrupt one as it is.

    Raises:
        OutsideError: naming those that are not what their name says.
    """
    paths = [path for md5 in dict.fromkeys(hashes) for path in _objects(cache, md5)]
    with ThreadPoolExecutor(max_workers=min(8, (os.cpu_count() or 1) * 2)) as pool:
        sound = list(pool.map(_is_sound, paths))
    corrupt = [str(path) for path, good in zip(paths, sound, strict=True) if not good]
    if corrupt:
        raise OutsideError(
            f"{len(corrupt)} objects of DVC's cache are corrupt, and are not pushed",
            detail="\n".join(corrupt[:SHOWN]),
            hint="remove them, and train again",
        )


def _objects(cache: Path, md5: str) -> Iterator[Path]:
    """Yield the object of a hash and, of a folder, those it lists; only such as are here."""
    if not _MD5.fullmatch(md5):
        return
    path = cache / "files" / "md5" / md5[:2] / md5[2:]
    if not path.is_file():
        return
    yield path
    if md5.endswith(".dir") and _is_sound(path):
        for row in json.loads(path.read_bytes()):
            yield from _objects(cache, str(row["md5"]))


def _is_sound(path: Path) -> bool:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest() == (path.parent.name + path.name).removesuffix(".dir")
