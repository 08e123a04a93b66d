"""A file of expectations to a `Suite`, or every problem in it at once, each with its place.

Two forms are read: Great Expectations' own JSON (1.x, and 0.x with `expectation_type`), and a short YAML:

    expectations:
      - expect_column_values_to_be_between: {column: radius, min_value: 5, max_value: 30, mostly: 0.99}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from mlcicd import yamlio
from mlcicd.config.load import MAX_PROBLEMS, Problem
from mlcicd.errors import UsageError
from mlcicd.runtime.validation import catalog
from mlcicd.runtime.validation.arguments import problems_of
from mlcicd.runtime.validation.model import Rule, Severity, Suite

MAX_BYTES = 4 * 1024 * 1024
_HINT = "names and arguments are those of Great Expectations 1.x; `mlcicd validate --suggest DATA` writes an example"
_SEVERITIES = get_args(Severity)
# Beside the arguments in the short form, beside `type` and `kwargs` in the long one.
_NOTES = ("severity", "meta", "notes", "description")
_LONG = ("type", "expectation_type", "kwargs", *_NOTES, "id", "rendered_content", "windows", "catch_exceptions")
_TOP = ("name", "expectations", "id", "meta", "notes", "suite_parameters", "expectation_suite_name", "data_asset_type")

_Path = tuple[str | int, ...]
_Told = tuple[_Path, str]


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """One expectation as it is written: where its name, its arguments and its severity stand."""

    type: str
    type_path: _Path
    kwargs: Mapping[str, Any]
    path: _Path
    severity: Any
    severity_path: _Path


def read(path: Path, name: str) -> Suite:
    """Read a file of expectations; `name` is what messages call it (its path from the project's folder).

    Raises:
        UsageError: naming every problem, sorted by place.
    """
    text = _text(path, name)
    tree, document = _parsed(text, name, as_json=path.suffix == ".json")
    problems = list(_problems(document))
    if problems:
        raise _refusal(name, text, [_placed(tree, *problem) for problem in problems])
    rules = (_rule(entry, tree, name) for entry in _entries(document))
    return Suite(name=str(document.get("name") or document.get("expectation_suite_name") or name), rules=tuple(rules))


def _text(path: Path, name: str) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{name}: there is no such file of expectations", hint="correct validate.suites") from None
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror}", hint="correct validate.suites") from None
    if len(raw) > MAX_BYTES:
        raise UsageError(
            f"{name}: {len(raw):,} bytes is too large for expectations (limit {MAX_BYTES:,})",
            hint="is this the data? `suite` names the file of expectations, `data` the table",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{name}:{line}: not UTF-8 text (byte {error.start})", hint="save it as UTF-8") from None


def _parsed(text: str, name: str, *, as_json: bool) -> tuple[Any, dict[str, Any]]:
    """Return the tree that knows places, and the same as plain values."""
    try:
        plain = json.loads(text) if as_json else None
        tree = yamlio.load(text)
    except json.JSONDecodeError as error:
        raise _refusal(name, text, [Problem(line=error.lineno, column=error.colno, text=error.msg)]) from None
    except yamlio.Unreadable as error:
        if not as_json:
            problem = Problem(line=error.place.line, column=error.place.column, text=error.reason)
            raise _refusal(name, text, [problem]) from None
        tree = None  # JSON that is no YAML (tabs, say) is still a suite; its problems have no place
    document = plain if as_json else _plain(tree)
    if not isinstance(document, dict):
        found = "the file is empty" if document is None else "expected keys and values with a key `expectations`"
        raise _refusal(name, text, [Problem(line=1, column=1, text=found)])
    return tree, document


def _plain(value: Any) -> Any:
    """Turn the round-trip tree into plain values; dates become text, as they stand in JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bool) or value is None:
        return value
    kind = next((kind for kind in (int, float, str) if isinstance(value, kind)), str)
    return kind(value)


def _problems(document: Mapping[str, Any]) -> Iterator[_Told]:
    for key in document:
        if key not in _TOP:
            yield (key,), f"unknown key{_meant(key, _TOP) or '; expected `expectations`'}"
    listed = document.get("expectations")
    if not isinstance(listed, list) or not listed:
        yield ("expectations",), "expected a list with at least one expectation: nothing would be checked"
        return
    for index, item in enumerate(listed):
        entry = _entry(item, ("expectations", index))
        yield from [entry] if isinstance(entry, tuple) else _problems_of(entry)


def _entry(item: Any, path: _Path) -> _Entry | _Told:
    """Read one item in either form, or say why it is in none."""
    if isinstance(item, str):
        item = {item: None}
    if not isinstance(item, dict) or not item:
        return path, "expected an expectation with its arguments, such as `expect_column_to_exist: {column: age}`"
    key = next((key for key in ("type", "expectation_type") if key in item), "")
    if key:
        return _long(item, key, path)
    if len(item) > 1:
        return path, f"expected one expectation here, got {len(item)} keys: put its arguments in braces, or indent them"
    ((name, given),) = item.items()
    if given is not None and not isinstance(given, dict):
        return (*path, name), "expected arguments as keys and values, such as {column: age}"
    kwargs = {key: value for key, value in (given or {}).items() if key not in _NOTES}
    inner = (*path, name)
    return _Entry(
        type=name, type_path=inner, kwargs=kwargs, path=inner, severity=(given or {}).get("severity"),
        severity_path=(*inner, "severity"),
    )  # fmt: skip


def _long(item: Mapping[str, Any], key: str, path: _Path) -> _Entry | _Told:
    unknown = next((word for word in item if word not in _LONG), None)
    if unknown is not None:
        return (*path, unknown), f"unknown key{_meant(unknown, _LONG)}; arguments stand under `kwargs`"
    kwargs = item.get("kwargs") or {}
    if not isinstance(item[key], str):
        return (*path, key), "expected the name of an expectation"
    if not isinstance(kwargs, dict):
        return (*path, "kwargs"), "expected arguments as keys and values"
    return _Entry(
        type=item[key], type_path=(*path, key), kwargs={k: v for k, v in kwargs.items() if k != "batch_id"},
        path=(*path, "kwargs"), severity=item.get("severity"), severity_path=(*path, "severity"),
    )  # fmt: skip


def _problems_of(entry: _Entry) -> Iterator[_Told]:
    if entry.severity is not None and entry.severity not in _SEVERITIES:
        yield entry.severity_path, f"severity: expected {', '.join(_SEVERITIES)}{_meant(entry.severity, _SEVERITIES)}"
    known = catalog.ARGUMENTS.get(entry.type)
    if known is None:
        yield entry.type_path, f"there is no expectation '{entry.type}'{_meant(entry.type, list(catalog.ARGUMENTS))}"
        return
    for key in entry.kwargs:
        if key not in known:
            yield (*entry.path, key), f"{entry.type} has no argument '{key}'{_meant(key, known) or _list(known)}"
    for key in catalog.REQUIRED[entry.type]:
        if entry.kwargs.get(key) is None:
            yield entry.type_path, f"{entry.type} needs the argument '{key}'"
    for key, said in problems_of(entry.type, entry.kwargs):
        yield (*entry.path, key), f"{key}: {said}"


def _entries(document: Mapping[str, Any]) -> Iterator[_Entry]:
    for index, item in enumerate(document["expectations"]):
        entry = _entry(item, ("expectations", index))
        if isinstance(entry, _Entry):
            yield entry


def _rule(entry: _Entry, tree: Any, name: str) -> Rule:
    line = yamlio.place(tree, entry.type_path[:2]).line if tree is not None else 1
    return Rule(type=entry.type, kwargs=entry.kwargs, severity=entry.severity or "critical", place=f"{name}:{line}")


def _meant(word: Any, known: Sequence[str]) -> str:
    close = get_close_matches(str(word), known, n=1)
    return f" — did you mean '{close[0]}'?" if close else ""


def _list(known: Sequence[str]) -> str:
    return f"; it has: {', '.join(known)}"


def _placed(tree: Any, path: _Path, said: str) -> Problem:
    if tree is None:
        return Problem(line=1, column=1, text=said)
    # What is wrong with a key is shown at the key: a value may begin lines below it.
    try:
        found = yamlio.key_place(tree, path)
    except (KeyError, IndexError, TypeError, AttributeError):
        found = yamlio.place(tree, path)
    return Problem(line=found.line, column=found.column, text=said)


def _refusal(name: str, text: str, problems: Sequence[Problem]) -> UsageError:
    lines = text.splitlines()
    shown = [problem.show(name, lines) for problem in sorted(set(problems))]
    if len(shown) > MAX_PROBLEMS:
        shown[MAX_PROBLEMS:] = [f"… and {len(shown) - MAX_PROBLEMS} more"]
    count = f"{len(set(problems))} problems" if len(set(problems)) > 1 else "1 problem"
    return UsageError(f"{name}: {count}", detail="\n".join(shown), hint=_HINT)
