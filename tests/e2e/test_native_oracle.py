"""The native engine against Great Expectations: the same verdicts, counts and texts on random tables, or none."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlcicd.runtime.validation import catalog, gx_child, native
from mlcicd.runtime.validation.model import Rule, Table
from mlcicd.runtime.validation.native_rules import JUDGES
from tests.e2e.native_cases import SHAPES, csv_cases, parquet_cases

pytestmark = pytest.mark.e2e
# The same examples each time, so that a failure is somebody's; who changes the engine runs thousands of others.
QUIET = settings(
    max_examples=400, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
LEAST = 300
ORACLE = Path(__file__).parent / "gx_oracle.py"


@contextmanager
def running(python):
    """A Great Expectations that answers: `ask(request) -> answer`."""
    argv = [str(python), str(ORACLE), gx_child.__file__]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            child.stdout.readline()

            def ask(**request):
                child.stdin.write(json.dumps(request) + "\n")
                child.stdin.flush()
                return json.loads(child.stdout.readline())

            yield ask
        finally:
            child.stdin.close()
            child.wait(20)


@pytest.fixture(scope="module")
def plain(environment):
    """Great Expectations without pyarrow, which matches with Python's regular expressions."""
    with running(environment / "bin/python") as ask:
        yield ask


@pytest.fixture(scope="module")
def arrow(environment, tmp_path_factory):
    """Great Expectations with pyarrow, which reads Parquet and matches with RE2."""
    from tests.e2e.conftest import uv

    folder = tmp_path_factory.mktemp("arrow") / "venv"
    uv("venv", "--quiet", "--python", str(environment / "bin/python"), str(folder))
    uv("pip", "install", "--quiet", "--python", str(folder), "great-expectations==1.24.1", "pandas==3.1.1", "pyarrow")
    with running(folder / "bin/python") as ask:
        yield ask


def compare(path, rules, ask, seen, *, empty):
    """Judge with both, and compare what the native engine dares to judge."""
    wanted = ask(path=str(path), rules=rules)
    found = native.judge(
        Table(name="t", path=path), [Rule(type=r["type"], kwargs=r["kwargs"]) for r in rules],
        memory_mb=None, values=False,
    )  # fmt: skip
    seen["tables"] += 1
    if isinstance(wanted, dict):
        # GX refuses the file, or a rule that it does not even accept.
        assert found.unreadable or not found.expectations or "validation" in wanted["unreadable"], (wanted, found)
        return
    if found.unreadable:
        assert found.error in ("it has a header and no rows", "it has no rows"), found
        assert empty, found
        return
    judged = iter(found.expectations)
    left = list(found.left)
    for rule, want in zip(rules, wanted, strict=True):
        if left and (left[0].type, left[0].kwargs) == (rule["type"], rule["kwargs"]):
            left.pop(0)
            seen["left"] += 1
            continue
        seen["judged"] += 1
        seen[rule["type"]] += 1
        have = next(judged).model_dump()
        assert (have["success"], have["error"]) == (want["success"], want["error"]), (rule, want, have)
        texts = [(_unsigned(one["observed"]), one["expected"]) for one in (have, want)]
        assert texts[0] == texts[1], (rule, want, have)


def _unsigned(text):
    """Zero has a sign that depends on the order of the rows."""
    return re.sub(r"-0(?![.\d])", "0", text)


def test_csv_tables_are_judged_as_by_great_expectations(plain, tmp_path):
    seen = Counter()

    @QUIET
    @given(csv_cases(), st.sampled_from(["\n", "\r\n"]), st.booleans())
    def check(case, newline, mark):
        path = tmp_path / "t.csv"
        path.write_text(("\ufeff" if mark else "") + case.csv(newline), encoding="utf-8", newline="")
        compare(path, case.rules, plain, seen, empty=case.rows == 0)

    check()
    assert seen["judged"] > LEAST, seen


def test_parquet_tables_are_judged_as_by_great_expectations(arrow, tmp_path):
    import duckdb

    seen = Counter()

    @QUIET
    @given(parquet_cases())
    def check(case):
        path = tmp_path / "t.parquet"
        write_parquet(duckdb, case, path)
        compare(path, case.rules, arrow, seen, empty=case.rows == 0)

    check()
    assert seen["judged"] > LEAST, seen


def write_parquet(duckdb, case, path):
    """Write a table with the types of its values."""
    with duckdb.connect() as database:
        kinds = {name: _kind(values) for name, values in case.columns.items()}
        fields = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
        database.execute(f"CREATE TABLE t ({fields})")
        rows = list(zip(*case.columns.values(), strict=True))
        if rows:
            database.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(kinds))})", rows)
        database.execute(f"COPY t TO '{path}' (FORMAT parquet)")


def _kind(values):
    present = [value for value in values if value is not None]
    if any(isinstance(value, bool) for value in present):
        return "BOOLEAN"
    if present and all(isinstance(value, int) for value in present):
        return "BIGINT"
    return "DOUBLE" if any(isinstance(value, float) for value in present) else "VARCHAR"


def test_every_native_expectation_is_compared():
    assert set(JUDGES) == set(SHAPES)


def test_the_catalog_is_that_of_great_expectations(plain):
    installed = plain(catalog=sorted(catalog.ARGUMENTS))
    assert {name: set(words) for name, words in catalog.ARGUMENTS.items()} == {
        name: set(fields) for name, fields in installed.items()
    }
    assert {name: set(words) for name, words in catalog.REQUIRED.items()} == {
        name: {field for field, required in fields.items() if required} for name, fields in installed.items()
    }
