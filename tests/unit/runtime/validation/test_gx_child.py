from __future__ import annotations

import ast
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlcicd.runtime.validation import gx_child

COUNTED = {"element_count": 569, "unexpected_count": 45, "unexpected_percent": 7.9086115992970125}
SECRET = "alice@example.org"
# The two shapes of GX 1.24.1: flat, and one mapping for each metric that failed.
FLAT = {
    "raised_exception": True,
    "exception_traceback": f"Traceback\n  x\nValueError: '{SECRET}'",
    "exception_message": None,
}
NESTED = {
    "MetricConfigurationID(name=x)": {
        "raised_exception": True,
        "exception_traceback": "Traceback",
        "exception_message": f'Error: The column "age" in BatchData does not exist, nor "{SECRET}".',
    }
}
FINE = {"raised_exception": False, "exception_traceback": None, "exception_message": None}


def entry(
    type="expect_column_values_to_be_between", result=COUNTED, info=FINE, severity="critical", success=True, **kwargs
):
    config = {"type": type, "kwargs": {"batch_id": "raw-raw", "column": "age", **kwargs}, "severity": severity}
    return {"success": success, "expectation_config": config, "result": result, "exception_info": info}


def test_a_result_is_reduced_to_counts():
    values = {**COUNTED, "partial_unexpected_list": [SECRET], "details": {"unexpected_rows": [SECRET]}}
    found = gx_child.reduce(entry(result=values, min_value=5.0, max_value=None, mostly=0.9))
    assert found == {
        "type": "expect_column_values_to_be_between",
        "column": "age",
        "severity": "critical",
        "success": True,
        "expected": "min_value=5, mostly=0.9",
        "observed": "45 of 569 unexpected (7.91 %)",
        "error": "",
    }


@pytest.mark.parametrize(
    ("type", "value", "observed"),
    [
        ("expect_column_mean_to_be_between", 654.8891036906855, "654.889"),
        ("expect_table_row_count_to_equal", 569, "569"),
        ("expect_column_min_to_be_between", SECRET, "text"),
        ("expect_column_distinct_values_to_be_in_set", [SECRET, "b"], "2 distinct"),
        ("expect_column_values_to_be_of_type", "int64", "int64"),
        ("expect_table_columns_to_match_set", ["a", "b"], "[a, b]"),
        ("expect_column_quantile_values_to_be_between", {"quantiles": [0.5], "values": [551.1]}, "quantile 0.5: 551.1"),
        ("expect_column_max_to_be_between", None, ""),
    ],
)
def test_what_was_observed_is_shown_only_where_it_is_no_row(type, value, observed):
    assert gx_child.reduce(entry(type, {"observed_value": value}))["observed"] == observed


@pytest.mark.parametrize("info", [FLAT, NESTED])
def test_an_error_in_either_shape_is_shown_without_values(info):
    found = gx_child.reduce(entry(info=info, result={}, success=False), known={"age"})["error"]
    assert found
    assert SECRET not in found
    assert ('"age"' in found) is (info is NESTED)


def test_severities():
    assert [gx_child.reduce(entry(severity=given))["severity"] for given in ("warning", None, "odd")] == [
        "warning",
        "critical",
        "critical",
    ]


def test_several_columns_are_one_name():
    config = entry(column=None, column_A="a", column_B="b")
    assert gx_child.reduce(config)["column"] == "a, b"
    assert gx_child.reduce(entry(column=None, column_list=["x", "y"]))["column"] == "x, y"


@pytest.mark.parametrize(
    ("error", "known", "shown"),
    [
        (
            ValueError(f"could not convert string to float: '{SECRET}'"),
            (),
            "ValueError: could not convert string to float: '…'",
        ),
        (
            FileNotFoundError(2, "No such file", "data/raw.csv"),
            (),
            "FileNotFoundError: [Errno 2] No such file: 'data/raw.csv'",
        ),
        (ValueError("no 'raw'"), None, "ValueError: no 'raw'"),
        (type("NoAvailableBatchesError", (Exception,), {})(), (), "no data: the asset's file or table is not there"),
    ],
)
def test_exceptions_are_put_into_one_line(error, known, shown):
    assert gx_child.describe(error, known) == shown


def test_long_texts_are_cut():
    assert len(gx_child.reduce(entry(value_set=["x" * 50] * 100))["expected"]) <= 200


def test_it_stands_alone():
    """It runs on the project's Python, where there is no mlcicd."""
    tree = ast.parse(Path(gx_child.__file__).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def child(tmp_path, asked={"checkpoints": ["raw"]}):  # noqa: B006 - it is not changed
    result = tmp_path / "result.json"
    request = json.dumps({**asked, "result": str(result)})
    done = subprocess.run(
        [sys.executable, gx_child.__file__], cwd=tmp_path, input=request, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    return json.loads(result.read_text())


def test_a_folder_without_a_project_gets_none(tmp_path):
    found = child(tmp_path)
    assert found["refused"] == "absent"
    assert not (tmp_path / "gx").exists()


LIBRARY = """
import test, types
print("noise")
class Key:
    def to_tuple(self): return ("raw",)
class Suite: name, expectations = "s", []
class Batch:
    def validate(self, suite, result_format):
        assert result_format == {"result_format": "BASIC", "partial_unexpected_count": 0}
        return Result()
class Result:
    results = []
    def to_json_dict(self):
        configs = [{"type": "t", "kwargs": {"column": column}, "severity": "critical"} for column in "ba"]
        empty = {"element_count": 0}
        return {"results": [{"success": True, "expectation_config": config, "result": empty} for config in configs]}
class Data:
    data_asset = types.SimpleNamespace(name="raw", datasource=types.SimpleNamespace(name="files"))
    def get_batch(self): return Batch()
definition = types.SimpleNamespace(suite=Suite, data=Data())
class Checkpoints:
    def get(self, name): return types.SimpleNamespace(validation_definitions=[definition])
def get_context(mode, project_root_dir):
    store = types.SimpleNamespace(list_keys=lambda: [Key()])
    return types.SimpleNamespace(checkpoint_store=store, checkpoints=Checkpoints(), variables=types.SimpleNamespace())
"""


def test_checkpoints_run_sorted_quietly_and_with_the_projects_modules(tmp_path):
    (tmp_path / "gx").mkdir()
    (tmp_path / "gx/great_expectations.yml").touch()
    (tmp_path / "great_expectations.py").write_text(LIBRARY + "assert test.MINE\n")
    (tmp_path / "test.py").write_text("MINE = True\n")
    (found,) = child(tmp_path)["results"]
    assert (found["name"], found["suite"], found["asset"], found["rows"]) == ("raw", "s", "files/raw", 0)
    assert [expectation["column"] for expectation in found["expectations"]] == ["a", "b"]


def test_values_are_shown_only_where_they_may_be():
    result = {**COUNTED, "partial_unexpected_list": ["a" * 50, 3.0]}
    shown = gx_child.observed("expect_column_values_to_be_in_set", result, values=True)
    assert shown == f"45 of 569 unexpected (7.91 %); such as '{'a' * 40}', '3'"
    assert "such as" not in gx_child.observed("expect_column_values_to_be_in_set", result)
    assert gx_child.observed("expect_column_min_to_be_between", {"observed_value": SECRET}, values=True) == SECRET


@pytest.mark.parametrize(
    ("address", "text", "shown"),
    [
        ("postgresql://u:s3c%40ret@h/d", "no postgresql://u:s3c%40ret@h/d", "no ***"),
        ("postgresql://u:s3c%40ret@h/d", "user u, s3c@ret or s3c%40ret", "user u, *** or ***"),
        ("rubbish [", "at rubbish [", "at ***"),
        ("", "nothing", "nothing"),
    ],
)
def test_an_address_is_hidden_in_messages(address, text, shown):
    assert gx_child.hide(text, address) == shown


def test_the_reason_of_a_database_is_its_first_line():
    outer = RuntimeError("wrapped")
    outer.__cause__ = ValueError("no such table: x\n[SQL: SELECT 'alice']")
    assert gx_child._deepest(outer) == "no such table: x"


SUITES = """
import types
class Batch: pass
class ExpectationSuite:
    def __init__(self, name): self.name, self.expectations = name, []
    def add_expectation_configuration(self, made): self.expectations.append(types.SimpleNamespace(configuration=made))
def get_context(mode):
    assert mode == "ephemeral"
    return types.SimpleNamespace(variables=types.SimpleNamespace())
"""
CONFIGURATION = """
class ExpectationConfiguration:
    def __init__(self, type, kwargs, meta):
        if "odd" in kwargs: raise TypeError("odd is no argument")
        self.type, self.kwargs, self.meta = type, kwargs, meta
"""


def test_a_rule_that_gx_refuses_is_named_by_its_place(tmp_path):
    folder = tmp_path / "great_expectations/expectations"
    folder.mkdir(parents=True)
    (tmp_path / "great_expectations/__init__.py").write_text(SUITES)
    (folder / "__init__.py").touch()
    (folder / "expectation_configuration.py").write_text(CONFIGURATION)
    rules = [{"type": "t", "kwargs": {"odd": 1}, "place": "suite.yaml:3"}]
    suite = {"name": "raw.csv", "suite": "s", "engine": "pandas", "path": "raw.csv", "rules": rules}
    (found,) = child(tmp_path, {"suites": [suite]})["suites"]
    assert found == {"error": "suite.yaml:3: TypeError: odd is no argument", "kind": "rule"}


@pytest.mark.parametrize(
    ("error", "content"),
    [
        (OSError("Corrupt data: ZSTD decompression failed"), True),
        (EOFError("Compressed file ended"), True),
        (FileNotFoundError(2, "No such file"), False),
        (ConnectionError("lost"), False),
        (RuntimeError("?"), False),
    ],
)
def test_damaged_content_is_told_from_what_could_not_be_reached(error, content):
    assert gx_child._is_about_content(error) is content


def test_what_a_damaged_file_begins_with_is_not_shown():
    assert gx_child.describe(gzip.BadGzipFile("Not a gzipped file (b'al')")) == (
        "BadGzipFile: Not a gzipped file (b'…')"
    )
