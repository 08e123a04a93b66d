"""What DVC's messages mean: one sentence, the evidence, and the next step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcicd.errors import MlcicdError, OutsideError, UsageError
from mlcicd.runtime.process import Answer

LINES = 15  # of DVC's own words, shown as evidence
_LEVEL = re.compile(r"^(WARNING|ERROR): (unexpected error - )?")

_NO_REPOSITORY = "not inside of a DVC repository"
# What DVC prints → what happened, and the next step. {remote} and {found} (the first group) are filled in.
_CAUSES: tuple[tuple[str, str, str], ...] = (
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
        r"(?i)(unable to locate credentials|no ?credentials|DefaultCredentialsError"
        r"|could not be found in the environment|access ?denied|forbidden|unauthorized"
        r"|invalid ?access ?key|signature ?does ?not ?match|expired ?token|authentication failed|permission denied)",
        "remote '{remote}' refused: {found}",
        "set the remote's credentials as environment variables; in CI name them under data.credentials.secrets",
    ),
    (
        r"(?i)(the specified bucket does not exist|NoSuchBucket|container does not exist)",
        "remote '{remote}': {found}",
        "`dvc remote list` shows its address; make the bucket, or correct the address",
    ),
    (
        r"(?i)(could not connect|cannot connect|connection refused|timed out|name or service not known"
        r"|temporary failure in name resolution|connection reset)",
        "remote '{remote}' cannot be reached: {found}",
        "check its address (`dvc remote list`) and the network, then run this again",
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
# What DVC says of a file of the repository's own: dvc.yaml, dvc.lock, a .dvc file or one of parameters.
_BROKEN = re.compile(r"'([^']+)',? (validation failed|\w+ file structure is corrupted)")
_NOT_TRACKED = re.compile(r"'([^']+)' does not exist as an output or a stage name")
_MISSING = re.compile(r"Missing cache files:|failed to transfer '|NoSuchKey|do not exist neither locally nor on remote")
_OBJECT = re.compile(r"(?:failed to transfer '|^md5: )([0-9a-f]{32}(?:\.dir)?)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A DVC remote; `folder` is where it is when it is no service but a folder."""

    name: str = ""
    folder: Path | None = None


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
    where = f"{_some(targets)}: " if targets else ""
    for pattern, message, hint in _CAUSES:
        if found := re.search(pattern, text):
            values = {"remote": remote.name or "default", "found": found[found.lastindex or 0]}
            return OutsideError(where + message.format(**values), hint=hint.format(**values), detail=detail)
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
        objects = [(names or {}).get(md5, "") for md5 in _OBJECT.findall(text)]
        return _missing(sorted(filter(None, objects)) or _failed(answer.err) or targets, remote, detail)
    first = next((line for line in answer.err.splitlines() if line.startswith("ERROR")), "") or _last(text)
    hint = "run it with --verbose to see more"
    return OutsideError(f"{where}{action} failed: {_LEVEL.sub('', first)}", detail=detail, hint=hint)


def _missing(files: Sequence[str], remote: Remote, detail: str) -> OutsideError:
    name = remote.name or "default"
    if remote.folder and not remote.folder.is_dir():
        return OutsideError(
            f"{_some(files)}: remote '{name}' is the folder {remote.folder}, which does not exist here",
            hint="mount or make it, or use a remote that this machine can reach (data.remote, --remote)",
            detail=detail,
        )
    corrupt = ", or was corrupt and DVC has removed it" if remote.folder else ""
    return OutsideError(
        f"{_some(files)}: not in remote '{name}'{corrupt}",
        hint="run `dvc push` where the data is; if nothing at all is found, check the address (`dvc remote list`)",
        detail=detail,
    )


def _some(files: Sequence[str]) -> str:
    return ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")


def _failed(stderr: str) -> list[str]:
    """Return the targets below "Checkout failed for following targets:"."""
    _, _, after = stderr.partition("Checkout failed for following targets:\n")
    return after.partition("\nIs your cache up to date?")[0].splitlines() if after else []


def _last(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no output")
