"""Which commit the change is compared with, and what stood in it. Works in shallow clones."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcicd.errors import OutsideError, UsageError
from mlcicd.runtime import bare
from mlcicd.runtime.ci import Ci, detect

GIT_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Base:
    """The commit to compare with.

    Attributes:
        sha: full commit id; "" when there is nothing to compare with.
        found: how it was found, or why there is none; one line for people.
    """

    sha: str = ""
    found: str = ""


def resolve(root: Path, ci: Ci, explicit: str = "", branch: str = "main") -> Base:
    """Find the base of the change in the repository at `root`.

    Asked in this order: `explicit`, what the CI system says, the branch point from `branch`. In CI, a commit
    that is not in the clone is fetched alone; outside CI nothing is fetched unless it was asked for.

    Raises:
        UsageError: when `explicit` names nothing.
    """
    if not commit(root, "HEAD"):
        base = Base(found=_why_no_head(root))
        if explicit:
            raise UsageError(f"--base {explicit}: {base.found}", hint="run this inside a clone of the repository")
        return base
    if explicit:
        return _explicit(root, explicit)
    if ci.sha:
        return _from_ci(root, ci)
    return _branch_point(root, branch)


def commit(root: Path, revision: str) -> str:
    """Return the full id of the commit that `revision` names here, or ""."""
    if not revision or revision.startswith("-"):
        return ""
    return _output(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")


def show(root: Path, sha: str, path: str) -> bytes | None:
    """Return the content of a file at a commit (`path` from `root`), or None when it is not there."""
    result = _git(root, "show", f"{sha}:./{path}")
    return result.stdout if result.returncode == 0 else None


def listed(root: Path, sha: str, name: str) -> list[str]:
    """Return the paths, from `root`, of every file called `name` at a commit."""
    found = _output(root, "ls-tree", "-r", "-z", "--name-only", sha).split("\0")
    return [path for path in found if path.rpartition("/")[2] == name]


def named(root: Path, name: str) -> Base:
    """Find the commit of a branch or tag that a gate names; what is not here is fetched, alone.

    A branch of `origin` goes before one of the same name here, which nobody has looked at.
    """
    for place in ("refs/remotes/origin/", "refs/tags/", "refs/heads/"):
        if sha := commit(root, f"{place}{name}"):
            return Base(sha=sha, found=name)
    sha, reason = _fetch(root, name)
    return Base(sha=sha, found=name if sha else reason)


def earlier(root: Path, sha: str, path: str, count: int) -> list[str]:
    """Return the newest commits, from `sha` back along the branch, that changed a file (`path` from `root`)."""
    arguments = ("log", "--first-parent", "-m", "--format=%H", f"--max-count={count}", sha, "--", f":(literal){path}")
    return _output(root, *arguments).split()


def deepen(root: Path, sha: str, depth: int) -> None:
    """Fetch some history of a commit where the clone has next to none; what cannot be fetched stays away."""
    if _output(root, "rev-parse", "--is-shallow-repository") == "true":
        with contextlib.suppress(OutsideError):
            _git(root, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", f"--depth={depth}", "origin", sha)


def differing(root: Path, sha: str, paths: Sequence[str]) -> list[str]:
    """Return the files at or below some paths (from `root`) that git holds and that are not as at a commit."""
    if not paths:
        return []
    literal = [f":(literal){path}" for path in paths]
    found = _output(root, "diff", "--name-only", "--relative", "--no-renames", "-z", sha, "--", *literal)
    return [path for path in found.split("\0") if path]


def _explicit(root: Path, revision: str) -> Base:
    sha, reason = commit(root, revision) or commit(root, f"origin/{revision}"), ""
    if not sha:
        sha, reason = _fetch(root, revision)
    if not sha:
        raise UsageError(
            f"--base {revision}: no such branch, tag or commit, neither here nor at `origin`",
            hint="name one that `git log` shows, or fetch it first: git fetch origin <branch>",
            detail=reason,
        )
    return Base(sha=sha, found=f"--base {revision}")


def _from_ci(root: Path, ci: Ci) -> Base:
    for revision in ci.base:
        if (sha := commit(root, revision)) and not (ci.change and revision == "HEAD^1" and not _is_merge(root)):
            return Base(sha=sha, found=revision)
    reason = ""
    for revision in ci.fetch:
        sha, reason = _fetch(root, revision)
        if sha:
            return Base(sha=sha, found=f"fetched {revision}")
    tried = ", ".join(dict.fromkeys((*ci.base, *ci.fetch)))
    if not tried:
        return Base(found="there is no commit before this one")
    return Base(found=f"none of {tried} could be found or fetched" + (f" ({reason})" if reason else ""))


def _is_merge(root: Path) -> bool:
    """The first parent is the base only of the forge's trial merge; else it is the change's own last commit."""
    return bool(commit(root, "HEAD^2"))


def _branch_point(root: Path, branch: str) -> Base:
    for name in (branch, f"origin/{branch}"):
        tip = commit(root, name)
        if tip and (sha := _output(root, "merge-base", "HEAD", tip)):
            return Base(sha=sha, found=f"where this branch left {name}")
        if tip:
            return Base(sha=tip, found=f"tip of {name}: this clone is too shallow to know where the branches parted")
    return Base(found=f"there is no branch {branch} here")


def _fetch(root: Path, revision: str) -> tuple[str, str]:
    """Fetch one commit from `origin`; return its id, or "" and git's reason."""
    if revision.startswith("-"):
        return "", "a revision cannot start with a dash"
    # A depth would turn a full clone into a shallow one; in a shallow clone its absence would fetch all history.
    depth = ("--depth=1",) if _output(root, "rev-parse", "--is-shallow-repository") == "true" else ()
    result = _git(root, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", *depth, "origin", revision)
    return (commit(root, "FETCH_HEAD"), "") if result.returncode == 0 else ("", _reason(result))


def _why_no_head(root: Path) -> str:
    result = _git(root, "rev-parse", "--show-toplevel")
    return "there is no commit yet" if result.returncode == 0 else _reason(result)


def _reason(result: subprocess.CompletedProcess[bytes]) -> str:
    lines = result.stderr.decode("utf-8", "replace").strip().splitlines() or ["git said nothing"]
    return lines[0].removeprefix("fatal: ")


def _output(root: Path, *arguments: str) -> str:
    result = _git(root, *arguments)
    return result.stdout.decode("utf-8", "replace").strip() if result.returncode == 0 else ""


def _login(action: str) -> dict[str, str]:
    """Return what logs git in where the CI system's checkout leaves no log-in behind, as ours does not."""
    here = detect(os.environ)
    if action != "fetch" or not (here.forge and here.token and here.git.startswith(("https://", "http://"))):
        return {}
    from mlcicd.runtime.forges import FORGES

    server = "/".join(here.git.split("/")[:3]) + "/"
    count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    return bare.configuration([bare.login(server, FORGES[here.forge].GIT_USER, here.token)], count)


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environ = {**os.environ, **_login(arguments[0]), "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            env=environ,
            stdin=subprocess.DEVNULL,
            timeout=GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise OutsideError("git is not installed", hint="install git; the base commit is read with it") from None
    except subprocess.TimeoutExpired:
        raise OutsideError(
            f"git {arguments[0]} did not end in {GIT_SECONDS} s", hint="is `origin` reachable?"
        ) from None
