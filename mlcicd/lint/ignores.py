"""Ignores in the line: `# mlcicd: ignore[M5] the reason`, behind what it is about, or alone on the line above."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from mlcicd.lint.model import Finding

_IGNORE = re.compile(r"#\s*mlcicd:\s*ignore(?:\[(?P<rules>[^\]]*)\])?(?P<reason>(?:[^#]|#(?=\S))*)")
_ALONE = re.compile(r"\s*(#.*)?\Z")
_FORM = "`# mlcicd: ignore[ID] the reason`, behind the line or alone above it"


@dataclass(frozen=True, kw_only=True)
class Ignore:
    """One that is valid.

    Attributes:
        line: where it stands, from 1.
        target: the line that it is about.
        rules: ids, one or several.
        reason: for the reader; never empty.
    """

    line: int
    target: int
    rules: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """A finding that somebody decided to live with, and why."""

    finding: Finding
    reason: str


def parse(
    path: str, lines: Sequence[str], known: Collection[str], is_comment: Callable[[int, int], bool] | None = None
) -> tuple[list[Ignore], list[Finding]]:
    """Find the ignores of a file, and what is wrong with some; a wrong one has no effect.

    Args:
        path: for the findings.
        lines: of the file.
        known: ids of our own rules; one with a `/` belongs to another linter.
        is_comment: whether a line and column are in a comment; the same words in a value are none.
    """
    ignores: list[Ignore] = []
    wrong: list[Finding] = []
    for number, line in enumerate(lines, 1):
        for found in _IGNORE.finditer(line) if "mlcicd" in line else ():
            if is_comment and not is_comment(number, found.start() + 1):
                continue
            rules = tuple(one.strip() for one in (found["rules"] or "").split(",") if one.strip())
            reason = found["reason"].strip(" \t:-")
            if message := _problem(rules, reason, known):
                wrong.append(_at(path, number, line, found, message))
            else:
                ignores.append(Ignore(line=number, target=_target(lines, number), rules=rules, reason=reason))
    return ignores, wrong


def apply(findings: Iterable[Finding], ignores: Sequence[Ignore]) -> tuple[list[Finding], list[Ignored]]:
    """Part the findings of one file into those that stay and those that are ignored; M0 always stays."""
    reasons = {(one.target, rule): one.reason for one in ignores for rule in one.rules}
    left, ignored = [], []
    for finding in findings:
        named = (reasons.get((finding.line, rule)) for rule in (finding.rule, *finding.also))
        reason = next((one for one in named if one), None)
        if reason and finding.rule != "M0":
            ignored.append(Ignored(finding=finding, reason=reason))
        else:
            left.append(finding)
    return left, ignored


def unused(
    path: str, lines: Sequence[str], ignores: Iterable[Ignore], ignored: Iterable[Ignored], ran: Collection[str]
) -> list[Finding]:
    """Return a note for each id that ignored nothing.

    Args:
        path: for the findings.
        lines: of the file.
        ignores: of the file.
        ignored: what they caught.
        ran: ids of rules and names of linters (`zizmor/`) that looked; of the others nobody knows.
    """
    used = {(one.finding.line, rule) for one in ignored for rule in (one.finding.rule, *one.finding.also)}
    found = []
    for ignore in ignores:
        for rule in ignore.rules:
            looked = rule in ran or rule.partition("/")[0] + "/" in ran
            if looked and (ignore.target, rule) not in used:
                line = lines[ignore.line - 1]
                mark = _IGNORE.search(line)
                message = f"this ignores nothing: {rule} has no finding in line {ignore.target}"
                found.append(_at(path, ignore.line, line, mark, message, is_unused=True))
    return found


def _problem(rules: Sequence[str], reason: str, known: Collection[str]) -> str:
    if not rules:
        return "an ignore that names no rule has no effect"
    unknown = [rule for rule in rules if rule not in known and "/" not in rule]
    if unknown:
        return f"an ignore of {', '.join(unknown)}, which is no rule of ours, has no effect"
    return "" if any(map(str.isalnum, reason)) else "an ignore without a reason has no effect"


def _target(lines: Sequence[str], number: int) -> int:
    """Behind something it is about its own line; alone about the next line that is more than a comment."""
    if not _ALONE.match(lines[number - 1]):
        return number
    below = (at for at in range(number + 1, len(lines) + 1) if not _ALONE.match(lines[at - 1]))
    return next(below, number)


def _at(
    path: str, number: int, line: str, mark: re.Match[str] | None, message: str, *, is_unused: bool = False
) -> Finding:
    start, end = mark.span() if mark else (0, 1)
    return Finding(
        rule="M0",
        severity="note" if is_unused else "error",
        path=path,
        line=number,
        column=start + 1,
        end_column=start + 1 + max(1, len(line[start:end].rstrip())),
        message=message,
        remedy="remove it" if is_unused else _FORM,
        source_line=line,
    )
