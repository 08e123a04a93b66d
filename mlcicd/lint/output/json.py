"""A result for programs. Version 1: fields may be added, none changes its meaning.

{"version": 1, "files": [path], "linters": [line], "broken": [line],
 "summary": {"error": n, "warning": n, "note": n, "ignored": n},
 "findings": [{"rule", "severity", "path", "line", "column", "end_column", "message", "remedy", "fixable",
                   "also": [ids of other linters that say the same]}],
 "ignored": [the same, and "reason"]}
"""

from __future__ import annotations

import json
from typing import Any

from mlcicd.lint.model import SEVERITIES, Finding
from mlcicd.lint.run import Result

VERSION = 1


def render(result: Result) -> str:
    """Return the result as JSON."""
    summary: dict[str, int] = {severity: result.count(severity) for severity in SEVERITIES}
    tree = {
        "version": VERSION,
        "files": sorted(result.files.paths),
        "linters": result.linters,
        "broken": result.broken,
        "summary": summary | {"ignored": len(result.ignored)},
        "findings": [_finding(one) for one in result.findings],
        "ignored": [{**_finding(one.finding), "reason": one.reason} for one in result.ignored],
    }
    return json.dumps(tree, indent=1, ensure_ascii=False) + "\n"


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "severity": one.severity,
        "path": one.path,
        "line": one.line,
        "column": one.column,
        "end_column": one.end_column,
        "message": one.message,
        "remedy": one.remedy,
        "fixable": bool(one.fixes),
        "also": one.also,
    }
