"""Lint: find the files, ask every rule, part off what is ignored, add what other linters say."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlcicd.errors import OutsideError
from mlcicd.lint import comments, find, ignores, literals, others, read
from mlcicd.lint.document import Document
from mlcicd.lint.ignores import Ignored
from mlcicd.lint.merge import merge
from mlcicd.lint.model import SEVERITIES, Finding, Severity
from mlcicd.lint.read import Files
from mlcicd.lint.rule import Rule
from mlcicd.lint.rules import RULES


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run found.

    Attributes:
        files: those that were read, or should have been.
        findings: sorted by place.
        ignored: with the reason of each.
        linters: which others ran, and which could be installed.
        broken: why one of them said nothing, for each that failed.
    """

    files: Files
    findings: tuple[Finding, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    linters: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()

    def count(self, severity: Severity) -> int:
        """Return how many findings have this severity."""
        return sum(one.severity == severity for one in self.findings)

    @property
    def mendable(self) -> int:
        """How many findings `--fix` would mend."""
        return sum(bool(one.fixes) for one in self.findings)

    @property
    def is_clean(self) -> bool:
        """Whether nothing worse than a note was found."""
        return self.count("error") == self.count("warning") == 0

    def raise_for_broken(self) -> None:
        """Refuse to call files good that another linter could not judge.

        Raises:
            OutsideError: with the reason of each that failed.
        """
        if self.broken:
            raise OutsideError("; ".join(self.broken), hint="repair it, or leave it out: `mlcicd lint --only-own`")


def lint(
    paths: Sequence[Path],
    *,
    only: Collection[str] = (),
    with_others: bool = True,
    min_severity: Severity = "note",
    rules: Sequence[type[Rule]] = RULES,
) -> Result:
    """Judge files and folders.

    Args:
        paths: files, or folders in which CI files are looked for.
        only: ids of the rules that count, of other linters too; all when empty. M0 always counts.
        with_others: also ask zizmor and actionlint, where they are installed.
        min_severity: leave out what is less.
        rules: ours.

    Raises:
        UsageError: when a path does not exist, or there is nothing to judge.
    """
    asked = [rule() for rule in rules if not only or rule.id in only]
    files = read.files(find.find(paths))
    nobody = contextlib.nullcontext(others.Told)
    # They work while we do.
    with others.asking(files.documents, files.paths, only) if with_others else nobody as tell:
        found = {name: _check(doc, asked) for name, doc in files.documents.items()}
        told = tell()
    ran = {*(rule.id for rule in asked), *(f"{name}/" for name in told.ran)}
    left = list(files.unreadable)
    ignored: list[Ignored] = []
    for name, doc in files.documents.items():
        more = [one for one in told.findings if one.path == name]
        stays, goes = _part(doc, merge(found[name], more), ran, {rule.id for rule in rules})
        left += stays
        ignored += goes
    return Result(
        findings=tuple(sorted(_chosen(left, only, min_severity), key=_order)),
        ignored=tuple(ignored),
        files=files,
        linters=told.lines,
        broken=told.broken,
    )


def judge(doc: Document, rules: Iterable[type[Rule]] = RULES) -> list[Finding]:
    """Return what our rules find in one document, ignores applied, sorted by place."""
    rules = list(rules)
    stays, _ = _part(doc, _check(doc, [rule() for rule in rules]), (), {rule.id for rule in rules})
    return sorted(stays, key=_order)


def _check(doc: Document, rules: Iterable[Rule]) -> list[Finding]:
    return [finding for rule in rules if doc.kind in rule.kinds for finding in rule.check(doc)]


def _part(
    doc: Document, found: Iterable[Finding], ran: Collection[str], known: Collection[str]
) -> tuple[list[Finding], list[Ignored]]:
    """Part what is ignored from the rest, and add what is wrong with the ignores."""
    is_comment = comments.finder(doc) if "mlcicd" in doc.text else None
    valid, wrong = ignores.parse(doc.path, doc.lines, known, is_comment)
    left, ignored = ignores.apply(_distinct(found), valid)
    left += [*wrong, *ignores.unused(doc.path, doc.lines, valid, ignored, ran)]
    hidden = [replace(one, finding=literals.hide(doc, one.finding)) for one in ignored]
    return [literals.hide(doc, one) for one in left], hidden


def _distinct(findings: Iterable[Finding]) -> Iterator[Finding]:
    """An anchor that is used twice is read twice, but stands in the file once."""
    seen = set()
    for one in findings:
        key = (one.rule, one.line, one.column, one.message)
        if key not in seen:
            seen.add(key)
            yield one


def _chosen(findings: Iterable[Finding], only: Collection[str], least: Severity) -> Iterator[Finding]:
    allowed = SEVERITIES[: SEVERITIES.index(least) + 1]
    for one in findings:
        if one.severity in allowed and (not only or one.rule in only or one.rule == "M0"):
            yield one


def _order(one: Finding) -> tuple[object, ...]:
    return one.path, one.line, one.column, natural(one.rule), one.message


def natural(rule: str) -> tuple[str, int]:
    """Order ids as people count: M2 before M10."""
    found = re.fullmatch(r"(\D*)(\d+)", rule)
    return (found[1], int(found[2])) if found else (rule, 0)
