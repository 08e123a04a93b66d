"""The native engine: verdicts recorded from Great Expectations 1.24 on pandas, what it leaves, and bad files."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import pytest

from mlcicd.errors import OutsideError
from mlcicd.runtime.validation import catalog, duck, native, native_rules
from mlcicd.runtime.validation.model import Rule, Table

CSV = """id,radius,score,color,day,note
1,5.5,10,red,2024-01-01,"a, b"
2,7.25,,green,2024-01-02,
3,30.0,30,blue,2024-02-01,naïve
4,5.5,40,red,2024-01-01,NA
5,-1.0,50,Red,2024-12-31,x1
6,12.0,60,,2024-06-30,x2
"""
# (expectation, arguments, success, observed or error): tests/e2e/test_native_oracle.py compares many more.
RECORDED = [
    ("column_values_to_not_be_null", {"column": "score"}, False, "1 of 6 unexpected (16.7 %)"),
    ("column_values_to_not_be_null", {"column": "score", "mostly": 0.8}, True, "1 of 6 unexpected (16.7 %)"),
    ("column_values_to_not_be_null", {"column": "note", "mostly": 0.7}, False, "2 of 6 unexpected (33.3 %)"),
    ("column_values_to_be_null", {"column": "note"}, False, "4 of 6 unexpected (66.7 %)"),
    ("column_values_to_be_unique", {"column": "id"}, True, "0 of 6 unexpected (0 %)"),
    ("column_values_to_be_unique", {"column": "radius", "mostly": 0.5}, True, "2 of 6 unexpected (33.3 %)"),
    (
        "column_values_to_be_between",
        {"column": "radius", "min_value": 0, "max_value": 30},
        False,
        "1 of 6 unexpected (16.7 %)",
    ),
    (
        "column_values_to_be_between",
        {"column": "radius", "min_value": -1, "max_value": 30, "strict_min": True, "strict_max": True},
        False,
        "2 of 6 unexpected (33.3 %)",
    ),
    ("column_values_to_be_between", {"column": "score", "max_value": 40}, False, "2 of 6 unexpected (40 %)"),
    (
        "column_values_to_be_in_set",
        {"column": "color", "value_set": ["red", "green", "blue"]},
        False,
        "1 of 6 unexpected (20 %)",
    ),
    (
        "column_values_to_be_in_set",
        {"column": "id", "value_set": [1, 2, 3], "mostly": 0.5},
        True,
        "3 of 6 unexpected (50 %)",
    ),
    ("column_values_to_not_be_in_set", {"column": "color", "value_set": ["Red"]}, False, "1 of 6 unexpected (20 %)"),
    ("column_values_to_match_regex", {"column": "color", "regex": "^[a-z]+$"}, False, "1 of 6 unexpected (20 %)"),
    ("column_values_to_not_match_regex", {"column": "note", "regex": "x"}, False, "2 of 6 unexpected (50 %)"),
    (
        "column_values_to_match_regex_list",
        {"column": "day", "regex_list": ["^2024-01", "^2024-12"]},
        False,
        "2 of 6 unexpected (33.3 %)",
    ),
    (
        "column_values_to_match_regex_list",
        {"column": "day", "regex_list": ["^2024", "1$"], "match_on": "all"},
        False,
        "2 of 6 unexpected (33.3 %)",
    ),
    (
        "column_values_to_not_match_regex_list",
        {"column": "day", "regex_list": ["^2023", "^2022"]},
        True,
        "0 of 6 unexpected (0 %)",
    ),
    ("column_values_to_match_regex", {"column": "id", "regex": r"^\d$"}, True, "0 of 6 unexpected (0 %)"),
    (
        "column_value_lengths_to_be_between",
        {"column": "color", "min_value": 3, "max_value": 4},
        False,
        "1 of 6 unexpected (20 %)",
    ),
    ("column_value_lengths_to_equal", {"column": "day", "value": 10}, True, "0 of 6 unexpected (0 %)"),
    ("column_mean_to_be_between", {"column": "id", "min_value": 3.5, "max_value": 3.5}, True, "3.5"),
    ("column_median_to_be_between", {"column": "radius", "min_value": 6, "max_value": 7}, True, "6.375"),
    ("column_min_to_be_between", {"column": "radius", "min_value": 0}, False, "-1"),
    ("column_max_to_be_between", {"column": "score", "max_value": 60}, True, "60"),
    ("column_max_to_be_between", {"column": "day", "max_value": "2024-12-31"}, True, "text"),
    ("column_sum_to_be_between", {"column": "score", "min_value": 100, "max_value": 200}, True, "190"),
    ("column_stdev_to_be_between", {"column": "id", "min_value": 1, "max_value": 2}, True, "1.87083"),
    ("column_unique_value_count_to_be_between", {"column": "color", "min_value": 4, "max_value": 4}, True, "4"),
    ("column_proportion_of_unique_values_to_be_between", {"column": "color", "max_value": 0.5}, False, "0.8"),
    ("column_proportion_of_non_null_values_to_be_between", {"column": "score", "min_value": 0.8}, True, "0.833333"),
    (
        "column_quantile_values_to_be_between",
        {
            "column": "score",
            "quantile_ranges": {"quantiles": [0.1, 0.5, 0.9], "value_ranges": [[10, 10], [30, 40], [None, 55]]},
        },
        False,
        "quantile 0.1: 10, quantile 0.5: 40, quantile 0.9: 60",
    ),
    ("column_distinct_values_to_be_in_set", {"column": "color", "value_set": ["red", "green", "blue"]}, False, ""),
    ("column_distinct_values_to_contain_set", {"column": "color", "value_set": ["red", "green"]}, True, ""),
    ("column_distinct_values_to_equal_set", {"column": "id", "value_set": [1, 2, 3, 4, 5, 6]}, True, ""),
    ("column_to_exist", {"column": "size"}, False, ""),
    (
        "table_columns_to_match_ordered_list",
        {"column_list": ["id", "radius", "score", "color", "day", "note"]},
        True,
        "[id, radius, score, color, day, note]",
    ),
    (
        "table_columns_to_match_set",
        {"column_set": ["id", "note"], "exact_match": False},
        True,
        "[color, day, id, note, radius, score]",
    ),
    ("table_columns_to_match_set", {"column_set": ["id", "note"]}, False, "[color, day, id, note, radius, score]"),
    ("table_column_count_to_equal", {"value": 6}, True, "6"),
    ("table_column_count_to_be_between", {"min_value": 1, "max_value": 5}, False, "6"),
    ("table_row_count_to_be_between", {"min_value": 1, "max_value": 6}, True, "6"),
    ("table_row_count_to_equal", {"value": 7}, False, "6"),
    (
        "column_pair_values_a_to_be_greater_than_b",
        {"column_A": "score", "column_B": "radius"},
        False,
        "2 of 6 unexpected (33.3 %)",
    ),
    (
        "column_pair_values_a_to_be_greater_than_b",
        {"column_A": "score", "column_B": "radius", "ignore_row_if": "either_value_is_missing"},
        False,
        "1 of 6 unexpected (20 %)",
    ),
    (
        "column_pair_values_to_be_equal",
        {"column_A": "color", "column_B": "note", "mostly": 0.1},
        False,
        "6 of 6 unexpected (100 %)",
    ),
    (
        "column_pair_values_to_be_in_set",
        {"column_A": "id", "column_B": "color", "value_pairs_set": [[1, "red"], [2, "green"], [6, None]]},
        False,
        "3 of 6 unexpected (50 %)",
    ),
    ("compound_columns_to_be_unique", {"column_list": ["color", "day"]}, False, "2 of 6 unexpected (33.3 %)"),
    (
        "select_column_values_to_be_unique_within_record",
        {"column_list": ["id", "radius"]},
        True,
        "0 of 6 unexpected (0 %)",
    ),
    (
        "multicolumn_sum_to_equal",
        {"column_list": ["id", "score"], "sum_total": 33},
        False,
        "5 of 6 unexpected (83.3 %)",
    ),
    (
        "column_values_to_be_between",
        {"column": "missing", "min_value": 1},
        False,
        'Error: The column "missing" in BatchData does not exist.',
    ),
]
ROWS = Rule(type="expect_table_row_count_to_be_between", kwargs={"min_value": 1})


def rule(name, **kwargs):
    return Rule(type=f"expect_{name}", kwargs=kwargs)


def judge(path, *rules, values=False, memory_mb=None):
    return native.judge(Table(name="t", path=path), rules, memory_mb=memory_mb, values=values)


@pytest.fixture
def table(tmp_path):
    """A function that writes a table and returns its path."""

    def write(content=CSV, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def parquet(tmp_path):
    """A function that writes what a SELECT returns."""

    def write(select, name="t.parquet"):
        path = tmp_path / name
        duckdb.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
        return path

    return write


def test_verdicts_counts_and_texts_are_those_of_great_expectations(table):
    rules = [rule(name, **kwargs) for name, kwargs, _, _ in RECORDED]
    found = judge(table(), *rules)
    assert (found.rows, found.left, found.error) == (6, (), "")
    told = [(one.type, one.success, one.error or one.observed) for one in found.expectations]
    assert told == [(f"expect_{name}", success, said) for name, _, success, said in RECORDED]
    assert {one.engine for one in found.expectations} == {"duckdb"}


def test_every_native_expectation_has_a_recorded_case():
    assert {f"expect_{name}" for name, *_ in RECORDED} == set(native_rules.JUDGES)
    assert set(native_rules.JUDGES) <= set(catalog.ARGUMENTS)


def test_all_rules_of_a_table_are_one_select(table, monkeypatch):
    asked = []
    real = duck.opened

    class Listening:
        def __init__(self, database):
            self.database = database

        def execute(self, sql):
            asked.append(sql)
            return self.database.execute(sql)

    def listening(memory):
        from contextlib import contextmanager

        @contextmanager
        def opened():
            with real(memory) as database:
                yield Listening(database)

        return opened()

    monkeypatch.setattr(duck, "opened", listening)
    rules = [rule(name, **kwargs) for name, kwargs, _, _ in RECORDED if "unique" not in name and "compound" not in name]
    judge(table(), *rules)
    # The first rows, the one SELECT, and a second for what needs the first one's answers (median, quantiles).
    assert len(asked) == 3


@pytest.mark.parametrize(
    "rule",
    [
        rule("column_values_to_be_increasing", column="id"),
        rule("column_values_to_not_be_null", column="id", row_condition="id > 1", condition_parser="pandas"),
        rule("column_values_to_not_be_null", column="id", surprise=1),
        rule("column_values_to_be_between", column="id", min_value="abc"),
        rule("column_values_to_match_regex", column="color", regex="(?=r)"),
        rule("column_values_to_match_regex", column="color", regex=r"(a)\1"),
        rule("column_values_to_match_regex", column="color", regex="[[:alpha:]]"),
        rule("column_values_to_match_regex", column="color"),
        rule("column_to_exist", column="id", column_index=1),
        rule("table_row_count_to_be_between", min_value=1.5),
        rule("table_columns_to_match_set"),
        rule("column_quantile_values_to_be_between", column="id", allow_relative_error="linear",
             quantile_ranges={"quantiles": [0.5], "value_ranges": [[1, 2]]}),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_exactly_is_not_supported(rule, table):
    assert not native.supports(rule)
    found = judge(table(), rule, ROWS)
    assert found.left == (rule,)
    assert [one.type for one in found.expectations] == [ROWS.type]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("a,b\n1,x\n2,3\n", rule("column_values_to_be_between", column="b", min_value=1)),
        ("a\nTrue\nFalse\n", rule("column_values_to_be_unique", column="a")),
        ("a\n9223372036854775808\n", rule("column_max_to_be_between", column="a", min_value=1)),
        ("a,b\n,1\n,2\n", rule("column_mean_to_be_between", column="a", min_value=1)),
        ("a\n0.1\n0.30000000000000004\n", rule("column_values_to_be_between", column="a", max_value=0.3)),
        ("a\n0.1\n0.2\n", rule("column_sum_to_be_between", column="a", max_value=0.3)),
        ("a\nÉ\n", rule("column_values_to_match_regex", column="a", regex=r"^\w$")),
        ("a\n1.5\n2\n", rule("column_values_to_match_regex", column="a", regex="5")),
        ("a\n1_000\n5\n", rule("column_values_to_not_be_in_set", column="a", value_set=[5])),
        ("a\n9007199254740993\nNA\n", rule("column_values_to_be_unique", column="a")),
    ],
)
def test_what_the_data_make_doubtful_is_left(content, rule, table):
    assert native.supports(rule)
    found = judge(table(content), rule, ROWS)
    assert found.left == (rule,)
    assert found.expectations[0].success


@pytest.mark.parametrize(
    ("content", "observed"),
    [
        ("a,b\n1,x\n2,y\nNA,z\n", "2"),  # missing words
        ("a,b\r\n1,x\r\n2,y\r\n", "2"),
        ("\ufeffa,b\n1,x\n2,y\n", "2"),
        ('a,b\n1,"two\nlines"\n2,"say ""hi"""\n', "2"),
        ("a,b\n007,x\n+2,y\n 7,z", "2"),
        ("a,b\n" + "1,x\n" * 2000 + "1.5,y\n", "2"),  # floats after what looked like whole numbers
        ("a,b\n" + ",x\n" * 2000 + "1.5,y\n2,y\n", "2"),
    ],
)
def test_csv_is_read_as_pandas_does(content, observed, table):
    found = judge(table(content), rule("column_unique_value_count_to_be_between", column="a", max_value=9))
    assert [one.observed for one in found.expectations] == [observed] or found.left


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", b"", "it is empty"),
        ("t.csv", b"\n \n", "it is empty"),
        ("t.csv", b"a,b\n", "it has a header and no rows"),
        ("t.csv", b"a,b\n1,2\n3,4,5\n", "line 3 has 3 fields, the header 2"),
        ("t.csv", b"a,b\n1,2\n3,\xff\n", "line 3 is not UTF-8 text"),
        ("t.parquet", b"", "it is empty"),
        ("t.parquet", b"PAR1 and then nothing", "it is no Parquet file, or it is cut short"),
    ],
)
def test_what_is_no_table_is_unreadable(name, content, said, table):
    found = judge(table(content, name), rule("column_values_to_not_be_null", column="a"), ROWS)
    assert (found.error, found.unreadable, found.expectations, found.left) == (said, True, (), ())


@pytest.mark.parametrize(
    "content",
    [b"a,b\n1,2\n3\n", b"a,b\n1,2,3\n", b"a,a\n1,2\n", b"a,b\r1,2\r", b"a\n1\n\n2\n", b'a,b\n1,x"y"z\n', b"a\n\x00\n"],
)
def test_csv_that_pandas_reads_in_its_own_way_is_left(content, table):
    rules = (rule("column_values_to_not_be_null", column="a"), ROWS)
    found = judge(table(content), *rules)
    assert (found.left, found.expectations, found.unreadable) == (rules, (), False)


def test_parquet_cut_short_or_without_rows_is_unreadable(parquet, table):
    whole = parquet("SELECT range AS a FROM range(5000)").read_bytes()
    assert judge(table(whole[: len(whole) // 2], "cut.parquet"), ROWS).unreadable
    assert judge(parquet("SELECT 1 AS a WHERE false"), ROWS).error == "it has no rows"


def test_parquet_nan_is_missing_and_other_types_are_only_counted(parquet):
    path = parquet("SELECT unnest([1.5, 'nan'::DOUBLE, NULL]) AS a, unnest([true, NULL, false]) AS b")
    missing = [rule("column_values_to_be_null", column=name) for name in "ab"]
    found = judge(path, *missing, rule("column_values_to_be_in_set", column="b", value_set=[1]))
    assert [one.observed for one in found.expectations] == [
        "1 of 3 unexpected (33.3 %)",
        "2 of 3 unexpected (66.7 %)",
    ]
    assert len(found.left) == 1


def test_values_are_shown_only_when_they_are_allowed(table):
    rules = (
        rule("column_values_to_not_be_in_set", column="color", value_set=["red", "Red"]),
        rule("column_values_to_be_unique", column="day"),
    )
    assert not any("red" in one.observed for one in judge(table(), *rules).expectations)
    shown = [one.observed for one in judge(table(), *rules, values=True).expectations]
    assert shown == [
        "3 of 5 unexpected (60 %); most often 'red' (2×), 'Red' (1×)".replace("5 unexpected", "6 unexpected"),
        "2 of 6 unexpected (33.3 %); most often '2024-01-01' (2×)",
    ]


def test_a_missing_column_and_a_wrong_type_show_no_values(table):
    found = judge(table(), rule("column_values_to_be_unique", column="nope"))
    assert (found.expectations[0].success, found.expectations[0].observed) == (False, "")


def test_types_are_those_of_all_rows_of_a_large_file(table):
    """Where pandas would read in pieces, and DuckDB in parallel."""
    numbers = "".join(f"{number},{number},{number}\n" for number in range(200_000))
    rules = [rule("column_values_to_be_unique", column=name) for name in "abc"]
    found = judge(table("a,b,c\n" + numbers + "NA,x,200000\n"), *rules)
    assert [(one.column, one.observed) for one in found.expectations] == [
        ("a", "0 of 200001 unexpected (0 %)"),
        ("c", "0 of 200001 unexpected (0 %)"),
    ]
    assert [one.kwargs["column"] for one in found.left] == ["b"]


def test_it_works_within_little_memory(parquet):
    path = parquet("SELECT range AS a, 'name ' || (range * 7919 % 300000) AS b FROM range(300000)")
    rules = [rule("column_values_to_be_unique", column=name) for name in "ab"]
    found = judge(path, *rules, memory_mb=100)
    assert [one.success for one in found.expectations] == [True, True]


def test_a_file_that_is_not_there_and_a_folder(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    for name in ("absent.csv", "folder.csv"):
        with pytest.raises(OutsideError, match="t: cannot be read: "):
            judge(tmp_path / name, ROWS)


def test_other_files_and_names_that_duckdb_would_expand_are_left(table):
    for name in ("t.tsv", "t.csv.gz", "t[1].csv"):
        assert judge(table(name=name), ROWS).left == (ROWS,)


def test_neither_great_expectations_nor_pandas_is_imported_and_duckdb_only_when_needed(table):
    program = """if True:
        import sys
        sys.modules["great_expectations"] = sys.modules["pandas"] = None
        from pathlib import Path
        from mlcicd.runtime.validation import native, suite
        from mlcicd.runtime.validation.model import Rule, Table
        assert "duckdb" not in sys.modules
        rules = [Rule(type="expect_column_values_to_be_unique", kwargs={"column": "id"})]
        found = native.judge(Table(name="t", path=Path(sys.argv[1])), rules, memory_mb=None, values=False)
        assert found.expectations[0].success and "duckdb" in sys.modules
    """
    subprocess.run([sys.executable, "-c", program, str(table())], check=True)


def test_duckdb_that_is_not_installed_is_said(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(OutsideError, match="needs duckdb, which is not installed") as raised:
        judge(table(), ROWS)
    assert "uv pip install" in raised.value.hint


def test_no_text_in_a_rule_is_taken_for_the_table(table):
    rules = (
        rule("column_values_to_be_in_set", column="b", value_set=["{table}", native.TABLE]),
        rule("column_values_to_be_unique", column="b"),
    )
    found = judge(table("a,b\n1,{table}\n2,judged_rows\n3,judged_rows\n"), *rules, values=True)
    assert [(one.success, one.observed) for one in found.expectations] == [
        (True, "0 of 3 unexpected (0 %)"),
        (False, "2 of 3 unexpected (66.7 %); most often 'judged_rows' (2×)"),
    ]
