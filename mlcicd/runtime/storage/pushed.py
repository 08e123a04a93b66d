"""Whether the remote has all that git names: told without fetching any data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcicd.runtime.project import Project
from mlcicd.runtime.storage import authors, dvc, remotes, tracked
from mlcicd.runtime.storage.tracked import Out, overlap
from mlcicd.runtime.storage.transfer import Tries

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A tracked file that the remote does not have.

    Attributes:
        path: from the project's folder; it ends in "/" when the list of a folder's files is what is missing.
        source: the `.dvc` file or the stage it belongs to.
        why: one line for people: that it is missing, whose it is, and who last changed it in git.
    """

    path: str
    source: str
    why: str


def missing(
    project: Project, environ: Mapping[str, str], remote: str | None, say: Say = lambda line: None
) -> tuple[Missing, ...]:
    """Return every tracked file that the remote does not have, folders opened; only lists of folders are fetched.

    Args:
        project: the project.
        environ: of the project's programs, logged in.
        remote: name of the DVC remote; the configured one when None.
        say: shows one line.

    Raises:
        OutsideError: when the remote cannot be asked.
        UsageError: when a file of DVC's is wrong.
    """
    outs = expected(project.root)
    if not outs:
        return ()
    program, name = dvc.find(project.root, environ, Tries(say=say)), remotes.chosen(project.config, remote)
    paths = program.not_in_remote(name)
    owned = {path: next((out for out in outs if overlap(out.path, path.rstrip("/"))), None) for path in paths}
    if paths and {out.path for out in outs} <= {path.rstrip("/") for path in paths}:
        program.reach(name)
    changed = changes(project.root, [out for out in owned.values() if out])
    known = [out.path for out in tracked.read(project.root).outs]
    named = [Missing(path=path, source=out.source, why=why(path, out, changed)) for path, out in owned.items() if out]
    # What is known and not expected is rightly not there: `push: false`, an import. Anything else is not let pass.
    strange = [
        path for path, out in owned.items() if not out and not any(overlap(path.rstrip("/"), one) for one in known)
    ]
    return (
        *named,
        *(Missing(path=path, source="", why=f"{path}: DVC says so; no file of its names it") for path in strange),
    )


def expected(root: Path) -> tuple[Out, ...]:
    """Return what should be in the remote."""
    return tuple(out for out in tracked.not_in_git(root, tracked.read(root).outs) if out.push)


def changes(root: Path, outs: Sequence[Out]) -> dict[str, str]:
    """Return, by hash, who last changed what git says of an output."""
    files: dict[str, list[str]] = {}
    for out in outs:
        files.setdefault(out.file, []).append(out.md5)
    return {md5: words for file, wanted in files.items() for md5, words in authors.changed(root, file, wanted).items()}


def why(path: str, out: Out, changes: Mapping[str, str]) -> str:
    """Say in one line what a missing path is, whose it is, and who last changed it in git."""
    kind = "" if out.source.endswith(".dvc") else "stage "
    what = f"{path} (its list of files)" if path.endswith("/") else path
    return f"{what}: {kind}{out.source}, md5 {out.md5} in {out.file}: {changes.get(out.md5, 'no history')}"
