"""Each expectation that is judged natively, by Great Expectations' name of it.

A judge takes a rule's arguments and the table, has aggregates computed by the one SELECT (`Scope.ask`), and returns
what reads the answers. Where an answer could differ from pandas' (a rounding at a limit, types that do not fit) it
raises `Beyond`, and Great Expectations judges.
"""

from __future__ import annotations

from collections.abc import Callable

from mlcicd.runtime.validation import native_aggregates as aggregates
from mlcicd.runtime.validation import native_records as records
from mlcicd.runtime.validation import native_values as values
from mlcicd.runtime.validation.native_common import Arguments, limited
from mlcicd.runtime.validation.native_model import Finish, Found, Outcome, Scope


def exists(kwargs: Arguments, scope: Scope) -> Finish:
    """A column is there."""
    there = kwargs["column"] in scope.names
    return lambda found: Outcome(success=there)


def same_list(kwargs: Arguments, scope: Scope) -> Finish:
    """The columns are those listed, in this order."""
    names = list(scope.names)
    return lambda found: Outcome(success=names == list(kwargs["column_list"]), result={"observed_value": names})


def same_set(kwargs: Arguments, scope: Scope) -> Finish:
    """The columns are those listed, or hold them."""
    expected, names = set(kwargs["column_set"]), set(scope.names)
    exact = kwargs.get("exact_match", True)
    success = expected == names if exact else expected <= names
    return lambda found: Outcome(success=success, result={"observed_value": sorted(names)})


def counted(count: Callable[[Found, Scope], int]) -> Callable[..., Finish]:
    """Make a judge of the number of rows or of columns."""

    def judge(kwargs: Arguments, scope: Scope) -> Finish:
        def finish(found: Found) -> Outcome:
            value = count(found, scope)
            if "value" in kwargs:
                return Outcome(success=value == kwargs["value"], result={"observed_value": value})
            return limited(value, kwargs)

        return finish

    return judge


JUDGES: dict[str, Callable[[Arguments, Scope], Finish]] = {
    "expect_column_values_to_not_be_null": values.not_null,
    "expect_column_values_to_be_null": values.null,
    "expect_column_values_to_be_between": values.in_range,
    "expect_column_values_to_be_in_set": values.in_set,
    "expect_column_values_to_not_be_in_set": values.not_in_set,
    "expect_column_values_to_be_unique": values.unique,
    "expect_column_value_lengths_to_be_between": values.lengths,
    "expect_column_value_lengths_to_equal": values.lengths,
    "expect_column_values_to_match_regex": values.matches,
    "expect_column_values_to_match_regex_list": values.matches,
    "expect_column_values_to_not_match_regex": values.matches_not,
    "expect_column_values_to_not_match_regex_list": values.matches_not,
    "expect_column_min_to_be_between": aggregates.extreme("min"),
    "expect_column_max_to_be_between": aggregates.extreme("max"),
    "expect_column_sum_to_be_between": aggregates.aggregate(aggregates.sum_of),
    "expect_column_mean_to_be_between": aggregates.aggregate(aggregates.mean_of),
    "expect_column_median_to_be_between": aggregates.median,
    "expect_column_stdev_to_be_between": aggregates.aggregate(aggregates.deviation_of),
    "expect_column_unique_value_count_to_be_between": aggregates.distinct_count(share=False),
    "expect_column_proportion_of_unique_values_to_be_between": aggregates.distinct_count(share=True),
    "expect_column_proportion_of_non_null_values_to_be_between": aggregates.present_share,
    "expect_column_quantile_values_to_be_between": aggregates.quantiles,
    "expect_column_distinct_values_to_be_in_set": aggregates.distinct_set(within=True, whole=False),
    "expect_column_distinct_values_to_contain_set": aggregates.distinct_set(within=False, whole=True),
    "expect_column_distinct_values_to_equal_set": aggregates.distinct_set(within=True, whole=True),
    "expect_column_to_exist": exists,
    "expect_table_columns_to_match_ordered_list": same_list,
    "expect_table_columns_to_match_set": same_set,
    "expect_table_row_count_to_be_between": counted(lambda found, scope: found.rows),
    "expect_table_row_count_to_equal": counted(lambda found, scope: found.rows),
    "expect_table_column_count_to_be_between": counted(lambda found, scope: len(scope.names)),
    "expect_table_column_count_to_equal": counted(lambda found, scope: len(scope.names)),
    "expect_column_pair_values_a_to_be_greater_than_b": records.pair(records.greater),
    "expect_column_pair_values_to_be_equal": records.pair(records.equal),
    "expect_column_pair_values_to_be_in_set": records.pair(records.pair_listed),
    "expect_compound_columns_to_be_unique": records.compound_unique,
    "expect_select_column_values_to_be_unique_within_record": records.record_unique,
    "expect_multicolumn_sum_to_equal": records.row_sum,
}
