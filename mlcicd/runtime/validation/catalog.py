"""The core expectations of Great Expectations 1.x and their arguments, known without importing it (2.5 s).

A test compares this with the installed Great Expectations.
"""

from __future__ import annotations

# In the order in which Great Expectations writes them. `!` marks what an expectation cannot do without.
_RANGE = "min_value max_value strict_min strict_max"
_WHERE = "row_condition condition_parser"
_COLUMN = f"column! {_WHERE}"
_MAP = f"column! mostly {_WHERE}"
_PAIR = f"column_A! column_B! mostly {_WHERE}"
_SEVERAL = f"column_list! mostly {_WHERE} ignore_row_if"
_TABLE = {
    "expect_column_distinct_values_to_be_in_set": f"{_COLUMN} value_set!",
    "expect_column_distinct_values_to_contain_set": f"{_COLUMN} value_set!",
    "expect_column_distinct_values_to_equal_set": f"{_COLUMN} value_set!",
    "expect_column_kl_divergence_to_be_less_than": f"{_COLUMN} partition_object threshold internal_weight_holdout "
    "tail_weight_holdout bucketize_data min_value max_value",
    "expect_column_max_to_be_between": f"{_COLUMN} {_RANGE}",
    "expect_column_mean_to_be_between": f"{_COLUMN} {_RANGE}",
    "expect_column_median_to_be_between": f"{_COLUMN} {_RANGE}",
    "expect_column_min_to_be_between": f"{_COLUMN} {_RANGE}",
    "expect_column_most_common_value_to_be_in_set": f"{_COLUMN} value_set! ties_okay",
    "expect_column_pair_values_a_to_be_greater_than_b": f"{_PAIR} or_equal ignore_row_if",
    "expect_column_pair_values_to_be_equal": f"{_PAIR} ignore_row_if",
    "expect_column_pair_values_to_be_in_set": f"{_PAIR} value_pairs_set! ignore_row_if",
    "expect_column_proportion_of_non_null_values_to_be_between": f"{_COLUMN} {_RANGE}",
    "expect_column_proportion_of_unique_values_to_be_between": f"{_COLUMN} {_RANGE}",
    "expect_column_quantile_values_to_be_between": f"{_COLUMN} quantile_ranges! allow_relative_error",
    "expect_column_stdev_to_be_between": f"{_COLUMN} {_RANGE}",
    "expect_column_sum_to_be_between": f"{_COLUMN} {_RANGE}",
    "expect_column_to_exist": "column! column_index",
    "expect_column_type_to_be": "column! type_!",
    "expect_column_unique_value_count_to_be_between": f"{_COLUMN} {_RANGE}",
    "expect_column_value_lengths_to_be_between": f"{_MAP} {_RANGE}",
    "expect_column_value_lengths_to_equal": f"{_MAP} value!",
    "expect_column_value_z_scores_to_be_less_than": f"{_MAP} threshold! double_sided!",
    "expect_column_values_to_be_between": f"{_MAP} {_RANGE}",
    "expect_column_values_to_be_dateutil_parseable": _MAP,
    "expect_column_values_to_be_decreasing": f"{_MAP} strictly",
    "expect_column_values_to_be_in_set": f"{_MAP} value_set!",
    "expect_column_values_to_be_in_type_list": f"{_MAP} type_list",
    "expect_column_values_to_be_increasing": f"{_MAP} strictly",
    "expect_column_values_to_be_json_parseable": _MAP,
    "expect_column_values_to_be_null": _MAP,
    "expect_column_values_to_be_of_type": f"{_MAP} type_!",
    "expect_column_values_to_be_unique": _MAP,
    "expect_column_values_to_match_json_schema": f"{_MAP} json_schema!",
    "expect_column_values_to_match_like_pattern": f"{_MAP} like_pattern! escape",
    "expect_column_values_to_match_like_pattern_list": f"{_MAP} like_pattern_list! match_on escape",
    "expect_column_values_to_match_regex": f"{_MAP} regex",
    "expect_column_values_to_match_regex_list": f"{_MAP} regex_list! match_on",
    "expect_column_values_to_match_strftime_format": f"{_MAP} strftime_format!",
    "expect_column_values_to_not_be_in_set": f"{_MAP} value_set!",
    "expect_column_values_to_not_be_null": _MAP,
    "expect_column_values_to_not_be_outliers": f"{_MAP} method multiplier",
    "expect_column_values_to_not_match_like_pattern": f"{_MAP} like_pattern! escape",
    "expect_column_values_to_not_match_like_pattern_list": f"{_MAP} like_pattern_list! escape",
    "expect_column_values_to_not_match_regex": f"{_MAP} regex!",
    "expect_column_values_to_not_match_regex_list": f"{_MAP} regex_list!",
    "expect_compound_columns_to_be_unique": _SEVERAL,
    "expect_multicolumn_sum_to_equal": f"{_SEVERAL} sum_total!",
    "expect_multicolumn_values_to_be_equal": _SEVERAL,
    "expect_select_column_values_to_be_unique_within_record": _SEVERAL,
    "expect_table_column_count_to_be_between": "min_value max_value",
    "expect_table_column_count_to_equal": "value!",
    "expect_table_columns_to_match_ordered_list": "column_list",
    "expect_table_columns_to_match_set": "column_set exact_match",
    "expect_table_row_count_to_be_between": f"{_RANGE} {_WHERE}",
    "expect_table_row_count_to_equal": f"value! {_WHERE}",
    "expect_table_row_count_to_equal_other_table": f"other_table_name! {_WHERE}",
}

ARGUMENTS = {name: tuple(word.rstrip("!") for word in words.split()) for name, words in _TABLE.items()}
REQUIRED = {name: tuple(word[:-1] for word in words.split() if word.endswith("!")) for name, words in _TABLE.items()}
