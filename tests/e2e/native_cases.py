"""Random tables and rules for the comparison of the native engine with Great Expectations."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from typing import Any

from hypothesis import strategies as st

WORDS = (
    "red",
    "green",
    "Blue",
    "",
    "NA",
    "null",
    "naïve",
    "日本",
    "a b",
    "x,y",
    'say "hi"',
    "two\nlines",
    "É",
    "z" * 9,
)
PATTERNS = (
    "^[a-z]+$", "e", "^.{3}$", r"\d", r"^\w+$", "a|b", "[^a-z]", r"^\S*$", "(?i)RED", "^$", r"\bb", "x{2,}", "é", ".",
    r"^-?\d+(\.\d+)?$", "(", "(?=r)", r"[A-Z][a-z]+", "n$", "^2024-",
)  # fmt: skip

WHOLE = st.integers(-5, 20) | st.sampled_from([0, 1, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 10**18, 2**63 - 1])
SHORT = st.integers(-400, 400).map(lambda number: number / 8) | st.sampled_from([0.1, -0.0, 1e-7, 0.3, 2.675])
LONG = st.floats(allow_nan=False, allow_infinity=True, width=64)
DATE = st.dates(date(2023, 1, 1), date(2024, 12, 31)).map(str) | st.sampled_from(["2024-01-01", "2024-02-30"])
DAY = st.sampled_from(["2024-01-01", "1999-12-31", "2023-06-15"])
TEXT = st.sampled_from(WORDS)
ODD = st.sampled_from(
    [
        *["1", "2", "3.5", "True", "false", "x", "", " 7", "1_000", "+5", "1e3", "inf", "-Infinity", "007", "0x10"],
        *[
            "nan",
            "99999999999999999999",
            "9223372036854775808",
            "1.",
            ".5",
            "+-5",
            "1e400",
            "N/A",
            "None",
            "5 ",
            "'",
            "1e-400",
        ],
    ]
)


@dataclass(frozen=True)
class Case:
    """Columns of values (text as it stands in CSV, or Python's own for Parquet) and rules on them."""

    columns: dict[str, list[Any]]
    rules: list[dict[str, Any]]

    @property
    def rows(self) -> int:
        """How many."""
        return max(map(len, self.columns.values()))

    def csv(self, newline: str) -> str:
        """The table as CSV."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator=newline)
        writer.writerow(self.columns)
        writer.writerows(zip(*self.columns.values(), strict=True))
        return text.getvalue()


def _values(draw, rows, missing):
    usual = ["whole", "short", "text", "date", "small"]
    kind = draw(st.sampled_from([*usual, *usual, "long", "mixed", "odd", "truth", "none"]))
    element = {
        "whole": WHOLE, "short": SHORT, "long": LONG, "text": TEXT, "date": DATE, "small": st.integers(0, 3),
        "mixed": WHOLE | SHORT, "odd": ODD, "truth": st.booleans(), "none": st.none(),
    }[kind]  # fmt: skip
    element = element | st.none() if draw(st.booleans()) and missing else element
    return draw(st.lists(element, min_size=rows, max_size=rows))


@st.composite
def csv_cases(draw):
    """A table whose values are written as text, as any program may write them."""
    rows = draw(st.integers(1, 9) if draw(st.integers(0, 20)) else st.just(0))
    names = draw(st.sampled_from([["a"], ["a", "b"], ["a", "b", "c d"], ["", "b", "ü"]]))
    columns = {name: [_written(value) for value in _values(draw, rows, True)] for name in names}
    return Case(columns, draw(_rules({name or "Unnamed: 0": values for name, values in columns.items()})))


def _written(value):
    return "" if value is None else value if isinstance(value, str) else repr(value)


@st.composite
def parquet_cases(draw):
    """A table of typed columns."""
    rows = draw(st.integers(1, 9) if draw(st.integers(0, 20)) else st.just(0))
    names = draw(st.sampled_from([["a"], ["a", "b"], ["a", "b", "c d"]]))
    columns = {}
    for name in names:
        element, nullable = draw(
            st.sampled_from(
                [
                    *[(WHOLE, True), (st.integers(0, 3), True), (SHORT | LONG | st.just(float("nan")), True)],
                    *[(TEXT, True), (DATE, True), (st.booleans(), True)],
                    *[(SHORT, False), (WHOLE, False), (TEXT, False)],
                ]
            )
        )
        element = element | st.none() if nullable and draw(st.booleans()) else element
        columns[name] = draw(st.lists(element, min_size=rows, max_size=rows))
    return Case(columns, draw(_rules(columns)))


def _rules(columns):
    return st.lists(_rule(columns), min_size=1, max_size=8)


@st.composite
def _rule(draw, columns):
    names = list(columns)
    first = draw(st.sampled_from(names))
    column = st.sampled_from([*names, "missing"]) if draw(st.integers(0, 15)) == 0 else st.just(first)
    present = columns[first] if draw(st.integers(0, 9)) else [one for values in columns.values() for one in values]
    numbers = [number for number in map(_number, present) if number is not None and number == number]
    whole = [int(number) for number in numbers if abs(number) < 1e19 and number == int(number)]
    number = st.sampled_from([0, 1, 2.5, 3, *numbers, *whole])
    text = st.sampled_from(["red", "x", "2024-01-01", *[value for value in present if isinstance(value, str)]])
    fits = number if bool(numbers) == bool(draw(st.integers(0, 9))) else text
    some = st.lists(fits, min_size=1, max_size=4)
    # Great Expectations takes numbers and dates for limits, and refuses other text.
    bound = number if fits is number or draw(st.integers(0, 3)) == 0 else DAY
    name = draw(st.sampled_from(sorted(SHAPES)))
    kwargs = {}
    for part in SHAPES[name].split():
        if part == "range":
            low, high = sorted([draw(bound), draw(bound)])
            both = {"min_value": low, "max_value": high}
            kwargs |= draw(st.sampled_from([{"min_value": low}, {"max_value": high}, both]))
        elif part == "count":
            low, high = sorted([draw(st.integers(0, 9)), draw(st.integers(0, 9))])
            kwargs |= {"min_value": low, "max_value": high}
        elif part == "strict":
            kwargs |= draw(st.sampled_from([{}, {"strict_min": False}, {"strict_min": True}, {"strict_max": True}]))
        elif part == "mostly":
            kwargs |= draw(st.sampled_from([{}, *({"mostly": share} for share in (0.5, 0.9, 1 / 3, 0, 1))]))
        elif part == "column":
            kwargs["column"] = draw(column)
        elif part == "pair":
            kwargs |= {"column_A": draw(column), "column_B": draw(st.sampled_from(names))}
            ignored = st.sampled_from(["neither", "either_value_is_missing", "both_values_are_missing"])
            kwargs |= {"ignore_row_if": draw(ignored)} if draw(st.booleans()) else {}
        elif part == "columns":
            kwargs["column_list"] = draw(st.lists(st.sampled_from(names), min_size=2, max_size=3))
            ignored = st.sampled_from(["never", "any_value_is_missing", "all_values_are_missing"])
            kwargs |= {"ignore_row_if": draw(ignored)} if draw(st.booleans()) else {}
        elif part == "set":
            kwargs["value_set"] = draw(some)
        elif part == "pairs":
            kwargs["value_pairs_set"] = draw(st.lists(st.tuples(fits, fits), min_size=1, max_size=3))
        elif part == "regex":
            kwargs["regex"] = draw(st.sampled_from(PATTERNS))
        elif part == "regexes":
            kwargs["regex_list"] = draw(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2))
        elif part == "on":
            kwargs |= draw(st.sampled_from([{}, {"match_on": "any"}, {"match_on": "all"}]))
        elif part == "names":
            kwargs["column_list"] = draw(st.permutations(names))
        elif part == "name_set":
            kwargs["column_set"] = draw(st.lists(st.sampled_from([*names, "other"]), min_size=1))
            kwargs |= draw(st.sampled_from([{}, {"exact_match": False}, {"exact_match": True}]))
        elif part == "value":
            kwargs["value"] = draw(st.integers(0, 9))
        elif part == "total":
            kwargs["sum_total"] = draw(number)
        elif part == "or_equal":
            kwargs |= draw(st.sampled_from([{}, {"or_equal": True}, {"or_equal": False}]))
        elif part == "quantiles":
            shares = draw(st.lists(st.sampled_from([0, 0.05, 0.25, 0.5, 0.75, 0.9, 1]), min_size=1, max_size=3))
            ranges = [sorted([draw(number), draw(number)]) for _ in shares]
            kwargs["quantile_ranges"] = {"quantiles": shares, "value_ranges": ranges}
    return {"type": name, "kwargs": kwargs}


def _number(value):
    try:
        return value if isinstance(value, int | float) and not isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


SHAPES = {
    "expect_column_values_to_not_be_null": "column mostly",
    "expect_column_values_to_be_null": "column mostly",
    "expect_column_values_to_be_between": "column range strict mostly",
    "expect_column_values_to_be_in_set": "column set mostly",
    "expect_column_values_to_not_be_in_set": "column set mostly",
    "expect_column_values_to_be_unique": "column mostly",
    "expect_column_value_lengths_to_be_between": "column count strict mostly",
    "expect_column_value_lengths_to_equal": "column value mostly",
    "expect_column_values_to_match_regex": "column regex mostly",
    "expect_column_values_to_match_regex_list": "column regexes on mostly",
    "expect_column_values_to_not_match_regex": "column regex mostly",
    "expect_column_values_to_not_match_regex_list": "column regexes mostly",
    "expect_column_min_to_be_between": "column range strict",
    "expect_column_max_to_be_between": "column range strict",
    "expect_column_sum_to_be_between": "column range strict",
    "expect_column_mean_to_be_between": "column range strict",
    "expect_column_median_to_be_between": "column range strict",
    "expect_column_stdev_to_be_between": "column range strict",
    "expect_column_unique_value_count_to_be_between": "column count strict",
    "expect_column_proportion_of_unique_values_to_be_between": "column range strict",
    "expect_column_proportion_of_non_null_values_to_be_between": "column range strict",
    "expect_column_quantile_values_to_be_between": "column quantiles",
    "expect_column_distinct_values_to_be_in_set": "column set",
    "expect_column_distinct_values_to_contain_set": "column set",
    "expect_column_distinct_values_to_equal_set": "column set",
    "expect_column_to_exist": "column",
    "expect_table_columns_to_match_ordered_list": "names",
    "expect_table_columns_to_match_set": "name_set",
    "expect_table_row_count_to_be_between": "count strict",
    "expect_table_row_count_to_equal": "value",
    "expect_table_column_count_to_be_between": "count",
    "expect_table_column_count_to_equal": "value",
    "expect_column_pair_values_a_to_be_greater_than_b": "pair or_equal mostly",
    "expect_column_pair_values_to_be_equal": "pair mostly",
    "expect_column_pair_values_to_be_in_set": "pair pairs mostly",
    "expect_compound_columns_to_be_unique": "columns mostly",
    "expect_select_column_values_to_be_unique_within_record": "columns mostly",
    "expect_multicolumn_sum_to_equal": "columns total mostly",
}
