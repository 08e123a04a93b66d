"""Time and memory of the native engine against Great Expectations on pandas, as ratios; run by hand.

    python tests/bench/validation.py --pandas VENV/bin/python --arrow VENV/bin/python [--rows N …] [--write]

The first VENV holds great-expectations alone, which brings pandas, the second pyarrow too, which Parquet needs and
which makes texts faster. This Python holds mlcicd and duckdb. Each measurement is a process of its own, from its start
to its verdict, imports included; the better of two counts. Takes minutes, and 1.3 GB of disk for 10 million rows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/benchmarks.md"
CAP = 500
RUNS = 2
RULES = [
    ("expect_table_row_count_to_be_between", {"min_value": 1000}),
    ("expect_column_values_to_not_be_null", {"column": "id"}),
    ("expect_column_values_to_not_be_null", {"column": "score", "mostly": 0.9}),
    ("expect_column_values_to_be_unique", {"column": "id"}),
    ("expect_column_values_to_be_between", {"column": "radius", "min_value": 5, "max_value": 30}),
    ("expect_column_values_to_be_between", {"column": "n", "min_value": 0, "max_value": 900, "mostly": 0.8}),
    ("expect_column_values_to_be_in_set", {"column": "color", "value_set": ["red", "green", "blue", "black"]}),
    ("expect_column_values_to_match_regex", {"column": "email", "regex": "^[^@]+@[^@]+$"}),
    ("expect_column_mean_to_be_between", {"column": "radius", "min_value": 10, "max_value": 25}),
    (
        "expect_column_quantile_values_to_be_between",
        {"column": "score", "quantile_ranges": {"quantiles": [0.1, 0.5], "value_ranges": [[5, 15], [45, 55]]}},
    ),
]
DATA = """
SELECT i AS id, round(5 + 25 * random(), 4) AS radius, CAST(1000 * random() AS BIGINT) AS n,
    CASE WHEN random() < 0.01 THEN NULL ELSE round(100 * random(), 3) END AS score,
    ['red', 'green', 'blue', 'black'][1 + CAST(floor(4 * random()) AS INT)] AS color,
    'user' || CAST(CAST(1e6 * random() AS INT) AS VARCHAR) || '@example.org' AS email,
    CAST(DATE '2024-01-01' + CAST(365 * random() AS INT) AS VARCHAR) AS day, random() AS u
FROM range({rows}) AS t(i)
"""
NATIVE = """
import json, sys
from pathlib import Path
from mlcicd.runtime.validation import native
from mlcicd.runtime.validation.model import Rule, Table
path, memory, rules = Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
rules = [Rule(type=name, kwargs=kwargs) for name, kwargs in rules]
found = native.judge(Table(name=path.name, path=path), rules, memory_mb=memory, values=False)
assert not found.left and "great_expectations" not in sys.modules and "pandas" not in sys.modules
print(json.dumps([[one.success, one.observed] for one in found.expectations]))
"""
GREAT = """
import json, logging, sys, warnings
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
import great_expectations as gx, pandas
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.registry import get_expectation_impl
path, child, rules = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
sys.path.insert(0, child)
from gx_child import reduce
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = ProgressBarsConfig(globally=False)
suite = gx.ExpectationSuite(name="s", expectations=[get_expectation_impl(name)(**kwargs) for name, kwargs in rules])
definition = context.data_sources.add_pandas("p").add_dataframe_asset("d").add_batch_definition_whole_dataframe("b")
frame = (pandas.read_parquet if path.endswith("parquet") else pandas.read_csv)(path)
basic = {"result_format": "BASIC", "partial_unexpected_count": 0}
found = definition.get_batch({"dataframe": frame}).validate(suite, result_format=basic).to_json_dict()["results"]
order = [name + json.dumps(kwargs.get("column")) for name, kwargs in rules]
def place(one):
    config = one["expectation_config"]
    return order.index(config["type"] + json.dumps(config["kwargs"].get("column")))
print(json.dumps([[bool(one["success"]), reduce(one)["observed"]] for one in sorted(found, key=place)]))
"""


@dataclass(frozen=True)
class Run:
    """What one process took: wall seconds, the most memory in MB, and its verdicts."""

    seconds: float
    memory: float
    verdicts: list[list[object]]


def main() -> None:
    """Measure, print the table, and write it to the documentation if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pandas", required=True, help="a Python with great-expectations")
    parser.add_argument("--arrow", required=True, help="a Python with great-expectations and pyarrow")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    given = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory(prefix="mlcicd-bench-") as folder:
        for rows in given.rows:
            for path in make(Path(folder), rows):
                lines += measured(path, rows, {"pandas": given.pandas, "pandas, pyarrow": given.arrow})
                print("\n".join(lines[-4:]), flush=True)
    print("\n".join([*HEAD, *lines]))
    if given.write:
        PAGE.write_text("\n".join([*TEXT, *HEAD, *lines, *TAIL]) + "\n", encoding="utf-8")


def make(folder: Path, rows: int) -> list[Path]:
    """Write the table in both formats; the same on every machine."""
    import duckdb

    paths = [folder / f"{rows}.parquet", folder / f"{rows}.csv"]
    with duckdb.connect() as database:
        database.execute("SET threads = 1")
        database.execute("SELECT setseed(0.5)")
        database.execute(f"COPY ({DATA.format(rows=rows)}) TO '{paths[0]}' (FORMAT parquet)")
        database.execute(f"COPY (FROM '{paths[0]}') TO '{paths[1]}' (HEADER)")
    return paths


def measured(path: Path, rows: int, pythons: dict[str, str]) -> list[str]:
    """Return the rows of the table for one file: DuckDB's own memory limit and the cap, against each Python."""
    rules = json.dumps(RULES)
    ours = {
        name: best([sys.executable, "-c", NATIVE, str(path), json.dumps(memory), rules])
        for name, memory in (("default", None), (f"{CAP} MB", CAP))
    }
    lines = []
    for against, python in pythons.items():
        if path.suffix == ".parquet" and "pyarrow" not in against:
            continue
        great = best([python, "-c", GREAT, str(path), str(ROOT / "mlcicd/runtime/validation"), rules])
        lines += [_line(rows, path, name, against, our, great) for name, our in ours.items()]
    return lines


def _line(rows: int, path: Path, limit: str, against: str, ours: Run, great: Run) -> str:
    assert ours.verdicts == great.verdicts, (ours.verdicts, great.verdicts)
    share = f"{ours.seconds / great.seconds:.2f} | {ours.memory / great.memory:.2f}"
    figures = f"{ours.seconds:.1f} s, {ours.memory:,.0f} MB | {great.seconds:.1f} s, {great.memory:,.0f} MB"
    return f"| {rows:,} | {path.suffix[1:]} | {limit} | {against} | {share} | {figures} |"


def best(argv: list[str]) -> Run:
    """Return the fastest of several runs."""
    return min((run(argv) for _ in range(RUNS)), key=lambda one: one.seconds)


def run(argv: list[str]) -> Run:
    """Run a process to its end."""
    began = time.perf_counter()
    environ = {**os.environ, "PYTHONPATH": str(ROOT) if argv[0] == sys.executable else ""}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environ) as process:
        answer = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, argv[:2]
    return Run(time.perf_counter() - began, usage.ru_maxrss / 1024, json.loads(answer.splitlines()[-1]))


TEXT = [
    "# Benchmarks",
    "",
    "Written by `tests/bench/validation.py`; ratios are what to read, for they hold on other machines as well.",
    "",
    "## Validation: the native engine (DuckDB) against Great Expectations on pandas",
    "",
    "Ten expectations (row count, two not-null, unique, two between, in-set, regex, mean, quantiles) on eight columns.",
    "Each figure is a whole process with its imports; memory is its peak. The verdicts and the counts are the same.",
    "`pandas` is what Great Expectations brings with it; with pyarrow, which Parquet needs, pandas holds texts in it.",
    "",
]
HEAD = [
    "| rows | format | memory limit | against | time ratio | memory ratio | native | Great Expectations |",
    "|---:|---|---|---|---:|---:|---|---|",
]
TAIL = [
    "",
    "The native engine never imports Great Expectations or pandas (the benchmark asserts it). With a limit, what does",
    "not fit is kept in a temporary folder.",
]

if __name__ == "__main__":
    main()
