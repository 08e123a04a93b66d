"""`validate` with the real Great Expectations, DVC, a database and Spark."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from mlcicd.errors import OutsideError, Refused, UsageError
from mlcicd.runtime import base as commits
from mlcicd.runtime import facts, project, validate
from mlcicd.runtime.validate import Order
from mlcicd.runtime.validation.base_data import Base
from tests.e2e.conftest import uv
from tests.unit.runtime import repository

pytestmark = pytest.mark.e2e

SUITE = """
expectations:
  - expect_column_values_to_be_in_set: {column: b, value_set: [x], severity: warning}
  - expect_column_values_to_not_be_null: {column: a, mostly: 0.6}
  - expect_column_values_to_be_of_type: {column: a, type_: float64, severity: info}
  - expect_column_values_to_not_be_null: {column: absent, severity: info}
"""
TABLE = "a,b\n1,x\n,alice@example.org\n3,x\n"
SPARK = "MLCICD_SPARK_PYTHON"


@pytest.fixture(scope="module")
def python(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's environment, with what GX needs for databases on top."""
    folder = tmp_path_factory.mktemp("database") / "venv"
    uv("venv", "--quiet", "--python", str(environment / "bin/python"), str(folder))
    uv("pip", "install", "--quiet", "--python", str(folder), "sqlalchemy>=2,<2.2", "pyarrow")
    (site,) = folder.glob("lib/*/site-packages")
    (below,) = environment.glob("lib/*/site-packages")
    (site / "below.pth").write_text(f"{below}\n")
    return folder


@pytest.fixture
def root(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a table and its suite."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    Path(".venv").symlink_to(python)
    Path("raw.csv").write_text(TABLE)
    Path("suite.yaml").write_text(SUITE)
    return tmp_path


def judge(text: str) -> facts.ValidateFacts:
    """Validate by a configuration and return what is left, whatever the verdict."""
    Path("mlcicd.yaml").write_text(f"version: 1\nvalidate: {text}\n")
    try:
        validate.run(project.load(), Order(), print)
    except (Refused, OutsideError, UsageError) as error:
        print(error, error.hint)
    found = facts.read(facts.ValidateFacts, "validate")
    assert found
    return found


def outcomes(group: facts.Checkpoint) -> list[tuple[bool, str, str]]:
    return [
        (entry.success, entry.severity, entry.observed or entry.error.partition(": ")[2])
        for entry in group.expectations
    ]


EXPECTED = [
    (False, "warning", "1 of 3 unexpected (33.3 %)"),
    (True, "critical", "1 of 3 unexpected (33.3 %)"),
    (True, "info", "float64"),
    (False, "info", "the table has no column 'absent'"),
]


def test_both_engines_say_the_same_in_the_suites_order_without_values(root: Path) -> None:
    found = judge("{suites: [{data: raw.csv, suite: suite.yaml}]}").checkpoints[0]
    assert outcomes(found) == EXPECTED
    assert [entry.engine for entry in found.expectations] == ["duckdb", "duckdb", "gx", "duckdb"]
    every = judge("{suites: [{data: raw.csv, suite: suite.yaml}], engine: gx}").checkpoints[0]
    assert outcomes(every) == EXPECTED
    assert {entry.engine for entry in every.expectations} == {"gx"}
    assert every.success
    left = [path.read_text() for path in Path(".mlcicd").rglob("*") if path.is_file()]
    assert "alice" not in "".join(left)
    page = Path(".mlcicd/validate/docs/1-raw-csv.html").read_text()
    assert "expect" in page.lower()
    assert not any(f'{attribute}="http' in page for attribute in ("src", "srcset"))


def test_values_are_shown_where_they_may_be(root: Path) -> None:
    found = judge("{suites: [{data: raw.csv, suite: suite.yaml}], engine: gx, values: true}").checkpoints[0]
    assert found.expectations[0].observed.endswith("unexpected (33.3 %); such as 'alice@example.org'")


def test_data_that_gx_cannot_read_is_told_in_words(root: Path) -> None:
    Path("empty.csv").touch()
    Path("header.csv").write_text("a,b\n")
    Path("latin.csv").write_bytes(b"a,b\n1,\xe9\n")
    Path("ragged.csv").write_text("a,b\n1,x\n1,x,SECRET\n")
    Path("cut.parquet").write_bytes(b"PAR1" + b"x" * 99)
    names = ("empty.csv", "header.csv", "latin.csv", "ragged.csv", "cut.parquet")
    entries = ", ".join(f"{{data: {name}, suite: suite.yaml}}" for name in names)
    found = judge(f"{{suites: [{entries}], engine: gx, checks: {{skip: [duplicates]}}}}")
    errors = [group.error for group in found.checkpoints if group.kind == "suite"]
    assert errors[:3] == [
        "empty.csv: it is empty",
        "no rows: every check of nothing passes",
        "latin.csv: it is not UTF-8 text",
    ]
    assert "Expected 2 fields in line 3, saw 3" in errors[3]
    assert errors[4].startswith("cut.parquet: ArrowInvalid")
    assert "SECRET" not in found.model_dump_json()


def test_an_argument_that_gx_refuses_is_a_mistake_of_the_suite(root: Path) -> None:
    Path("odd.yaml").write_text(
        "expectations:\n  - expect_column_kl_divergence_to_be_less_than: {column: a, threshold: 0.1, "
        "partition_object: {bins: [1], weights: [1]}, bucketize_data: perhaps}\n"
    )
    Path("mlcicd.yaml").write_text("version: 1\nvalidate: {suites: [{data: raw.csv, suite: odd.yaml}]}\n")
    with pytest.raises(UsageError, match=r"odd\.yaml:2") as caught:
        validate.run(project.load(), Order(), print)
    assert caught.value.hint


@pytest.fixture
def warehouse(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = root / "p$ss.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE orders (a INTEGER, b TEXT)")
        database.executemany("INSERT INTO orders VALUES (?, ?)", [(1, "x"), (None, "alice@example.org"), (3, "x")])
        database.execute("CREATE TABLE nobody (a INTEGER, b TEXT)")
        database.commit()
    monkeypatch.setenv("WAREHOUSE", f"sqlite:///{path}")
    Path("suite.yaml").write_text("".join(line for line in SUITE.splitlines(keepends=True) if "of_type" not in line))
    return path


def test_tables_of_databases(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOWHERE", "sqlite:////nowhere/at/all.db")
    monkeypatch.setenv("RUBBISH", "rubbish-s3cret")
    monkeypatch.setenv("SERVER", "postgresql://u:s3cret@127.0.0.1:1/db")
    asked = [("orders", "WAREHOUSE"), ("main.orders", "WAREHOUSE"), ("nobody", "WAREHOUSE"), ("none", "WAREHOUSE")]
    asked += [("orders", "NOWHERE"), ("orders", "RUBBISH"), ("orders", "SERVER")]
    entries = ", ".join(f"{{table: {table}, connection: {name}, suite: suite.yaml}}" for table, name in asked)
    found = judge(f"{{suites: [{entries}]}}")
    orders, qualified, *_ = found.checkpoints
    assert outcomes(orders) == outcomes(qualified) == [EXPECTED[0], EXPECTED[1], EXPECTED[3]]
    assert (orders.name, orders.asset, orders.rows, orders.success) == ("orders", "WAREHOUSE", 3, True)
    assert [group.error for group in found.checkpoints[2:]] == [
        "no rows: every check of nothing passes",
        "none: the table none: no such table: none",
        "orders: the database at NOWHERE: unable to open database file",
        "orders: the database at RUBBISH: Could not parse SQLAlchemy URL from given URL string",
        "orders: the database at SERVER: No module named 'psycopg'",
    ]
    left = "".join(path.read_text() for path in Path(".mlcicd").rglob("*") if path.is_file())
    assert "s3cret" not in left
    assert "alice" not in left


def test_the_base_s_data_comes_from_the_remote_in_a_shallow_clone(environment: Path, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    (origin / "parts").mkdir(parents=True)
    environ = project.environ(origin, {**os.environ, "PATH": f"{environment}/bin:{os.environ['PATH']}"})

    def dvc(*arguments: str) -> None:
        subprocess.run(["dvc", *arguments, "--quiet"], cwd=origin, env=environ, check=True)

    def commit(content: str) -> None:
        for name in ("raw.csv", "parts/train.csv"):
            (origin / name).write_text(content)
        dvc("add", "raw.csv", "parts")
        dvc("push")
        repository.git(origin, "add", "-A")
        repository.git(origin, "commit", "-q", "-m", "data")

    repository.git(origin, "init", "-q", "-b", "main")
    dvc("init")
    dvc("remote", "add", "--default", "store", str(tmp_path / "store"))
    commit("a\n1\n")
    old = commits.commit(origin, "HEAD")
    commit("a\n1\n2\n")
    clone = tmp_path / "clone"
    repository.git(tmp_path, "clone", "-q", "--depth=1", f"file://{origin}", str(clone))
    repository.git(clone, "fetch", "-q", "--depth=1", "origin", old)
    for name in ("raw.csv", "parts/train.csv"):
        (clone / name).parent.mkdir(exist_ok=True)
        (clone / name).write_text("a\n1\n2\n")
    (tmp_path / "copies").mkdir()
    source = Base(clone, environ, commits.Base(sha=old), tmp_path / "copies")
    for name in ("raw.csv", "parts/train.csv"):
        found = source.version(name)
        assert found.path
        assert found.path.read_text() == "a\n1\n"
    shutil.rmtree(tmp_path / "store")
    shutil.rmtree(origin / ".dvc/cache")
    lost = Base(clone, environ, commits.Base(sha=old), tmp_path / "copies2").version("raw.csv")
    assert lost.path is None
    assert lost.note.startswith("the base's version could not be fetched: ")


def _spark() -> str:
    """Return a Python that has Great Expectations and pyspark, or skip."""
    if not shutil.which("java"):
        pytest.skip("Spark needs Java, and there is none here")
    python = os.environ.get(SPARK, "")
    if not python:
        pytest.skip(f"no pyspark: {SPARK} is to name a Python that has great-expectations[spark]")
    return python


def test_spark_judges_as_pandas_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = _spark()
    monkeypatch.chdir(tmp_path)
    Path(".venv/bin").mkdir(parents=True)
    Path(".venv/bin/python").write_text(f'#!/bin/sh\nexec {json.dumps(python)} "$@"\n')
    Path(".venv/bin/python").chmod(0o755)
    Path("raw.csv").write_text(TABLE)
    Path("suite.yaml").write_text(SUITE.replace("float64", "IntegerType"))
    found = judge("{suites: [{data: raw.csv, suite: suite.yaml}], engine: spark}").checkpoints[0]
    assert outcomes(found) == [*EXPECTED[:2], (True, "info", "IntegerType"), EXPECTED[3]]
    assert {entry.engine for entry in found.expectations} == {"spark"}
