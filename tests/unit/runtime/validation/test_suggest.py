from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from mlcicd.errors import OutsideError, UsageError
from mlcicd.runtime import project
from mlcicd.runtime.validation import duck, native, suggest, suite
from mlcicd.runtime.validation.model import Table

CITIES = ("Oslo", "Bern", "N'Djamena")


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [
        f'{i},{i * 1.37 - 50:.2f},{i % 2},"{CITIES[i % 3]}",{"" if i % 10 else "note"},2020-01-{i % 28 + 1:02}'
        for i in range(100)
    ]
    Path("raw.csv").write_text("id,x,target,city: of,note,day\n" + "\n".join(rows) + "\n")
    return tmp_path


def test_a_suite_is_written_that_its_own_data_meets(data):
    name, count = suggest.write(data, "raw.csv")
    assert name == "expectations/raw.yaml"
    rules = suite.read(data / name, name).rules
    assert len(rules) == count
    assert all(map(native.supports, rules))
    judged = native.judge(Table(name="raw.csv", path=data / "raw.csv"), rules, memory_mb=None, values=False)
    assert (judged.left, [entry for entry in judged.expectations if not entry.success]) == ((), [])


def test_what_was_observed_decides_what_is_expected(data):
    suggest.write(data, "raw.csv", "s.yaml")
    lines = Path("s.yaml").read_text().splitlines()
    assert "  - expect_table_row_count_to_be_between: {min_value: 50, max_value: 200}" in lines
    assert "  - expect_column_values_to_be_unique: {column: id}" in lines
    assert "  # from -50.0 to 85.63" in lines
    assert (
        "  - expect_column_values_to_be_between: {column: x, min_value: -50, max_value: 86, severity: warning}" in lines
    )
    assert "  - expect_column_values_to_be_in_set: {column: target, value_set: [0, 1], severity: warning}" in lines
    assert any("N'Djamena" in line and "city: of" in line for line in lines)
    assert "  # note: VARCHAR, 1 different values, 90 missing" in lines
    assert not any("not_be_null: {column: note" in line for line in lines)


def test_the_same_data_gives_the_same_text_and_nothing_is_overwritten(data):
    suggest.write(data, "raw.csv", "a.yaml")
    suggest.write(data, "raw.csv", "b.yaml")
    assert Path("a.yaml").read_text() == Path("b.yaml").read_text()
    Path("a.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"a\.yaml exists, and is not overwritten"):
        suggest.write(data, "raw.csv", "a.yaml")
    assert Path("a.yaml").read_text() == "mine"


def test_the_next_step_is_shown(data):
    said: list[str] = []
    suggest.run(project.load(), "raw.csv", "", said.append)
    assert "      - {data: raw.csv, suite: expectations/raw.yaml}" in "\n".join(said)
    assert said[-1] == "try it: mlcicd validate --suite expectations/raw.yaml --data raw.csv"


def test_odd_columns(data):
    what = "NULL::DOUBLE AS nothing, 'nan'::DOUBLE AS nan, 1e300 AS huge, 0 AS zero, [1] AS list, -7 AS minus"
    duckdb.execute(f"COPY (SELECT {what} FROM range(30)) TO 'odd.parquet' (FORMAT parquet)")
    suggest.write(data, "odd.parquet", "odd.yaml")
    text = Path("odd.yaml").read_text()
    assert "nothing can be learnt of an empty column" in text
    assert suite.read(data / "odd.yaml", "odd.yaml").rules


@pytest.mark.parametrize(
    ("value", "down", "up"),
    [(13.37, 13, 14), (-13.37, -14, -13), (0, 0, 0), (0.01234, 0.012, 0.013), (98765, 98000, 99000), (5.0, 5, 5)],
)
def test_ranges_are_rounded_outwards(value, down, up):
    assert (suggest._rounded(value, down=True), suggest._rounded(value, down=False)) == (down, up)


def test_what_cannot_be_learnt_from(data, monkeypatch):
    Path("none.csv").write_text("a,b\n")
    Path("latin.csv").write_bytes(b"a\n\xff\n")
    with pytest.raises(UsageError, match=r"none\.csv has no rows"):
        suggest.write(data, "none.csv")
    with pytest.raises(UsageError, match=r"latin\.csv: line 2 is not UTF-8 text"):
        suggest.write(data, "latin.csv")
    with pytest.raises(OutsideError, match=r"there is no file absent\.csv"):
        suggest.write(data, "absent.csv")
    assert not Path("expectations").exists()
    monkeypatch.setattr(duck, "is_here", lambda: False)
    with pytest.raises(OutsideError, match="needs duckdb") as caught:
        suggest.write(data, "raw.csv")
    assert "`mlcicd setup --tables` installs it" in caught.value.hint


def test_another_separator_and_damaged_parquet_are_refused(data):
    Path("semi.csv").write_text("a;b\n1;2\n")
    with pytest.raises(UsageError, match=r"semi\.csv: it has one column, 'a;b': separated by ;\?"):
        suggest.write(data, "semi.csv")
    Path("one.csv").write_text("a;b,c\n1,2\n")
    suggest.write(data, "one.csv")
    duckdb.execute("COPY (SELECT range::DOUBLE AS a FROM range(50000)) TO 'whole.parquet'")
    raw = bytearray(Path("whole.parquet").read_bytes())
    raw[100:-3000] = b"\xff" * (len(raw) - 3100)
    Path("bad.parquet").write_bytes(raw)
    with pytest.raises(UsageError, match="it is damaged: not all of it can be read"):
        suggest.write(data, "bad.parquet")
