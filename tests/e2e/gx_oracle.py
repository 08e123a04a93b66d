"""Great Expectations on pandas as the oracle: a program for a Python that has it, asked over standard input.

One request a line: {"path": …, "rules": [{"type": …, "kwargs": …}]}; one answer a line: a list with, for each rule,
`success`, the texts of `gx_child.reduce`, and the counts. The first line tells the versions.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
import warnings


def main(gx_child_path):
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    import great_expectations as gx
    import pandas
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.registry import get_expectation_impl

    spec = importlib.util.spec_from_file_location("gx_child", gx_child_path)
    reduce = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reduce)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("p").add_dataframe_asset("d")
    definition = asset.add_batch_definition_whole_dataframe("b")
    say(f'{{"pandas": "{pandas.__version__}", "gx": "{gx.__version__}"}}')
    for line in sys.stdin:
        request = json.loads(line)
        if "catalog" in request:
            say(json.dumps({name: fields(get_expectation_impl(name)) for name in request["catalog"]}))
            continue
        try:
            read = pandas.read_parquet if request["path"].endswith(".parquet") else pandas.read_csv
            frame = read(request["path"])
            expectations = [
                get_expectation_impl(rule["type"])(**rule["kwargs"], severity=rule.get("severity", "critical"))
                for rule in request["rules"]
            ]
        except Exception as error:
            say(json.dumps({"unreadable": f"{type(error).__name__}: {error}"}))
            continue
        batch = definition.get_batch({"dataframe": frame})
        say(json.dumps([judged(reduce.reduce, batch, expectation, frame) for expectation in expectations]))


def judged(reduce, batch, expectation, frame):
    result = batch.validate(expectation, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
    entry = result.to_json_dict()
    kept = {key: entry["result"].get(key) for key in ("element_count", "unexpected_count", "observed_value")}
    kwargs = expectation.configuration.kwargs
    named = [kwargs.get(key) for key in ("column", "column_A", "column_B")] + list(kwargs.get("column_list") or ())
    return {**reduce(entry, [*map(str, frame.columns), *filter(None, named)]), "counts": kept}


def fields(implementation):
    ours = {
        "id", "meta", "notes", "result_format", "description", "catch_exceptions", "rendered_content", "batch_id",
        "windows", "severity", "library_metadata",
    }  # fmt: skip
    return {one.name: one.required for one in implementation.__fields__.values() if one.name not in ours}


def say(line):
    sys.__stdout__.write(line + "\n")
    sys.__stdout__.flush()


if __name__ == "__main__":
    main(sys.argv[1])
