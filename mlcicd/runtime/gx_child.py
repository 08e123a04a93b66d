"""Run Great Expectations checkpoints; a program of its own, started with the project's Python.

It imports nothing but the standard library and great_expectations, reads a request (JSON) from standard input and
writes the result (JSON) to the path named there. Offending values never leave this process: results are reduced to
counts, shares and aggregates before anything is written.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

# The keys of a result that hold no rows: everything else is dropped.
_COUNTS = ("element_count", "unexpected_count", "unexpected_percent", "missing_count", "missing_percent")
_TEXT_CUT = 200
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
# Their observed text is about the schema, not about rows.
_SCHEMA = re.compile(r"of_type|in_type_list|expect_table_column")


class _Refused(Exception):
    """A request that cannot be met; `kind` tells the parent how to put it."""

    def __init__(self, kind: str, message: str, known: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.known = sorted(known)


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    # This file's folder holds modules called `test` and `data`: an import must find the project's, not these.
    sys.path[0] = os.getcwd()  # noqa: PTH109 - sys.path holds texts
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        answer = _answer(request["checkpoints"])
    Path(request["result"]).write_text(json.dumps(answer, default=str), encoding="utf-8")


def _answer(names: list[str]) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)  # GX logs tens of KB of tracebacks, with values in them
    try:
        context = _context()
        known = [key.to_tuple()[0] for key in context.checkpoint_store.list_keys()]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise _Refused("unknown", unknown[0], known)
        return {"results": [part for name in names for part in _checkpoint(context, name)]}
    except _Refused as error:
        return {"refused": error.kind, "message": str(error), "known": error.known}
    except Exception as error:
        return {"refused": "broken", "message": describe(error, known=None), "known": []}


def _context() -> Any:
    # Asked for in a folder without one, GX would make a new project.
    if not any(Path(folder, "great_expectations.yml").is_file() for folder in ("gx", "great_expectations")):
        raise _Refused("absent", "no Great Expectations project: there is no gx/great_expectations.yml")
    context = import_module("great_expectations").get_context(mode="file", project_root_dir=".")
    with contextlib.suppress(Exception):  # only noise, and the class has moved before
        bars = import_module("great_expectations.data_context.types.base").ProgressBarsConfig
        context.variables.progress_bars = bars(globally=False)
    return context


def _checkpoint(context: Any, name: str) -> list[dict[str, Any]]:
    """Run each validation of a checkpoint. Its actions (mails, uploads) are not taken: a check has no effects."""
    definitions = context.checkpoints.get(name).validation_definitions
    if not definitions:
        return [{"name": name, "error": "the checkpoint has no validation definition"}]
    return [{"name": name, **_validation(definition)} for definition in definitions]


def _validation(definition: Any) -> dict[str, Any]:
    suite, asset = definition.suite, definition.data.data_asset
    head = {"suite": suite.name, "asset": f"{asset.datasource.name}/{asset.name}"}
    known = {str(value) for expectation in suite.expectations for value in _columns(expectation.configuration.kwargs)}
    try:
        # Not `definition.run()`: that also stores the result, values included, and fails when one is a numpy scalar.
        batch = definition.data.get_batch()
        result = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
    except Exception as error:
        return {**head, "error": describe(error, known), "unreadable": _is_about_content(error)}
    found = result.to_json_dict()["results"]
    _strip(result, known)
    return {
        **head,
        "rows": _rows(batch, found),
        "expectations": sorted((reduce(entry, known) for entry in found), key=_order),
        "page": _page(result),
    }


def reduce(entry: Mapping[str, Any], known: Iterable[str] = ()) -> dict[str, Any]:
    """Return what may be shown of one expectation's result: no values of rows."""
    config = entry["expectation_config"]
    kwargs = config.get("kwargs") or {}
    name = str(config["type"])
    asked = {key: value for key, value in kwargs.items() if not key.startswith(("column", "batch_id"))}
    return {
        "type": name,
        "column": ", ".join(map(str, _columns(kwargs))),
        "severity": _severity(config.get("severity")),
        "success": bool(entry["success"]),
        "expected": _cut(", ".join(f"{key}={_value(value)}" for key, value in asked.items() if value is not None)),
        "observed": _observed(name, entry.get("result") or {}),
        "error": raised(entry.get("exception_info") or {}, known),
    }


def raised(info: Mapping[str, Any], known: Iterable[str] = ()) -> str:
    """Return why an expectation could not be evaluated, "" when it could.

    GX has two shapes of this: flat, and one such mapping per metric that failed.
    """
    for entry in [info] if "raised_exception" in info else info.values():
        if isinstance(entry, Mapping) and entry.get("raised_exception"):
            lines = [line for line in str(entry.get("exception_traceback") or "").splitlines() if line.strip()]
            return _redact(str(entry.get("exception_message") or (lines or ["failed"])[-1]), known)
    return ""


def describe(error: Exception, known: Iterable[str] | None = ()) -> str:
    """Put an exception into one line; `known` names may be quoted in it (None: anything, no data was read yet)."""
    if type(error).__name__ == "NoAvailableBatchesError":
        return "no data: the asset's file or table is not there"
    text = " ".join(str(error).split())
    if isinstance(error, OSError) or known is None:
        return _cut(f"{type(error).__name__}: {text}")
    return f"{type(error).__name__}: {_redact(text, known)}"


def _is_about_content(error: Exception) -> bool:
    """Tell data that is there but is no table (empty, ragged, not UTF-8) from data that could not be reached."""
    return type(error).__module__.startswith("pandas") or isinstance(error, UnicodeDecodeError)


def _redact(text: str, known: Iterable[str]) -> str:
    """Blank out what is quoted in a message, for it may be a value: `could not convert string to float: '…'`."""
    names = set(known)
    return _cut(_QUOTED.sub(lambda found: found[0] if found[0][1:-1] in names else "'…'", " ".join(text.split())))


def _columns(kwargs: Mapping[str, Any]) -> list[Any]:
    named = [kwargs[key] for key in ("column", "column_A", "column_B") if kwargs.get(key)]
    return [*named, *(kwargs.get("column_list") or []), *(kwargs.get("column_set") or [])]


def _severity(value: Any) -> str:
    text = str(getattr(value, "value", value) or "critical").lower()
    return text if text in ("critical", "warning", "info") else "critical"


def _observed(name: str, result: Mapping[str, Any]) -> str:
    if result.get("element_count") is not None and result.get("unexpected_count") is not None:
        share = result.get("unexpected_percent")
        percent = f" ({share:.3g} %)" if isinstance(share, (int, float)) else ""
        return f"{result['unexpected_count']} of {result['element_count']} unexpected{percent}"
    value = result.get("observed_value")
    if isinstance(value, Mapping) and isinstance(value.get("quantiles"), list):
        pairs = zip(value["quantiles"], value.get("values") or [], strict=False)
        return _cut(", ".join(f"quantile {share}: {_value(found)}" for share, found in pairs))
    if isinstance(value, (list, tuple, set, Mapping)):
        return _cut(_value(list(value))) if _SCHEMA.search(name) else f"{len(value)} distinct"
    if isinstance(value, str) and not _SCHEMA.search(name):
        return "text"
    return "" if value is None else _cut(_value(value))


def _value(value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        more = ", …" if len(value) > 8 else ""
        return f"[{', '.join(map(_value, value[:8]))}{more}]"
    return str(value)


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_CUT else f"{text[: _TEXT_CUT - 1]}…"


def _order(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    return (entry["column"], entry["type"], entry["expected"])


def _rows(batch: Any, found: Iterable[Mapping[str, Any]]) -> int:
    """Return the number of rows, -1 when it is unknown: checks of no rows at all pass, and must not count."""
    counts = [(entry.get("result") or {}).get("element_count") for entry in found]
    largest = max((count for count in counts if count is not None), default=0)
    if largest:
        return int(largest)
    try:
        metric = import_module("great_expectations.metrics").BatchRowCount()
        return int(batch.compute_metrics(metric).value)
    except Exception:
        return 0 if any(count is not None for count in counts) else -1


def _strip(result: Any, known: Iterable[str]) -> None:
    """Take the values out of a result that is going to be rendered."""
    for entry in result.results:
        kept = {key: value for key, value in (entry.result or {}).items() if key in _COUNTS}
        name = entry.expectation_config.type
        if "observed_value" in (entry.result or {}):
            kept["observed_value"] = _observed(name, {"observed_value": entry.result["observed_value"]})
        entry.result = {**kept, "partial_unexpected_list": []}
        message = raised(entry.exception_info or {}, known)
        entry.exception_info = {
            "raised_exception": bool(message),
            "exception_message": message or None,
            "exception_traceback": message or None,
        }


def _page(result: Any) -> str:
    """Render GX's own page of a result; "" when this version of GX renders in another way."""
    try:
        content = import_module("great_expectations.render.renderer").ValidationResultsPageRenderer().render(result)
        return str(import_module("great_expectations.render.view").DefaultJinjaPageView().render(content))
    except Exception:
        return ""


if __name__ == "__main__":
    main()
