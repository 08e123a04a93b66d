from __future__ import annotations

import duckdb
import pytest

from mlcicd.config.validation import Checks
from mlcicd.runtime.validation import checks
from mlcicd.runtime.validation.base_data import Before

BASE = "id,city,target,x\n" + "".join(f"{i},{'Oslo' if i % 2 else 'Bern'},{i % 2},{i}.5\n" for i in range(20))


def before(tmp_path, text):
    path = tmp_path / "base.csv"
    path.write_text(text)
    return Before(path=path, note="base 1234567")


def of_file(tmp_path, now, base=BASE, *, label="target", values=False, **settings):
    """Return the entries that were not met, then those that were, as (type, column, severity, observed)."""
    path = tmp_path / "now.csv"
    path.write_text(now)
    chosen = checks.Settings(checks=Checks.model_validate(settings), memory_mb=200, values=values)
    found = checks.of_file("now.csv", path, label, before(tmp_path, base), chosen)
    assert {entry.engine for entry in found.expectations} <= {"mlcicd"}
    return found, [
        (entry.type, entry.column, entry.severity, entry.observed) for entry in found.expectations if not entry.success
    ]


def lines(start, stop, city="Oslo", target="1", x="1.5"):
    return "".join(f"{i},{city},{target},{x}\n" for i in range(start, stop))


def test_the_same_kind_of_data_meets_every_check(tmp_path):
    found, bad = of_file(tmp_path, BASE + "20,Oslo,1,3.5\n21,Bern,0,4.5\n")
    assert (bad, found.success, found.rows) == ([], True, 22)
    assert [entry.type for entry in found.expectations] == ["duplicates", "rows", "schema", "categories", "balance"]


def test_rows_beyond_the_threshold_are_a_warning(tmp_path):
    half = "".join(BASE.splitlines(keepends=True)[:10])
    found, bad = of_file(tmp_path, half)
    assert bad == [("rows", "", "warning", "9 rows, 20 in the base (-55 %)")]
    assert found.success
    assert of_file(tmp_path, half, rows=0.6)[1] == []


def test_a_missing_column_and_another_type_are_critical_and_a_new_column_is_a_note(tmp_path):
    rows = "".join(f"{i},{'Oslo' if i % 2 else 'Bern'},n{i},{i % 2}\n" for i in range(20))
    found, bad = of_file(tmp_path, "id,city,x,new\n" + rows, label=None)
    assert not found.success
    assert bad == [
        ("schema", "target", "critical", "1 missing"),
        ("schema", "x", "critical", "DOUBLE is now VARCHAR"),
        ("schema", "new", "info", "1 new"),
    ]


def test_whole_numbers_that_became_fractions_are_a_note_and_an_empty_column_has_no_type(tmp_path):
    wider = "id,x\n" + "".join(f"{i}.5,\n" for i in range(20))
    _, bad = of_file(tmp_path, wider, "id,x\n" + "".join(f"{i},{i}\n" for i in range(20)), label=None)
    assert bad == [("schema", "id", "info", "BIGINT is now DOUBLE")]


def test_equal_rows_are_counted(tmp_path):
    found, bad = of_file(tmp_path, BASE + BASE.splitlines()[-1] + "\n")
    assert bad == [("duplicates", "", "warning", "1 of 21 rows repeat another (4.76 %)")]
    assert found.success
    assert of_file(tmp_path, BASE + BASE.splitlines()[-1] + "\n", skip=["duplicates"])[1] == []


def test_new_categories_are_counted_and_shown_only_where_values_may_be(tmp_path):
    now = BASE.replace("Bern", "Paris", 3)
    assert of_file(tmp_path, now)[1] == [("categories", "city", "warning", "1 new in 3 rows")]
    (shown,) = of_file(tmp_path, now, values=True)[1]
    assert shown[3] == "1 new in 3 rows: such as Paris"


def test_texts_of_many_values_are_no_categories(tmp_path):
    rows = "".join(f"{i},name{i},{i % 2},1\n" for i in range(20))
    head = "id,city,target,x\n"
    assert of_file(tmp_path, head + rows.replace("name1,", "other,"), head + rows)[1] == []


def test_the_label_is_a_category_even_when_it_is_a_number(tmp_path):
    (new, *_) = of_file(tmp_path, BASE.replace(",1,19.5", ",2,19.5"))[1]
    assert new == ("categories", "target", "warning", "1 new in 1 rows")


def test_the_balance_of_the_classes(tmp_path):
    now = BASE + lines(20, 26)
    (bad,) = of_file(tmp_path, now)[1]
    assert bad == ("balance", "target", "warning", "the share that changed most: 50 % in the base, 38.5 % now")
    (named,) = of_file(tmp_path, now, values=True)[1]
    assert named[3].startswith("the share of 0: ")
    assert of_file(tmp_path, now, balance=0.2)[1] == []


def test_a_label_that_is_no_column_is_a_mistake_of_the_configuration(tmp_path):
    found, bad = of_file(tmp_path, BASE, label="tarjet")
    assert [entry[:3] for entry in bad] == [("balance", "tarjet", "critical")]
    assert "correct `label`" in found.expectations[1].error


@pytest.mark.parametrize(("same", "success"), [(True, True), (False, False)])
def test_without_another_version_nothing_is_compared(tmp_path, same, success):
    path = tmp_path / "now.csv"
    path.write_text(BASE)
    chosen = checks.Settings(checks=Checks())
    found = checks.of_file("now.csv", path, None, Before(same=same, note="why"), chosen)
    last = found.expectations[-1]
    assert (last.severity, last.success, last.observed) == ("info", success, "why")
    assert found.success
    skipped = checks.Settings(checks=Checks(skip=("rows", "schema", "categories", "balance")))
    assert len(checks.of_file("now.csv", path, None, Before(note="why"), skipped).expectations) == 1


def test_a_base_that_cannot_be_read_is_a_note(tmp_path):
    found, bad = of_file(tmp_path, BASE, base="")
    assert found.success
    assert bad == [("same as in the base", "", "info", "the base's version: the file is empty")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"a,b\n1,\xff\n", "line 2 is not UTF-8 text"),
        (b"a,b\n1,2\n1,2,SECRET\n", "line 3 has 3 fields, the header 2"),
        (b"a,b\n", "no rows: every check of nothing passes"),
    ],
)
def test_a_file_that_is_no_table_is_not_valid_and_its_lines_are_not_shown(tmp_path, content, said):
    path = tmp_path / "now.csv"
    path.write_bytes(content)
    found = checks.of_file("now.csv", path, None, Before(note="why"), checks.Settings(checks=Checks()))
    assert not found.success
    assert found.error == said


def test_rows_that_end_early_are_read_as_pandas_reads_them(tmp_path):
    _, bad = of_file(tmp_path, BASE + "20,Oslo\n", label=None)
    assert bad == []


def test_parquet_and_names_that_look_like_patterns_or_sql(tmp_path):
    path = tmp_path / "no[w]*.parquet"
    duckdb.execute(f"""COPY (SELECT 1 AS "a""b; --", DATE '2020-01-01' AS d) TO '{path}' (FORMAT parquet)""")
    found = checks.of_file("now", path, 'a"b; --', Before(path=path, note=""), checks.Settings(checks=Checks()))
    assert [entry.success for entry in found.expectations] == [True, True, True, True]


def split(tmp_path, train, test, *key):
    for name, text in (("train.csv", train), ("test.csv", test)):
        (tmp_path / name).write_text(text)
    files = [(name, tmp_path / name) for name in ("train.csv", "test.csv")]
    found = checks.of_split(files[0], files[1], key, checks.Settings(checks=Checks(), memory_mb=200))
    assert found.name == "train.csv and test.csv"
    return found


def test_rows_in_both_parts_of_a_split_are_critical_also_with_missing_values(tmp_path):
    found = split(tmp_path, "a,b\n1,\n2,y\n", "a,b\n1,\n3,y\n")
    (entry,) = found.expectations
    assert (entry.severity, entry.success, found.success) == ("critical", False, False)
    assert entry.observed == "1 of 2 rows of test.csv are also in train.csv (50 %)"


def test_a_split_without_common_rows(tmp_path):
    found = split(tmp_path, "a,b\n1,x\n", "b,a,c\nx,2,1\n")
    assert found.success
    assert found.expectations[0].expected == "no row of one in the other, by 2 columns"


def test_a_key_tells_rows_apart_and_an_absent_key_is_nobody(tmp_path):
    assert not split(tmp_path, "id,x\n1,a\n,b\n", "id,x\n1,other\n,c\n", "id").success
    assert split(tmp_path, "id,x\n1,a\n,b\n", "id,x\n2,a\n,c\n", "id").success


def test_numbers_in_one_part_and_text_in_the_other_are_still_compared(tmp_path):
    assert not split(tmp_path, "a\n1\n2\n", "a\n1\nz\n").success


def test_a_key_that_is_no_column(tmp_path):
    (entry,) = split(tmp_path, "a\n1\n", "a\n1\n", "patient").expectations
    assert entry.error == "patient is not in train.csv, patient is not in test.csv"
    (entry,) = split(tmp_path, "a\n1\n", "b\n1\n").expectations
    assert entry.error == "the two files have no column in common"


def test_a_base_that_is_damaged_is_a_note_and_no_fault_of_the_data(tmp_path):
    whole, bad = tmp_path / "whole.parquet", tmp_path / "bad.parquet"
    duckdb.execute(f"COPY (SELECT range::DOUBLE AS a, 'x' || hash(range) % 10 AS b FROM range(50000)) TO '{whole}'")
    raw = bytearray(whole.read_bytes())
    raw[100:-3000] = b"\xff" * (len(raw) - 3100)
    bad.write_bytes(raw)
    settings = checks.Settings(checks=Checks(skip=["duplicates"]))
    found = checks.of_file("a", whole, None, Before(path=bad, note=""), settings)
    assert found.success
    assert found.expectations[-1].observed == "the base's version: it is damaged: not all of it can be read"
