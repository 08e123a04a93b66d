"""Git without a working tree: read commits, make one, push it. No file is checked out, no hook or filter runs.

What a change holds is only ever read as bytes here, so nothing of it can act.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from mlcicd.errors import OutsideError, UsageError

SECONDS = 300
MAX_BLOB = 10 * 1024 * 1024
REGULAR = frozenset({"100644", "100755"})
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# Of what was inherited, git sees how to reach the network, and nothing that points into another repository.
_KEPT = re.compile(r"GIT_(SSL|HTTP|PROXY|CONFIG)_?")
_SETTINGS = {"core.hooksPath": os.devnull, "credential.helper": "", "core.askPass": "", "gc.auto": "0"}


@dataclass(frozen=True, kw_only=True)
class Remote:
    """Where to fetch from and push to.

    Attributes:
        address: without credentials.
        user, token: what git logs in with; no header is sent when there is no token.
        certificates: file of a private certificate authority, or "".
    """

    address: str
    user: str = ""
    token: str = field(default="", repr=False)
    certificates: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What stands at a path of a commit: git's `mode`, the object's `id`, and a file's size in bytes (else 0)."""

    mode: str
    id: str
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A git directory, and the environment that git runs in."""

    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    remote: Remote

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run git, which must succeed, and return what it printed.

        Raises:
            OutsideError: with git's own words.
        """
        done = self.attempt(*arguments, stdin=stdin)
        if done.returncode:
            raise OutsideError(f"git {arguments[0]} failed: {reason(done)}", hint="the cause stands in git's words")
        return done.stdout

    def attempt(
        self, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git and return how it ended.

        Raises:
            OutsideError: when there is no git, or it does not end.
        """
        argv = ["git", f"--git-dir={self.folder}", "--literal-pathspecs", *arguments]
        return _run(argv, {**self.environ, **(environ or {})}, stdin)


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One commit, and every file and folder in it."""

    repository: Repository
    sha: str

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """Files and folders by path."""
        found = {}
        for row in self.repository.git("ls-tree", "-r", "-t", "-l", "-z", self.sha).split(b"\0")[:-1]:
            facts, _, path = row.partition(b"\t")
            mode, _, id, size = facts.decode().split()
            entry = Entry(mode=mode, id=id, size=int(size) if size.isdigit() else 0)
            found[path.decode("utf-8", "surrogateescape")] = entry
        return found

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes as git holds them; None when there is no regular file.

        Raises:
            UsageError: when it is larger than what is read here.
        """
        entry = self.entries.get(path)
        if entry is None or entry.mode not in REGULAR:
            return None
        if entry.size > MAX_BLOB:
            raise UsageError(f"{path}: larger than {MAX_BLOB:,} bytes", hint="let DVC track it")
        return self.repository.git("cat-file", "blob", entry.id)

    @cached_property
    def message(self) -> str:
        """Its message, after an empty line behind the headers."""
        raw = self.repository.git("cat-file", "commit", self.sha).decode("utf-8", "replace")
        return raw.partition("\n\n")[2]

    @cached_property
    def parents(self) -> tuple[str, ...]:
        """The commits it stands on."""
        raw = self.repository.git("cat-file", "commit", self.sha).decode("utf-8", "replace").partition("\n\n")[0]
        return tuple(line.removeprefix("parent ") for line in raw.splitlines() if line.startswith("parent "))


@contextlib.contextmanager
def fresh(remote: Remote, environ: Mapping[str, str]) -> Iterator[Repository]:
    """Yield an empty repository, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="mlcicd-lock-") as folder:
        made = Repository(folder=Path(folder) / "git", environ=_environ(remote, environ), remote=remote)
        made.git("init", "--quiet", "--bare", "--template=")
        yield made


def here(environ: Mapping[str, str]) -> Repository:
    """Return the repository of the working directory.

    Raises:
        UsageError: when there is none.
    """
    nowhere = Remote(address="")
    found = Repository(folder=Path(), environ=_environ(nowhere, environ), remote=nowhere)
    done = _run(["git", "rev-parse", "--absolute-git-dir"], found.environ)
    if done.returncode:
        raise UsageError("this is not inside a git repository", hint="run this in a clone, after `mlcicd train`")
    return replace(found, folder=Path(os.fsdecode(done.stdout.strip())))


def fetch(repository: Repository, sha: str) -> Commit:
    """Fetch one commit and nothing of its history.

    Raises:
        OutsideError: when it cannot be had.
    """
    if not _SHA.fullmatch(sha):
        raise UsageError(f"{sha[:60]!r} is not the id of a commit", hint="this runs in the job `lock` of a pipeline")
    address = repository.remote.address
    done = repository.attempt("fetch", "--quiet", "--no-tags", "--depth=1", address, sha)
    if done.returncode:
        raise OutsideError(f"{address}: commit {sha[:7]} cannot be fetched: {reason(done)}", hint=_ACCESS)
    return Commit(repository=repository, sha=sha)


def tip(repository: Repository, branch: str) -> str:
    """Return the commit that a branch of the remote is at now, or "" when there is no such branch.

    Raises:
        OutsideError: when the remote does not answer.
    """
    name = f"refs/heads/{branch}"
    done = repository.attempt("ls-remote", repository.remote.address, name)
    if done.returncode:
        raise OutsideError(f"{repository.remote.address}: {reason(done)}", hint=_ACCESS)
    rows = [line.split("\t") for line in done.stdout.decode("utf-8", "replace").splitlines()]
    return next((row[0] for row in rows if row[1:] == [name]), "")


def blob(repository: Repository, raw: bytes, *, keep: bool) -> str:
    """Return the id of a file with this content, `keep` stores it too. Nothing is converted on the way."""
    store = ("-w",) if keep else ()
    return repository.git("hash-object", *store, "--stdin", "--no-filters", stdin=raw).decode().strip()


def commit(
    repository: Repository, parent: Commit, files: Mapping[str, bytes], message: str, author: tuple[str, str]
) -> Commit:
    """Make a commit on top of `parent` that differs from it in these files alone; the mode of a file stays."""
    name, email = author
    person = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in
              (("NAME", name), ("EMAIL", email))}  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="mlcicd-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        rows = []
        for path, raw in files.items():
            known = parent.entries.get(path)
            mode = known.mode if known else "100644"
            rows.append(f"{mode} {blob(repository, raw, keep=True)}\t{path}\0".encode("utf-8", "surrogateescape"))
        _must(repository.attempt("read-tree", parent.sha, environ=index))
        _must(repository.attempt("update-index", "-z", "--index-info", stdin=b"".join(rows), environ=index))
        tree = _must(repository.attempt("write-tree", environ=index)).decode().strip()
    made = repository.attempt("commit-tree", tree, "-p", parent.sha, stdin=message.encode(), environ=person)
    return Commit(repository=repository, sha=_must(made).decode().strip())


def push(made: Commit, branch: str, seen: str) -> str:
    """Put a branch of the remote on a commit, if it is still at `seen` ("": does not exist); return why not, or "".

    The remote compares and moves the branch in one step, so of two runs only one wins.
    """
    name = f"refs/heads/{branch}"
    lease = f"--force-with-lease={name}:{seen}"
    options = ("--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", lease)
    done = made.repository.attempt("push", *options, made.repository.remote.address, f"{made.sha}:{name}")
    if done.returncode == 0:
        return ""
    refused = [line.split("\t")[-1] for line in done.stdout.decode("utf-8", "replace").splitlines() if line[:1] == "!"]
    return "; ".join([*refused, reason(done)])[:400]


def reason(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return what the server and git gave as the cause, in one line."""
    lines = [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines()]
    causes = [line.removeprefix("fatal: ") for line in lines if line.startswith(("remote: ", "error: ", "fatal: "))]
    return "; ".join(cause for cause in causes[:3] if cause != "remote:")[:400] or "git said nothing"


_ACCESS = "is the repository reachable from here, and may the token read it?"


def _run(argv: Sequence[str], environ: Mapping[str, str], stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(argv, input=stdin, env=environ, capture_output=True, timeout=SECONDS, check=False)
    except FileNotFoundError:
        raise OutsideError("git is not installed", hint="install git on the machine that runs this") from None
    except subprocess.TimeoutExpired:
        raise OutsideError(f"git did not end in {SECONDS} s", hint="is the forge reachable from here?") from None


def _must(done: subprocess.CompletedProcess[bytes]) -> bytes:
    if done.returncode:
        raise OutsideError(f"git failed: {reason(done)}", hint="is the disk full?")
    return done.stdout


def _environ(remote: Remote, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return git's environment; the token goes by it and by nothing else: no argument, no address, no file."""
    kept = {name: value for name, value in inherited.items() if not name.startswith("GIT_") or _KEPT.match(name)}
    settings = list(_SETTINGS.items())
    if remote.token and remote.address.startswith(("https://", "http://")):
        settings.append(login(remote.address, remote.user, remote.token))
    if remote.certificates:
        settings.append(("http.sslCAInfo", remote.certificates))
    return kept | configuration(settings, int(kept.get("GIT_CONFIG_COUNT") or 0)) | {
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }  # fmt: skip


def login(address: str, user: str, token: str) -> tuple[str, str]:
    """Return git's setting that logs in to everything below an address."""
    secret = base64.b64encode(f"{user}:{token}".encode()).decode()
    return f"http.{address}.extraHeader", f"Authorization: Basic {secret}"


def configuration(settings: Sequence[tuple[str, str]], start: int = 0) -> dict[str, str]:
    """Return the variables that give git settings; `start` is how many it is given already."""
    found = {"GIT_CONFIG_COUNT": str(start + len(settings))}
    for number, (key, value) in enumerate(settings, start):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found
