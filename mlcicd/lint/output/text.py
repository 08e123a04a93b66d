"""A result for people: place, what is wrong, the line with a caret, and the next step."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from mlcicd.lint.model import Finding, Severity
from mlcicd.lint.run import Result

_COLOURS: dict[Severity, str] = {"error": "red", "warning": "yellow", "note": "cyan"}
_INDENT = "    "
_WIDTH = 160
_BEFORE = 60
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def render(result: Result) -> str:
    """Return the findings and a last line that sums up, with colours (`click.echo` drops them for a file)."""
    parts = [_finding(one) for one in result.findings]
    return "\n".join([*parts, summary(result)]) + "\n"


def summary(result: Result) -> str:
    """Return the last line: how many of what in how many files, how many `--fix` mends, who else looked."""
    counts = [_many(result.count("error"), "error"), _many(result.count("warning"), "warning")]
    counts += [_many(notes, "note")] if (notes := result.count("note")) else []
    ignored = f" ({len(result.ignored)} ignored with reasons)" if result.ignored else ""
    head = f"{', '.join(counts)} in {_many(len(result.files.paths), 'file')}{ignored}"
    mended = [f"`--fix` would mend {count}"] if (count := result.mendable) else []
    return "; ".join([head, *mended, *result.linters])


def line(one: Finding) -> str:
    """Return a finding on one line, plain: its place, rule and message."""
    return f"{safe(one.path)}:{one.line}:{one.column}: {one.rule}: {safe(one.message)}"


def safe(line: str) -> str:
    """Make foreign text harmless on one line: no escape codes for a terminal, no commands for a runner's log."""
    quiet = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", line).replace("##[", "# #[")
    return re.sub(r"^(\s*)::", r"\1: :", quiet)


def _finding(one: Finding) -> str:
    where = click.style(f"{safe(one.path)}:{one.line}:{one.column}:", bold=True)
    severity = click.style(one.severity, fg=_COLOURS[one.severity], bold=True)
    also = f" ({', '.join(one.also)})" if one.also else ""
    lines = [f"{where} {severity} {one.rule}{also}: {safe(one.message)}"]
    if one.source_line.strip():
        lines += _excerpt(one)
    more = ["mended by --fix"] if one.fixes else []
    more += [] if "/" in one.rule else [f"mlcicd lint --explain {one.rule}"]
    behind = f" ({'; '.join(more)})" if more else ""
    if one.remedy:
        lines.append(f"{_INDENT}instead: {safe(one.remedy)}{behind}")
    return "\n".join(lines)


def _excerpt(one: Finding) -> Sequence[str]:
    """Return the line and a caret line below; of a very long line what surrounds the place."""
    start, end = one.column - 1, one.end_column - 1
    indent = len(one.source_line) - len(one.source_line.lstrip())
    first = max(min(indent, start), start - _BEFORE)
    shown = one.source_line[first : first + _WIDTH]
    before = "".join("\t" if char == "\t" else " " for char in shown[: start - first])
    carets = "^" * max(1, min(end, first + len(shown)) - start)
    return f"{_INDENT}{safe(shown.rstrip())}", f"{_INDENT}{before}{click.style(carets, fg=_COLOURS[one.severity])}"


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"
