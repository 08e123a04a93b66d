"""Why a training crashed: what its last lines mean, and the next step."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlcicd.runtime import process

# What DVC or the program printed → what happened, and the next step. {found} is the first group.
_CAUSES: tuple[tuple[str, str, str], ...] = (
    (
        r"output '([^']+)' does not exist",
        "the stage did not write its output {found}",
        "write it, or correct `outs` in dvc.yaml",
    ),
    (
        r"'([^']+)' does not exist as an output or a stage name",
        "{found}, which a stage reads, is not here, and neither a stage nor a .dvc file makes it",
        "is its name right? correct `deps` in dvc.yaml, or `dvc add` and push the data",
    ),
    (
        r"was skipped, and (has never run.+)$",
        "it {found}",
        "is every name right? correct `deps` in dvc.yaml, or `dvc add` and push the data",
    ),
    (
        r"Parameters '([^']+)' are missing from '[^']+'",
        "parameter {found} is not in its file",
        "add it to the file, or correct `params` in dvc.yaml",
    ),
    (
        r"'([^']+)',? \w+ file structure is corrupted",
        "{found} cannot be read",
        "correct the file; DVC's lines above say where it breaks",
    ),
    (
        r"'([^']+)' is invalid \(possible merge conflicts\)",
        "{found} cannot be read: a merge left its markers there",
        "take either side of it, run `dvc repro`, and commit the result",
    ),
    (
        r"defined as both a dependency and an output in stages: (.+)\.$",
        "the stages go round in a circle: {found}",
        "no stage may read what is made from its own output: correct `deps` or `outs` in dvc.yaml",
    ),
    (
        r"^ERROR: .*(no remote specified)",
        "DVC was to pull, and has no default remote",
        "dvc remote add --default NAME URL, and commit .dvc/config; or leave --pull out of train.command",
    ),
    (
        r"(CUDA out of memory|OutOfMemoryError)",
        "the memory of the GPU ran out",
        "use a smaller batch, or a larger GPU",
    ),
    (r"No space left on device()", "the disk is full", "free some of it, or use a machine with a larger one"),
    (r"^(MemoryError)\b", "memory ran out", "use less of it, or a larger machine"),
)
# DVC has the same words for data that is not there yet and for data that the stage has removed.
_NO_DATA = re.compile(
    r"dependency '([^']+)' does not exist"
    r"|failed to reproduce '[^']+': \[Errno 2\] No such file or directory: '(?:[^']*/)?([^/']+)'"
)
_STAGE_STATUS = re.compile(r"failed to run: .*, exited with (-?\d+)$")


def explain(exit: int, tail: Sequence[str], *, ran: bool) -> tuple[str, str]:
    """Return the cause ("" when it is not known) and the next step.

    Args:
        exit: the training's exit status.
        tail: its last lines.
        ran: the stage that failed had begun to run.
    """
    text = "\n".join(tail)
    if found := _NO_DATA.search(text):
        return _no_data(found[1] or found[2], ran=ran)
    for pattern, cause, hint in _CAUSES:
        if found := re.search(pattern, text, re.MULTILINE):
            return cause.format(found=found[1]), hint
    status = _status(exit, tail)
    return _killed(status), process.advice(status)


def _no_data(path: str, *, ran: bool) -> tuple[str, str]:
    if ran:
        return (
            f"{path} was gone after the stage that reads it ran",
            "a stage must not delete or move what it reads: copy it, or make it an output of the stage",
        )
    return f"{path}, which the stage reads, is not here", "`dvc pull` it, or correct `deps` in dvc.yaml"


def _status(exit: int, tail: Sequence[str]) -> int:
    """Return the status of the stage's own command, which DVC only prints: it ends with 255 whatever happened."""
    for line in reversed(tail):
        if found := _STAGE_STATUS.search(line):
            status = int(found[1])
            return 128 - status if status < 0 else status
    return exit


def _killed(status: int) -> str:
    return {137: "killed", 139: "its program crashed (segmentation fault)", 127: "a program was not found"}.get(
        status, ""
    )
