"""Judge data with Great Expectations; a program of its own, started with the project's Python.

It imports nothing but the standard library and great_expectations, reads a request (JSON) from standard input and
writes the result (JSON) to the path named there. A request names checkpoints of the project in `gx/`, and suites on
files (pandas or Spark) and on tables of databases, whose address it reads from the environment. Unless `values` are
asked for, offending values never leave this process: results are reduced to counts, shares and aggregates before
anything is written.
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
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

# The keys of a result that hold no rows: everything else is dropped.
_COUNTS = ("element_count", "unexpected_count", "unexpected_percent", "missing_count", "missing_percent")
_TEXT_CUT = 200
_VALUES = 5  # how many unexpected values are shown where that is allowed
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
# Their observed text is about the schema, not about rows.
_SCHEMA = re.compile(r"of_type|in_type_list|expect_table_column")
_SHORTEST_SECRET = 3  # blanking out shorter parts of an address would make every message unreadable


class _Refused(Exception):
    """A request that cannot be met; `kind` tells the parent how to put it."""

    def __init__(self, kind: str, message: str, known: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.known = sorted(known)


class _Unjudged(Exception):
    """A suite that cannot be judged; `kind` tells the parent whose fault that is.

    `rule`: what is asked for is wrong. `outside`: the table cannot be reached. `content`: it is there, but is no table.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    # This file's folder holds modules of mlcicd: an import must find the project's, not these.
    sys.path[0] = os.getcwd()  # noqa: PTH109 - sys.path holds texts
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        answer = _answer(request)
    Path(request["result"]).write_text(json.dumps(answer, default=str), encoding="utf-8")


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)  # GX logs tens of KB of tracebacks, with values in them
    values = bool(request.get("values"))
    found = _checkpoints(request["checkpoints"], values) if request.get("checkpoints") else {}
    return {**found, "suites": [_suite(asked, values) for asked in request.get("suites") or ()]}


def _checkpoints(names: list[str], values: bool) -> dict[str, Any]:
    try:
        context = _context()
        known = [key.to_tuple()[0] for key in context.checkpoint_store.list_keys()]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise _Refused("unknown", unknown[0], known)
        return {"results": [part for name in names for part in _checkpoint(context, name, values)]}
    except _Refused as error:
        return {"refused": error.kind, "message": str(error), "known": error.known}
    except Exception as error:
        return {"refused": "broken", "message": describe(error, known=None), "known": []}


def _context() -> Any:
    # Asked for in a folder without one, GX would make a new project.
    if not any(Path(folder, "great_expectations.yml").is_file() for folder in ("gx", "great_expectations")):
        raise _Refused("absent", "no Great Expectations project: there is no gx/great_expectations.yml")
    return _quiet(import_module("great_expectations").get_context(mode="file", project_root_dir="."))


def _quiet(context: Any) -> Any:
    with contextlib.suppress(Exception):  # only noise, and the class has moved before
        bars = import_module("great_expectations.data_context.types.base").ProgressBarsConfig
        context.variables.progress_bars = bars(globally=False)
    return context


def _checkpoint(context: Any, name: str, values: bool) -> list[dict[str, Any]]:
    """Run each validation of a checkpoint. Its actions (mails, uploads) are not taken: a check has no effects."""
    definitions = context.checkpoints.get(name).validation_definitions
    if not definitions:
        return [{"name": name, "error": "the checkpoint has no validation definition"}]
    return [{"name": name, **_validation(definition, values)} for definition in definitions]


def _validation(definition: Any, values: bool) -> dict[str, Any]:
    suite, asset = definition.suite, definition.data.data_asset
    head = {"suite": suite.name, "asset": f"{asset.datasource.name}/{asset.name}"}
    try:
        facts, pairs = _judge(definition.data.get_batch(), suite, values)
    except Exception as error:
        return {**head, "error": describe(error, _known(suite)), "unreadable": _is_about_content(error)}
    return {**head, **facts, "expectations": sorted((found for _, found in pairs), key=_order)}


def _suite(asked: Mapping[str, Any], values: bool) -> dict[str, Any]:
    """Judge one suite; its expectations come back in its own order."""
    address = os.environ.get(asked.get("connection") or "", "")
    try:
        context = _quiet(import_module("great_expectations").get_context(mode="ephemeral"))
        suite = import_module("great_expectations").ExpectationSuite(name=asked["suite"])
        for place, rule in enumerate(asked["rules"]):
            _add(suite, rule, place)
        with _batch(context, asked) as batch:
            facts, pairs = _judge(batch, suite, values)
        pairs.sort(key=lambda pair: int(pair[0]["expectation_config"]["meta"]["place"]))
        return {**facts, "expectations": [found for _, found in pairs]}
    except _Unjudged as error:
        return {"error": hide(str(error), address), "kind": error.kind}
    except Exception as error:
        return {"error": hide(describe(error), address), "kind": "outside"}


def _add(suite: Any, rule: Mapping[str, Any], place: int) -> None:
    # Results come in no order: the place brings them back into the suite's.
    configuration = import_module("great_expectations.expectations.expectation_configuration").ExpectationConfiguration
    try:
        made = configuration(type=rule["type"], kwargs=rule["kwargs"], meta={"place": place})
        suite.add_expectation_configuration(made)
    except Exception as error:
        raise _Unjudged("rule", f"{rule['place']}: {describe(error, known=None)}") from None


@contextlib.contextmanager
def _batch(context: Any, asked: Mapping[str, Any]) -> Iterator[Any]:
    """Open the table of a suite."""
    if asked["engine"] == "sql":
        yield _sql(context, asked)
    elif asked["engine"] == "spark":
        with _spark() as session:
            yield _frame(context.data_sources.add_spark("files"), asked, _spark_frame(session, asked["path"]))
    else:
        yield _frame(context.data_sources.add_pandas("files"), asked, _pandas_frame(asked["path"]))


def _frame(source: Any, asked: Mapping[str, Any], frame: Any) -> Any:
    definition = source.add_dataframe_asset(asked["name"]).add_batch_definition_whole_dataframe("whole")
    return definition.get_batch({"dataframe": frame})


def _pandas_frame(path: str) -> Any:
    pandas = import_module("pandas")
    try:
        return pandas.read_csv(path) if _is_csv(path) else pandas.read_parquet(path)
    except ImportError:
        raise _Unjudged(
            "outside", "pandas needs pyarrow to read Parquet: add it to the project's environment"
        ) from None
    except UnicodeDecodeError:
        raise _Unjudged("content", "it is not UTF-8 text") from None
    except Exception as error:
        if type(error).__name__ == "EmptyDataError":
            raise _Unjudged("content", "it is empty") from None
        raise _Unjudged("content" if _is_about_content(error) else "outside", describe(error)) from None


@contextlib.contextmanager
def _spark() -> Iterator[Any]:
    """Start Spark as this machine has it set up; alone on this machine when it has not."""
    try:
        builder = import_module("pyspark.sql").SparkSession.builder
    except ImportError:
        raise _Unjudged("outside", "pyspark is not installed: add great-expectations[spark]") from None
    try:
        session = builder.appName("mlcicd").config("spark.ui.enabled", "false").getOrCreate()
    except Exception as error:
        raise _Unjudged("outside", f"Spark did not start, is Java here? {describe(error)}") from None
    try:
        yield session
    finally:
        session.stop()


def _spark_frame(session: Any, path: str) -> Any:
    address = Path(path).resolve().as_uri()
    try:
        if _is_csv(path):
            return session.read.csv(address, header=True, inferSchema=True)
        return session.read.parquet(address)
    except Exception as error:
        raise _Unjudged("content", f"Spark cannot read it: {describe(error)}") from None


def _is_csv(path: str) -> bool:
    return path.lower().endswith((".csv", ".csv.gz"))


def _sql(context: Any, asked: Mapping[str, Any]) -> Any:
    schema, _, table = asked["table"].rpartition(".")
    try:
        # GX puts the address in only to connect: what it keeps and prints has the variable's name.
        source = context.data_sources.add_sql("database", connection_string=f"${{{asked['connection']}}}")
    except Exception as error:
        raise _Unjudged("outside", f"the database at {asked['connection']}: {_deepest(error)}") from None
    try:
        asset = source.add_table_asset(asked["name"], table_name=table, schema_name=schema or None)
        return asset.add_batch_definition_whole_table("whole").get_batch()
    except Exception as error:
        raise _Unjudged("outside", f"the table {asked['table']}: {_deepest(error)}") from None


def _deepest(error: BaseException) -> str:
    """Return the first line of what began it: GX wraps the driver's error in others, its statement below it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return _cut(next(iter(str(error).splitlines()), "") or type(error).__name__)


def hide(text: str, address: str) -> str:
    """Blank out a database's address, and what is secret in it, in a message."""
    try:
        password = urlsplit(address).password or ""
    except ValueError:
        password = ""
    for secret in (address, password, unquote(password)):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def _judge(batch: Any, suite: Any, values: bool) -> tuple[dict[str, Any], list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Return facts about the table, and GX's result of each expectation with what may be shown of it."""
    # Not `definition.run()`: that also stores the result, values included, and fails when one is a numpy scalar.
    form = {"result_format": "BASIC", "partial_unexpected_count": _VALUES if values else 0}
    result, known = batch.validate(suite, result_format=form), _known(suite)
    found = result.to_json_dict()["results"]
    _strip(result, known)
    pairs = [(entry, reduce(entry, known, values)) for entry in found]
    return {"rows": _rows(batch, found), "columns": _columns(batch), "page": _page(result)}, pairs


def _known(suite: Any) -> set[str]:
    """Return the names of columns that a suite speaks of: they may be quoted in messages."""
    return {str(name) for expectation in suite.expectations for name in columns(expectation.configuration.kwargs)}


def reduce(entry: Mapping[str, Any], known: Iterable[str] = (), values: bool = False) -> dict[str, Any]:
    """Return what may be shown of one expectation's result: no values of rows unless `values` are allowed."""
    config = entry["expectation_config"]
    kwargs = config.get("kwargs") or {}
    name = str(config["type"])
    return {
        "type": name,
        "column": ", ".join(columns(kwargs)),
        "severity": _severity(config.get("severity")),
        "success": bool(entry["success"]),
        "expected": expected(kwargs),
        "observed": observed(name, entry.get("result") or {}, values),
        "error": raised(entry.get("exception_info") or {}, known),
    }


def columns(kwargs: Mapping[str, Any]) -> list[str]:
    """Return the columns that an expectation's arguments name."""
    named = [kwargs[key] for key in ("column", "column_A", "column_B") if kwargs.get(key)]
    return [str(name) for name in (*named, *(kwargs.get("column_list") or []), *(kwargs.get("column_set") or []))]


def expected(kwargs: Mapping[str, Any]) -> str:
    """Put an expectation's other arguments into one line."""
    asked = {key: value for key, value in kwargs.items() if not key.startswith(("column", "batch_id"))}
    return _cut(", ".join(f"{key}={_value(value)}" for key, value in asked.items() if value is not None))


def observed(name: str, result: Mapping[str, Any], values: bool = False) -> str:
    """Put GX's result of an expectation into one line: counts, shares and aggregates.

    Texts that stand in rows are left out unless `values` are allowed.
    """
    if result.get("element_count") is not None and result.get("unexpected_count") is not None:
        share = result.get("unexpected_percent")
        percent = f" ({share:.3g} %)" if isinstance(share, (int, float)) else ""
        some = ", ".join(repr(_value(value)[:40]) for value in result.get("partial_unexpected_list") or ())
        such = f"; such as {some}" if values and some else ""
        return _cut(f"{result['unexpected_count']} of {result['element_count']} unexpected{percent}{such}")
    value = result.get("observed_value")
    if isinstance(value, Mapping) and isinstance(value.get("quantiles"), list):
        pairs = zip(value["quantiles"], value.get("values") or [], strict=False)
        return _cut(", ".join(f"quantile {share}: {_value(found)}" for share, found in pairs))
    shown = values or _SCHEMA.search(name)
    if isinstance(value, (list, tuple, set, Mapping)):
        return _cut(_value(list(value))) if shown else f"{len(value)} distinct"
    if isinstance(value, str) and not shown:
        return "text"
    return "" if value is None else _cut(_value(value))


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
    if (isinstance(error, OSError) and error.errno is not None) or known is None:
        return _cut(f"{type(error).__name__}: {text}")
    return f"{type(error).__name__}: {_redact(text, known)}"


def _is_about_content(error: Exception) -> bool:
    """Tell data that is there but is no table (empty, ragged, damaged) from data that could not be reached.

    What the system refuses has a number; what pyarrow and gzip say of damaged content has none.
    """
    damaged = isinstance(error, OSError) and error.errno is None and not isinstance(error, ConnectionError)
    foreign = type(error).__module__.startswith(("pandas", "pyarrow", "zlib"))
    return damaged or foreign or isinstance(error, (UnicodeDecodeError, EOFError))


def _redact(text: str, known: Iterable[str]) -> str:
    """Blank out what is quoted in a message, for it may be a value: `could not convert string to float: '…'`."""
    names = set(known)
    return _cut(_QUOTED.sub(lambda found: found[0] if found[0][1:-1] in names else "'…'", " ".join(text.split())))


def _severity(value: Any) -> str:
    text = str(getattr(value, "value", value) or "critical").lower()
    return text if text in ("critical", "warning", "info") else "critical"


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


def _columns(batch: Any) -> list[str]:
    """Return the names of the table's columns; none when this version of GX does not tell them."""
    try:
        return [str(name) for name in batch.columns()]
    except Exception:
        return []


def _strip(result: Any, known: Iterable[str]) -> None:
    """Take the values out of a result that is going to be rendered."""
    for entry in result.results:
        kept = {key: value for key, value in (entry.result or {}).items() if key in _COUNTS}
        name = entry.expectation_config.type
        if "observed_value" in (entry.result or {}):
            kept["observed_value"] = observed(name, {"observed_value": entry.result["observed_value"]})
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
