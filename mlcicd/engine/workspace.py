"""The caller's repository, which is only read, and what is cloned from it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlcicd.engine import environment
from mlcicd.errors import OutsideError, UsageError
from mlcicd.plan.model import Event


@dataclass(frozen=True, kw_only=True)
class Source:
    """A repository at one commit.

    Attributes:
        root: top folder of the caller's working tree.
        commit: sha of HEAD.
        branch: that HEAD is on; "" when on none.
        changes: how many files differ from the commit or are not in it.
        environ: what git sees.
    """

    root: Path
    commit: str
    branch: str
    changes: int
    environ: Mapping[str, str] = field(repr=False)


def find(folder: Path, environ: Mapping[str, str]) -> Source:
    """Look at the repository that `folder` is in.

    Raises:
        UsageError: when there is none, or nothing is committed.
        OutsideError: when there is no git.
    """
    clean = environment.machine(environ, "", None)
    top = _git(folder, clean, "rev-parse", "--show-toplevel")
    if top.returncode:
        raise UsageError(
            f"{folder}: not inside the working tree of a git repository",
            detail=top.stderr.strip(),
            hint="run this in your repository, or make one: git init && git add -A && git commit -m 'First commit'",
        )
    root = Path(top.stdout.rstrip("\n"))
    commit = _resolve(root, clean, "HEAD")
    if commit is None:
        raise UsageError(
            f"{root}: nothing is committed yet, and each job runs in a clone of a commit",
            hint="git add -A && git commit -m 'First commit'",
        )
    branch = _git(root, clean, "symbolic-ref", "--quiet", "--short", "HEAD").stdout.strip()
    # Without optional locks, so that a look at the repository never gets in the way of the caller's own git.
    status = _git(root, clean, "--no-optional-locks", "status", "--porcelain")
    return Source(root=root, commit=commit, branch=branch, changes=len(status.stdout.splitlines()), environ=clean)


def committed(source: Source, folder: Path, path: Path) -> tuple[str, str]:
    """Return the text of a file as it is in the commit, and its path relative to the repository.

    `path` is as the caller wrote it, in `folder`.

    The jobs see the committed configuration, so the plan is made from it too.

    Raises:
        UsageError: when the commit has no such file.
    """
    full = folder / path
    try:
        name = (full.parent.resolve() / full.name).relative_to(source.root.resolve()).as_posix()
    except ValueError:
        raise UsageError(f"{path}: not inside the repository {source.root}") from None
    shown = _git(source.root, source.environ, "show", f"{source.commit}:{name}")
    if shown.returncode == 0:
        return shown.stdout.removeprefix("\ufeff"), name
    if full.exists():
        raise UsageError(
            f"{path}: not committed, and each job runs in a clone of a commit",
            hint=f"git add {name} && git commit -m 'Add {name}'",
        )
    raise UsageError(f"{path}: no such file", hint="run `mlcicd init` to write one, and commit it")


def compare(source: Source, branch: str, event: Event | None, base: str | None) -> tuple[Event, str | None]:
    """Decide which event this is and what its commit is compared with.

    Args:
        source: the repository.
        branch: the default branch of the pipeline.
        event: what the caller asked for.
        base: revision the caller asked for.

    Raises:
        UsageError: when a base is needed and there is none.
    """
    if base is not None:
        names = (base, f"origin/{base}")
        commit = next(filter(None, (_resolve(source.root, source.environ, name) for name in names)), None)
        if commit is None:
            raise UsageError(
                f"--base {base}: no such commit here",
                hint="git fetch, or name a commit that `git log --all` shows",
            )
        return event or ("push" if source.branch == branch else "pull_request"), commit
    forked = next(_fork_points(source, branch), None)
    if event == "pull_request" and forked is None:
        raise UsageError(
            f"nothing to compare with: neither {branch} nor origin/{branch} shares a commit with HEAD",
            hint=f"git fetch origin {branch}, or --base REF, or set project.default-branch",
        )
    if event is None:
        event = "pull_request" if forked and source.branch != branch else "push"
    if event == "pull_request":
        return event, forked
    return event, _resolve(source.root, source.environ, "HEAD^1")


def clone_commands(source: Source, folder: Path) -> tuple[tuple[str, ...], ...]:
    """Return the commands that make a clean clone at the commit; objects are shared, so only files are written.

    Hooks and templates are left out: they are the caller's, not the repository's.
    """
    quiet = ("git", "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
    return (
        (*quiet, "clone", "--quiet", "--shared", "--no-checkout", "--template=", str(source.root), str(folder)),
        (*quiet, "-C", str(folder), "checkout", "--quiet", "--detach", source.commit),
    )


def _fork_points(source: Source, branch: str) -> Iterator[str]:
    """Yield where HEAD left the default branch; first as the forge last showed it, which CI compares with."""
    for reference in (f"origin/{branch}", branch):
        found = _git(source.root, source.environ, "merge-base", "HEAD", reference)
        if found.returncode == 0:
            yield found.stdout.strip()


def _resolve(root: Path, environ: Mapping[str, str], revision: str) -> str | None:
    found = _git(root, environ, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return found.stdout.strip() if found.returncode == 0 else None


def _git(folder: Path, environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", *arguments], cwd=folder, env=dict(environ), capture_output=True, encoding="utf-8", errors="replace"
        )
    except FileNotFoundError:
        raise OutsideError("git: no such program", hint="install git and make sure it is on PATH") from None
