"""Applies what rules know how to mend: all of a finding's fixes or none, never half a file."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from mlcicd.errors import OutsideError
from mlcicd.lint.document import Document, read
from mlcicd.lint.model import Finding, Fix
from mlcicd.lint.run import Result, judge
from mlcicd.yamlio import Unreadable

_ROUNDS = 10  # a fix may uncover another finding, and two that touch take turns


def mend(lint: Callable[[], Result]) -> list[Finding]:
    """Lint and fix until nothing is left to fix; return what was fixed.

    Raises:
        OutsideError: when the disk refuses.
    """
    fixed: list[Finding] = []
    for _ in range(_ROUNDS):
        result = lint()
        now = [one for name in result.files.documents for one in _mend_file(name, result)]
        if not now:
            break
        fixed += now
    return fixed


def apply(text: str, findings: Iterable[Finding]) -> tuple[str, list[Finding]]:
    """Return the text with the fixes of the findings in it, and the findings that were fixed.

    Of two findings whose fixes touch each other only the first is fixed.
    """
    taken: list[Fix] = []
    fixed = []
    for one in findings:
        new = [fix for fix in one.fixes if fix not in taken]
        if one.fixes and not any(_touch(fix, other) for fix in new for other in taken):
            taken += new
            fixed.append(one)
    for fix in sorted(taken, key=lambda fix: fix.start, reverse=True):
        text = text[: fix.start] + fix.text + text[fix.end :]
    return text, fixed


def _mend_file(name: str, result: Result) -> Sequence[Finding]:
    doc = result.files.documents[name]
    newline = "\r\n" if "\r\n" in doc.text else "\n"
    found = [one for one in result.findings if one.path == name and one.fixes]
    new, fixed = apply(doc.text, [_with_line_ends(one, newline) for one in found])
    if not fixed or not _is_better(doc, new, {one.rule for one in fixed}):
        return ()
    # A link is a file elsewhere, and stays a link.
    return fixed if _write(Path(os.path.realpath(result.files.paths[name])), doc.text, new) else ()


def _with_line_ends(one: Finding, newline: str) -> Finding:
    return replace(one, fixes=tuple(replace(fix, text=fix.text.replace("\n", newline)) for fix in one.fixes))


def _touch(one: Fix, other: Fix) -> bool:
    """Whether they overlap, or insert in the same place."""
    return one.start == other.start or (one.start < other.end and other.start < one.end)


def _is_better(doc: Document, new: str, rules: Collection[str]) -> bool:
    """Whether the new text can be read, these rules have less to mend in it, and no rule has what nothing mends."""
    try:
        after = judge(read(doc.path, new, doc.kind))
    except Unreadable:
        return False
    before = judge(doc)
    left = [sum(one.rule in rules and bool(one.fixes) for one in found) for found in (before, after)]
    stuck = [Counter(one.rule for one in found if not one.fixes) for found in (before, after)]
    return left[1] < left[0] and stuck[1] <= stuck[0]


def _write(path: Path, old: str, new: str) -> bool:
    """Put the new text in the place of the old, unless somebody changed the file since it was read."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        before = path.read_bytes()
        mark = "\ufeff" if before.startswith("\ufeff".encode()) else ""
        if before != (mark + old).encode():
            return False
        scratch.write_bytes((mark + new).encode())
        scratch.chmod(path.stat().st_mode & 0o7777)
        scratch.replace(path)
    except OSError as error:
        raise OutsideError(
            f"{path}: cannot be written: {error.strerror}",
            hint="make sure that this user may write there, then run `mlcicd lint --fix` again",
        ) from None
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
    return True
