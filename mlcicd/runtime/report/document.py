"""report.json as a file. Its reader trusts nothing: not the size, not the shape, not a single text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlcicd.errors import UsageError
from mlcicd.runtime.markdown import clean
from mlcicd.runtime.report import troubles
from mlcicd.runtime.report.model import MAX_BYTES, Report

# A report that had to be made smaller may have lost the facts that tell these apart.
_CALM = frozenset({"pass", "no-baseline", "smoke"})


def dump(report: Report) -> str:
    """Print the report as JSON."""
    return report.model_dump_json(indent=1) + "\n"


def load(path: Path) -> Report:
    """Read a report that anybody may have written.

    Raises:
        UsageError: when it is missing, too large, or anything but a report.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read: {error.strerror}",
            hint="`mlcicd report` writes it, and its job keeps it as an artifact",
        ) from None
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{path}: larger than {MAX_BYTES:,} bytes, which no report of ours is")
    return parse(raw, str(path))


def parse(raw: bytes, name: str) -> Report:
    """Check a report's bytes; `name` is used in messages.

    Raises:
        UsageError: when they are anything but a report.
    """
    hint = "it must come from `mlcicd report` of the same version"
    try:
        # Once for what the validating parser lets pass: keys written twice, and NaN as a number.
        json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
        report = Report.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = clean(".".join(map(str, first["loc"])))
        raise UsageError(f"{name}: {where or 'all of it'}: {clean(first['msg'], 200)}", hint=hint) from None
    except RecursionError:
        raise UsageError(f"{name}: nested too deeply", hint=hint) from None
    except ValueError as error:
        raise UsageError(f"{name}: not a JSON document we accept: {clean(str(error), 200)}", hint=hint) from None
    meant = troubles.state(report)
    if meant != report.state and not {meant, report.state} <= _CALM:
        raise UsageError(f"{name}: state: says {report.state}, and the facts say {meant}", hint=hint)
    return report


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for key, value in pairs:
        if key in keys:
            raise ValueError(f"the key {key[:60]!r} is there twice")
        keys[key] = value
    return keys


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
