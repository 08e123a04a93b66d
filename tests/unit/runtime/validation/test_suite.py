from __future__ import annotations

import json

import pytest

from mlcicd.errors import UsageError
from mlcicd.runtime.validation import suite
from mlcicd.runtime.validation.model import Rule

YAML = """\
# what is expected of data/raw.csv
expectations:
  - expect_table_row_count_to_be_between: {min_value: 100}
  - expect_column_values_to_not_be_null:
      column: radius
      severity: warning
  - expect_column_max_to_be_between: {column: day, max_value: 2026-01-31, notes: [why]}
  - type: expect_column_values_to_match_regex
    kwargs: {column: id, regex: "^[0-9]+$"}
    severity: info
"""


def read(tmp_path, text, name="raw.yaml"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return suite.read(path, f"expectations/{name}")


def problems(tmp_path, text, name="raw.yaml"):
    with pytest.raises(UsageError) as raised:
        read(tmp_path, text, name)
    return raised.value


def test_both_forms_are_read_with_their_places(tmp_path):
    found = read(tmp_path, YAML)
    assert found.name == "expectations/raw.yaml"
    assert found.rules == (
        Rule(type="expect_table_row_count_to_be_between", kwargs={"min_value": 100}, place="expectations/raw.yaml:3"),
        Rule(
            type="expect_column_values_to_not_be_null", kwargs={"column": "radius"}, severity="warning",
            place="expectations/raw.yaml:4",
        ),
        Rule(
            type="expect_column_max_to_be_between", kwargs={"column": "day", "max_value": "2026-01-31"},
            place="expectations/raw.yaml:7",
        ),
        Rule(
            type="expect_column_values_to_match_regex", kwargs={"column": "id", "regex": "^[0-9]+$"},
            severity="info", place="expectations/raw.yaml:8",
        ),
    )  # fmt: skip
    assert {type(value) for rule in found.rules for value in rule.kwargs.values()} == {int, str}


@pytest.mark.parametrize("key", ["type", "expectation_type"])
def test_great_expectations_own_json_is_read(key, tmp_path):
    entry = {
        key: "expect_column_to_exist",
        "kwargs": {"column": "😀", "batch_id": "x"},
        "meta": {"by": "me"},
        "id": None,
    }
    document = {"name": "raw", "expectations": [{**entry, "severity": "warning"}], "meta": {}, "notes": None, "id": "1"}
    for indent in (2, "\t"):  # YAML has no tabs, JSON does
        found = read(tmp_path, json.dumps(document, indent=indent), "raw.json")
        assert (found.name, len(found.rules)) == ("raw", 1)
        assert (found.rules[0].kwargs, found.rules[0].severity) == ({"column": "😀"}, "warning")


def test_every_problem_is_told_at_once_with_its_place(tmp_path):
    error = problems(
        tmp_path,
        """\
expectations:
  - expect_column_values_to_not_be_nul: {column: radius}
  - expect_column_values_to_be_between: {column: radius, min_value: 50, max_value: 30, mostly: 99, severity: warnin}
  - expect_column_values_to_be_in_set:
      colum: x
      value_set: []
sweet: 1
""",
    )
    assert error.message == "expectations/raw.yaml: 8 problems"
    lines = [line for line in error.detail.splitlines() if line.startswith("expectations/")]
    assert [line.split(": ", 1)[0] for line in lines] == [
        f"expectations/raw.yaml:{place}" for place in ("2:5", "3:73", "3:88", "3:100", "4:5", "5:7", "6:7", "7:1")
    ]
    assert "did you mean 'expect_column_values_to_not_be_null'?" in lines[0]
    assert "max_value: is less than min_value (30 < 50)" in lines[1]
    assert "mostly: expected a share from 0 to 1, got 99" in lines[2]
    assert "did you mean 'warning'?" in lines[3]
    assert "needs the argument 'column'" in lines[4]
    assert "did you mean 'column'?" in lines[5]
    assert "value_set: is empty" in lines[6]
    assert "unknown key" in lines[7]
    assert "\n    - expect_column_values_to_not_be_nul: {column: radius}\n      ^\n" in error.detail


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("expect_column_to_exist: {column: 3}", 'write it in quotes, "3"'),
        ("expect_column_to_exist: {column: [a]}", "column: expected text"),
        ("expect_column_to_exist", "needs the argument 'column'"),
        ("expect_column_to_exist: age", "expected arguments as keys and values"),
        ("{expect_column_to_exist: {column: a}, column: b}", "expected one expectation here, got 2 keys"),
        ("{type: expect_column_to_exist, column: a}", "arguments stand under `kwargs`"),
        ("{type: 3}", "expected the name of an expectation"),
        ("{type: expect_column_to_exist, kwargs: [a]}", "expected arguments as keys and values"),
        ("3", "expected an expectation with its arguments"),
        ("expect_column_values_to_be_between: {column: a}", "needs min_value, max_value or both"),
        ("expect_column_values_to_be_between: {column: a, min_value: low}", "expected a number or a date"),
        ("expect_column_values_to_be_between: {column: a, min_value: .nan}", "expected a number or a date"),
        ("expect_column_values_to_be_between: {column: a, min_value: 1, max_value: 2026-01-01}", "both be dates"),
        ("expect_column_max_to_be_between: {column: a, min_value: 2026-02-01, max_value: 2026-01-01}", "is less than"),
        ("expect_column_values_to_be_between: {column: a, min_value: 1, strict_min: 1}", "expected true or false"),
        ("expect_column_values_to_match_regex: {column: a, regex: '(['}", "is no regular expression: unterminated"),
        ("expect_column_values_to_match_regex_list: {column: a, regex_list: [a, '(']}", "is no regular expression"),
        ("expect_table_row_count_to_equal: {value: 1.5}", "expected a whole number"),
        ("expect_table_row_count_to_equal: {value: .inf}", "expected a whole number"),
        ("expect_compound_columns_to_be_unique: {column_list: a}", "expected a list of names"),
        ("expect_compound_columns_to_be_unique: {column_list: [a, b], ignore_row_if: neither}", "expected all_values"),
        (
            "expect_column_pair_values_to_be_equal: {column_A: a, column_B: b, ignore_row_if: no}",
            "expected both_values",
        ),
        ("expect_column_pair_values_to_be_in_set: {column_A: a, column_B: b, value_pairs_set: [a]}", "list of pairs"),
        (
            "expect_column_values_to_be_in_set: {column: a, value_set: {$PARAMETER: x}}",
            "a suite parameter has no value",
        ),
        (
            "expect_column_quantile_values_to_be_between: {column: a, quantile_ranges: {quantiles: [0.5]}}",
            "expected quantiles: [0.5], value_ranges: [[1, 2]]",
        ),
        (
            "expect_column_quantile_values_to_be_between: "
            "{column: a, quantile_ranges: {quantiles: [0.5], value_ranges: [[2, 1]]}}",
            "a pair is in the wrong order",
        ),
    ],
)
def test_wrong_entries(entry, said, tmp_path):
    error = problems(tmp_path, f"expectations:\n  - {entry}\n")
    assert error.message == "expectations/raw.yaml: 1 problem"
    assert error.detail.startswith("expectations/raw.yaml:2:")
    assert said in error.detail


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("- a\n", "expected keys and values"),
        ("expectations: []\n", "nothing would be checked"),
        ("name: raw\n", "nothing would be checked"),
        ("expectations:\n\t- a\n", "a tab cannot indent YAML"),
        ("expectations: [a\n", "raw.yaml:2:1: expected"),
    ],
)
def test_files_that_are_no_suites(text, said, tmp_path):
    assert said in problems(tmp_path, text).detail


def test_broken_json_is_shown_where_it_breaks(tmp_path):
    assert "raw.json:2:1: Expecting" in problems(tmp_path, '{"expectations": [\n', "raw.json").detail


def test_files_that_cannot_be_read(tmp_path):
    assert "raw.yaml:2: not UTF-8 text" in problems(tmp_path, b"# a\n# \xff\n").message
    assert "too large" in problems(tmp_path, b"#" * (suite.MAX_BYTES + 1)).message
    with pytest.raises(UsageError, match="there is no such file"):
        suite.read(tmp_path / "absent.yaml", "absent.yaml")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        suite.read(tmp_path, "expectations")


def test_only_the_first_problems_are_shown(tmp_path):
    error = problems(tmp_path, "expectations:\n" + "  - expect_nothing: {}\n" * 30)
    assert error.message == "expectations/raw.yaml: 30 problems"
    assert error.detail.endswith("… and 10 more")
