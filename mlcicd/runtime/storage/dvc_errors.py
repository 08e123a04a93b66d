"""What DVC's messages mean: one sentence, the evidence, and the next step."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcicd.errors import MlcicdError, OutsideError, UsageError
from mlcicd.runtime.process import Answer

LINES = 15  # of DVC's own words, shown as evidence
_LEVEL = re.compile(r"^(WARNING|ERROR): (unexpected error - )?")

# Said without a cause: what is left when nothing above was found.
_UNCLEAR: tuple[tuple[str, str, str], ...] = (
    (
        r"(failed to connect to \w+)",
        "remote '{remote}' cannot be reached, or refuses: {found}",
        "check its address and its user (`dvc remote list`, `dvc config --list`), and the key or password it is given",
    ),
)
# What the answer to a question without a body says: why, is only in the answer to another question.
_MUTE = re.compile(r"(?i)\bbad request\b|\(403\)|\(400\)")
_NO_REPOSITORY = "not inside of a DVC repository"
# What DVC prints → what happened, and the next step. {remote} and {found} (the first group) are filled in.
# Rights, names and packages: trying again changes nothing.
_LASTING: tuple[tuple[str, str, str], ...] = (
    (
        r"No remote provided and no default remote set",
        "no DVC remote is configured",
        "dvc remote add --default NAME URL, and commit .dvc/config",
    ),
    (
        r"remote '([^']+)' doesn't exist",
        "there is no DVC remote named '{found}'",
        "`dvc remote list` shows those that exist; the name comes from --remote or data.remote in mlcicd.yaml",
    ),
    (
        r"requires '([^']+)' to be installed",
        "remote '{remote}' needs the package {found}",
        "add {found} to the project's environment (project.install)",
    ),
    (
        r"(?i)(expired ?token|token (?:included in the request )?(?:has|is) expired|RequestExpired|credentials? expired"
        r"|ExpiredAuthenticationToken|Token has been expired or revoked|invalid_grant)",
        "remote '{remote}' refused: the token has expired ({found})",
        "get a new one and run this again: in CI renew the secret (short-lived ones need data.credentials.aws, .gcp or "
        ".azure, which log in at every run); here log in to the cloud again",
    ),
    (
        r"(?i)(unable to locate credentials|no ?credentials|DefaultCredentialsError"
        r"|could not be found in the environment|access ?denied|forbidden|unauthorized"
        r"|invalid ?access ?key|signature ?does ?not ?match|authentication failed|permission denied)",
        "remote '{remote}' refused: {found}",
        "set the remote's credentials as environment variables; in CI name them under data.credentials.secrets. "
        "If they are right, they also need the right to list: without it S3 says 403 of an object that is absent",
    ),
    (
        r"(?i)(the specified bucket does not exist|NoSuchBucket|container does not exist)",
        "remote '{remote}': {found}",
        "`dvc remote list` shows its address; make the bucket, or correct the address",
    ),
    (
        r"(?i)(no space left on device|disk quota exceeded)",
        "the disk is full: {found}",
        "free some space, or keep DVC's cache on another disk (dvc cache dir --local PATH); what has come is kept",
    ),
    (
        r"(?i)unable to acquire lock|is busy, it is being blocked",
        "another DVC process is working in this repository",
        "wait for it to end, then run this again",
    ),
    (
        r"unknown Git revision '([^']+)'",
        "git does not know the commit {found}",
        "fetch it: git fetch --depth 1 origin <branch or commit>",
    ),
)
# Networks and busy services: it may pass by itself.
_FLEETING: tuple[tuple[str, str, str], ...] = (
    (
        r"(Expected checksum \S+ did not match calculated checksum)",
        "corrupt: what remote '{remote}' sent is not what it says it has",
        "if it stays so, the object that is named above is bad: remove it there, and `dvc push` from where the data is "
        "right",
    ),
    (
        r"(?i)(slow ?down|reduce your request rate|too many requests|throttl\w+|rate ?limit exceeded"
        r"|service unavailable)",
        "remote '{remote}' is too busy: {found}",
        "run this again later, or ask for less at a time: dvc remote modify {remote} jobs 4",
    ),
    (
        r"(?i)(could not connect|cannot connect|connection refused|timed ?out|name or service not known"
        r"|temporary failure in name resolution|connection reset|server disconnected|nothing was transferred for \d+ s"
        r"|incomplete ?read|payload is not completed|internal server error|bad gateway"
        r"|gateway time-?out)",
        "remote '{remote}' cannot be reached: {found}",
        "check its address (`dvc remote list`) and the network, then run this again",
    ),
)
# What DVC says of a file of the repository's own: dvc.yaml, dvc.lock, a .dvc file or one of parameters.
_BROKEN = re.compile(r"'([^']+)',? (validation failed|\w+ file structure is corrupted)")
_MARKERS = re.compile(r"'([^']+)' is invalid \(possible merge conflicts\)")
_CYCLE = re.compile(
    r"(Same item\(s\) are defined as both a dependency and an output in stages?: [^\n]*[^.\n]"
    r"|Pipeline has a cycle[^\n]*[^.\n])"
)
_UNSAVED = re.compile(r"Can't remove the following unsaved files without confirmation[^\n]*\n([^\n]+)")
_INPUT_GONE = re.compile(
    r"failed to reproduce '([^']+)': (?:\[Errno 2\] No such file or directory: '([^']+)'|missing data 'source': (\S+))"
)
_NOT_TRACKED = re.compile(r"'([^']+)' does not exist as an output or a stage name")
_MISSING = re.compile(r"Missing cache files:|failed to transfer '|NoSuchKey|do not exist neither locally nor on remote")
_OBJECT = re.compile(r"(?:failed to transfer '|^md5: )([0-9a-f]{32}(?:\.dir)?)", re.MULTILINE)


class Absent(OutsideError):
    """Objects that are not in the remote. `files` are the paths they stand for."""

    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A DVC remote; `folder` is where it is when it is no service but a folder."""

    name: str = ""
    folder: Path | None = None


def passing(answer: Answer) -> str:
    """Return why a failure may pass by itself (too busy, a broken connection), or "" when trying again is in vain."""
    text = f"{answer.out}\n{answer.err}"
    found = next(filter(None, (re.search(pattern, text) for pattern, _, _ in _FLEETING)), None)
    lasts = any(re.search(pattern, text) for pattern, _, _ in _LASTING)
    return f"the remote failed ({found[1]})" if found and not lasts else ""


def is_mute(answer: Answer) -> bool:
    """Tell whether the remote refused without a reason, so that another question must be asked to learn it."""
    return bool(_MUTE.search(answer.err))


def broken(text: str, root: Path | None = None) -> MlcicdError | None:
    """Return what is wrong with the repository itself, by what `dvc` printed; None when that says nothing of it."""
    if found := _MARKERS.search(text):
        return merge_markers(found[1].removeprefix("./"))
    if found := _CYCLE.search(text):
        return UsageError(
            f"dvc.yaml: its stages form a circle: {found[1]}",
            hint="let no stage read what it, or a stage after it, writes; `dvc dag` shows the order once that is so",
        )
    if found := _INPUT_GONE.search(text):
        path = _relative(found[2] or found[3], root)
        return UsageError(
            f"stage '{found[1]}': its input {path} was gone when it ended, or never there",
            hint=f"a stage must not remove or move what it reads: let it write elsewhere; `dvc checkout {path}` brings "
            "the input back",
        )
    return None


def merge_markers(file: str, line: str = "") -> UsageError:
    """Say that a file holds both sides of a merge, and how to end that."""
    then = "dvc checkout" if file.endswith(".dvc") else "dvc repro"
    return UsageError(
        f"{file}{line}: merge markers: git left both sides of a merge in it",
        hint=f"resolve the merge in {file}, keeping what each side added; then: {then} && git add {file}",
    )


def refusal(text: str, remote: Remote, where: str = "") -> OutsideError | None:
    """Return why a remote cannot be used, by what `dvc` printed; None when that does not say."""
    for pattern, message, hint in (*_LASTING, *_FLEETING, *_UNCLEAR):
        if found := re.search(pattern, text):
            values = {"remote": remote.name or "default", "found": found[found.lastindex or 0]}
            return OutsideError(where + message.format(**values), hint=hint.format(**values))
    return None


def explain(
    answer: Answer,
    targets: Sequence[str] = (),
    remote: Remote | None = None,
    names: Mapping[str, str] | None = None,
    action: str = "dvc pull",
) -> MlcicdError:
    """Say in one sentence why DVC failed, naming the file where there is one, and what to do.

    Args:
        answer: what DVC printed.
        targets: what it was asked for.
        remote: where from.
        names: path of each object by its hash.
        action: what it was asked to do, in the user's words.
    """
    text, remote = f"{answer.out}\n{answer.err}", remote or Remote()
    detail = "\n".join([line for line in text.splitlines() if line.strip()][-LINES:])
    objects = sorted(filter(None, ((names or {}).get(md5, "") for md5 in _OBJECT.findall(text))))
    where = f"{_some(objects or targets)}: " if targets else ""
    if refused := refusal(text, remote, where):
        refused.detail = detail
        return refused
    if told := broken(text):
        return told
    if found := _UNSAVED.search(text):
        return UsageError(
            f"{_relative(found[1].strip(), Path.cwd())}: has changes that are not saved; fetching would overwrite them",
            hint="keep them with `dvc add` or `dvc commit`, or remove the file and run this again",
        )
    if _NO_REPOSITORY in text:
        return UsageError(
            "this is not a DVC repository",
            hint="run `dvc init` in the project's folder, or remove `data` from mlcicd.yaml",
        )
    if found := _BROKEN.search(text):
        return UsageError(
            f"{found[1].removeprefix('./')}: DVC cannot use it: {found[2]}",
            hint="correct the file; `dvc status` reads it the same way",
            detail=detail,
        )
    if found := _NOT_TRACKED.search(text):
        return UsageError(
            f"{found[1]}: DVC does not track it",
            hint="correct data.pull in mlcicd.yaml, or `dvc add` it",
            detail=detail,
        )
    if _MISSING.search(text):
        return _missing(objects or _failed(answer.err) or targets, remote, detail)
    first = next((line for line in answer.err.splitlines() if line.startswith("ERROR")), "") or _last(text)
    hint = f"try it alone, it says more: {' '.join((action, '-v', *map(shlex.quote, targets[:1])))}"
    return OutsideError(f"{where}{action} failed: {_LEVEL.sub('', first)}", detail=detail, hint=hint)


def _missing(files: Sequence[str], remote: Remote, detail: str) -> OutsideError:
    name = remote.name or "default"
    if gone := no_folder(remote):
        return OutsideError(f"{_some(files)}: {gone.message}", hint=gone.hint, detail=detail)
    corrupt = ", or was corrupt and DVC has removed it" if remote.folder else ""
    absent = Absent(
        f"{_some(files)}: not in remote '{name}'{corrupt}",
        hint="run `dvc push` where the data is; if nothing at all is found, check the address (`dvc remote list`)",
        detail=detail,
    )
    absent.files = tuple(files)
    return absent


def no_folder(remote: Remote) -> OutsideError | None:
    """Return what to say of a remote that is a folder which is not there; None when all is well."""
    if remote.folder is None or remote.folder.is_dir():
        return None
    return OutsideError(
        f"remote '{remote.name or 'default'}' is the folder {remote.folder}, which does not exist here",
        hint="mount or make it, or use a remote that this machine can reach (data.remote, --remote)",
    )


def _some(files: Sequence[str]) -> str:
    return ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")


def _failed(stderr: str) -> list[str]:
    """Return the targets below "Checkout failed for following targets:"."""
    _, _, after = stderr.partition("Checkout failed for following targets:\n")
    return after.partition("\nIs your cache up to date?")[0].splitlines() if after else []


def _relative(path: str, root: Path | None) -> str:
    """Return a path as it is called in the project."""
    place = Path(path)
    return place.relative_to(root).as_posix() if root and place.is_relative_to(root) else path


def _last(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no output")
