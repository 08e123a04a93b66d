"""A result as SARIF 2.1.0: what code scanning reads, and what editors show."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from mlcicd import __version__
from mlcicd.lint.explain import section
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Rule, text
from mlcicd.lint.rules import RULES
from mlcicd.lint.run import Result, natural

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_PAGE = "https://github.com/mlcicd/mlcicd/blob/main/docs/lint.md"


def render(result: Result) -> str:
    """Return the result as SARIF; what is ignored stands in it as suppressed, with its reason."""
    reasons = {id(one.finding): one.reason for one in result.ignored}
    findings = [*result.findings, *(one.finding for one in result.ignored)]
    order = sorted({one.rule for one in findings}, key=natural)
    prints = _fingerprints(findings)
    run = {
        "tool": {
            "driver": {
                "name": "mlcicd",
                "semanticVersion": __version__,
                "informationUri": _PAGE,
                "rules": [_rule(rule) for rule in order],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not result.broken, "toolExecutionNotifications": _failures(result)}],
        "results": [_result(one, order.index(one.rule), prints[id(one)], reasons.get(id(one))) for one in findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False) + "\n"


def _rule(rule: str) -> dict[str, Any]:
    ours: Mapping[str, type[Rule]] = {one.id: one for one in RULES}
    if rule not in ours:
        return {"id": rule, "shortDescription": {"text": rule}, "help": {"text": f"See the manual of {rule}."}}
    said = text(ours[rule])
    return {
        "id": rule,
        "name": ours[rule].__name__,
        "shortDescription": {"text": said.title},
        "fullDescription": {"text": said.why or said.title},
        "help": {"text": section(ours[rule]), "markdown": section(ours[rule])},
        "helpUri": _PAGE,
        "defaultConfiguration": {"level": ours[rule].severity},
        "properties": {"tags": list(ours[rule].platforms)},
    }


def _result(one: Finding, index: int, fingerprint: str, reason: str | None) -> dict[str, Any]:
    region = {"startLine": one.line, "startColumn": one.column, "endLine": one.line, "endColumn": one.end_column}
    made = {
        "ruleId": one.rule,
        "ruleIndex": index,
        "level": one.severity,
        "message": {"text": f"{one.message}. Instead: {one.remedy}" if one.remedy else one.message},
        "locations": [{"physicalLocation": {"artifactLocation": _location(one.path), "region": region}}],
        "partialFingerprints": {"primaryLocationLineHash": fingerprint},
    }
    if one.also:
        made["properties"] = {"also": list(one.also)}
    if reason:
        made["suppressions"] = [{"kind": "inSource", "justification": reason}]
    return made


def _location(path: str) -> dict[str, str]:
    if PurePosixPath(path).is_absolute():
        return {"uri": Path(path).as_uri()}
    return {"uri": quote(os.fsencode(path)), "uriBaseId": "%SRCROOT%"}


def _failures(result: Result) -> list[dict[str, Any]]:
    return [{"level": "error", "message": {"text": line}} for line in result.broken]


def _fingerprints(findings: Iterable[Finding]) -> dict[int, str]:
    """By `id`: the same for the same line of the same file wherever it moves, another for its twin."""
    seen: Counter[str] = Counter()
    made = {}
    for one in findings:
        key = "\n".join((one.rule, one.path, one.source_line.strip(), one.message))
        seen[key] += 1
        made[id(one)] = f"{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:16]}:{seen[key]}"
    return made
