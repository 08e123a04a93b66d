"""What git knows: where the repository is hosted, and its default branch."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mlcicd.detect.files import Folder, Seen

SECONDS = 20
# Set inside a git hook, and then git would look at another repository than the folder it is pointed at.
_MISLEADING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
_ADDRESS = re.compile(r"[a-z0-9+]+://(?:[^/@]*@)?(\[[^\]]*\]|[^/:]+)|(?:[^/:@]+@)?([^/:]+):(?!\\)")


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The git repository of a folder; `top` is its root folder, None outside git."""

    top: Path | None
    platforms: Seen[tuple[str, ...]]
    branch: Seen[str]


def look(folder: Folder) -> Repository:
    """Ask git, which runs nothing of the repository's own."""
    top, reason = _git(folder.path, "rev-parse", "--show-toplevel")
    if not top:
        folder.notices.append(f"git: {reason or 'this is no work tree'}; platform and default branch are assumed")
    remote, name = _remote(folder.path) if top else ("", "")
    return Repository(
        top=Path(top) if top else None,
        platforms=_platforms(folder, remote, name),
        branch=_branch(folder.path, inside=bool(top)),
    )


def host(address: str) -> str:
    """Return the host name in a remote's address, "" for a path; user names and passwords never come out."""
    found = _ADDRESS.match(address)
    name = (found[1] or found[2] or "") if found else ""
    # One letter before a colon is a Windows drive.
    return name.lower() if len(name) > 1 else ""


def origin(path: Path) -> tuple[str, str]:
    """Return the host of the main remote, and the repository's name there (`owner/name`); "" where unknown."""
    address = _remote_address(path)[1]
    found = host(address)
    matched = _ADDRESS.match(address) if found else None
    rest = address[matched.end() :] if matched else ""
    # Behind an address with a scheme there may be a port.
    return found, re.sub(r"^:[0-9]+/", "", rest).strip("/").removesuffix(".git")


def platform(name: str) -> str:
    """Return the platform that a host name gives away, "" when it does not."""
    if name.endswith(".ghe.com"):
        return "github"
    return next((known for known in ("github", "gitlab") if known in name), "")


def _remote(path: Path) -> tuple[str, str]:
    """Return the name of the main remote and its host; "" where there is none."""
    remote, address = _remote_address(path)
    return remote, host(address)


def _remote_address(path: Path) -> tuple[str, str]:
    remotes = _git(path, "remote")[0].splitlines()
    remote = "origin" if "origin" in remotes else next(iter(remotes), "")
    return remote, _git(path, "remote", "get-url", "--", remote)[0] if remote else ""


def _platforms(folder: Folder, remote: str, name: str) -> Seen[tuple[str, ...]]:
    if known := platform(name):
        return Seen(value=(known,), source=f"the remote {remote}, {name}")
    files = {"github": ".github", "gitlab": ".gitlab-ci.yml"}
    if kept := {known: file for known, file in files.items() if (folder.path / file).exists()}:
        return Seen(value=tuple(kept), source=", ".join(kept.values()))
    return Seen(value=("github",), source=f"assumed: {name} names none" if name else "assumed: there is no remote")


def _branch(path: Path, *, inside: bool) -> Seen[str]:
    if inside:
        if head := _git(path, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")[0]:
            return Seen(value=head.removeprefix("origin/"), source="origin/HEAD")
        if usual := _usual_branch(path):
            return Seen(value=usual, source="the branches here")
        if current := _git(path, "symbolic-ref", "--short", "HEAD")[0]:
            return Seen(value=current, source="the current branch")
    if initial := _git(path, "config", "--get", "init.defaultBranch")[0]:
        return Seen(value=initial, source="git's init.defaultBranch")
    return Seen(value="main", source="assumed")


def _usual_branch(path: Path) -> str:
    """Return `main` or `master` where exactly one of them exists: the current branch may be a feature."""
    places = [f"refs/{where}/{name}" for where in ("heads", "remotes/origin") for name in ("main", "master")]
    found = _git(path, "for-each-ref", "--format=%(refname)", *places)[0].splitlines()
    names = {reference.rsplit("/", 1)[-1] for reference in found}
    return names.pop() if len(names) == 1 else ""


def _git(path: Path, *arguments: str) -> tuple[str, str]:
    """Return what git answers, and else why it does not: ("main", "") or ("", "fatal: …")."""
    environ = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    try:
        done = subprocess.run(
            ["git", "-C", str(path), *arguments],
            env={**environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return "", "there is no git program on PATH"
    except subprocess.TimeoutExpired:
        return "", f"no answer in {SECONDS} s"
    if done.returncode:
        return "", (done.stderr.strip().splitlines() or [""])[0].removeprefix("fatal: ")
    return done.stdout.strip("\r\n"), ""
