from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest
from click.testing import CliRunner

from mlcicd.cli.validate import validate as command
from mlcicd.errors import OutsideError, Refused, UsageError
from mlcicd.runtime import ci, facts, project, validate
from mlcicd.runtime.validate import Order
from mlcicd.runtime.validation import duck, gx
from tests.unit.runtime import repository

GOOD = {"type": "expect_column_values_to_not_be_null", "column": "a", "severity": "critical", "success": True}
BAD = {
    "type": "expect_column_values_to_be_in_set",
    "column": "target",
    "severity": "critical",
    "success": False,
    "expected": "value_set=[0, 1]",
    "observed": "399 of 569 unexpected (70.1 %)",
}
WARNING = {**BAD, "severity": "warning", "type": "expect_column_mean_to_be_between"}
RESULT = {"name": "raw", "suite": "s", "asset": "files/raw", "rows": 569, "expectations": [GOOD], "page": "<p>docs</p>"}


@pytest.fixture
def answer(tmp_path, monkeypatch):
    """Let the project's Python be a program that gives a fixed answer, and return how to set it."""
    monkeypatch.chdir(tmp_path)
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)

    def set_answer(found: object, text: str = "") -> None:
        (tmp_path / "answer.json").write_text(json.dumps(found))
        body = text or "open(json.load(sys.stdin)['result'], 'w').write(open('answer.json').read())"
        python.write_text(f"#!{sys.executable}\nimport json, sys\nif sys.argv[1] != '-c':\n    {body}\n")
        python.chmod(0o755)

    return set_answer


def run(*names):
    said: list[str] = []
    return validate.run(project.load(), Order(checkpoints=names or ("raw",)), said.append), said


def left():
    return facts.read(facts.ValidateFacts, "validate")


def test_valid_data(answer):
    answer({"results": [RESULT]})
    found, said = run()
    assert found.success
    assert (found.checkpoints[0].rows, found.checkpoints[0].asset) == (569, "files/raw")
    assert left() == found.model_copy(update={"origin": facts.origin.here()})
    assert said[0] == "raw (files/raw): 1 of 1 expectations met, 569 rows: valid"
    assert Path(".mlcicd/validate/docs/1-raw.html").read_text() == "<p>docs</p>"


def test_a_failed_critical_expectation_refuses_the_data(answer):
    answer({"results": [{**RESULT, "expectations": [GOOD, BAD, WARNING]}]})
    with pytest.raises(Refused, match="the data is not valid: raw"):
        run()
    assert not left().success
    top = ElementTree.parse(".mlcicd/validate/junit.xml").getroot()
    suite = top.find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    assert suite.find("testcase/failure").get("message").endswith("(value_set=[0, 1]): 399 of 569 unexpected (70.1 %)")
    assert "warning: target" in suite.find("testcase/system-out").text


def test_a_failed_warning_does_not(answer):
    answer({"results": [{**RESULT, "expectations": [GOOD, WARNING]}]})
    found, said = run()
    assert found.success
    assert said[1].startswith("  warning: target: expect_column_mean_to_be_between (value_set=[0, 1]): 399 of 569")


def test_no_rows_are_not_valid_although_every_check_passes(answer):
    answer({"results": [{**RESULT, "rows": 0}]})
    with pytest.raises(Refused):
        run()
    assert left().checkpoints[0].error.startswith("no rows")
    assert "no rows" in Path(".mlcicd/validate/junit.xml").read_text()


def test_an_unknown_number_of_rows_says_nothing(answer):
    answer({"results": [{**RESULT, "rows": -1}]})
    assert run()[1][0] == "raw (files/raw): 1 of 1 expectations met: valid"


@pytest.mark.parametrize(("unreadable", "kind"), [(False, OutsideError), (True, Refused)])
def test_data_that_is_not_there_is_told_from_data_that_is_no_table(answer, unreadable, kind):
    answer({"results": [{"name": "raw", "error": "no data", "unreadable": unreadable}]})
    with pytest.raises(kind):
        run()
    assert left().checkpoints[0].error == "no data"
    assert not left().success


def test_an_unknown_checkpoint_shows_those_that_exist(answer):
    answer({"refused": "unknown", "message": "raws", "known": ["features", "raw"]})
    with pytest.raises(UsageError) as caught:
        run("raws")
    assert caught.value.message == "checkpoint 'raws' does not exist — did you mean 'raw'?"
    assert caught.value.hint == "those that exist in gx/: features, raw"
    assert left().checkpoints[0].error == caught.value.message


def test_a_broken_project_is_a_wrong_configuration(answer):
    answer({"refused": "broken", "message": "ValidationError: no suite", "known": []})
    with pytest.raises(UsageError, match="project in gx/ cannot be used: ValidationError: no suite") as caught:
        run()
    assert "expectations/" in caught.value.hint


def test_a_child_that_dies_does_not_show_what_it_printed(answer):
    text = "print('ValueError: alice@example.org', file=sys.stderr); sys.exit(3)"
    answer({}, text)
    with pytest.raises(OutsideError) as caught:
        run()
    assert caught.value.message == "great_expectations ended with exit status 3 (ValueError)"
    assert "alice" not in left().model_dump_json() + caught.value.detail
    assert left().checkpoints[0].error == caught.value.message


def test_no_great_expectations_is_explained_with_the_line_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gx, "_HAS_GX", "raise SystemExit(1)")
    with pytest.raises(OutsideError) as caught:
        run()
    assert "uv pip install 'great-expectations>=1.18,<2'" in caught.value.hint
    assert sys.executable in caught.value.detail


def test_nothing_to_validate_is_a_usage_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="nothing to validate after data"):
        validate.run(project.load(), Order(), print)
    assert left().error.startswith("nothing to validate")


@pytest.mark.parametrize(
    ("arguments", "asked"), [([], ["one", "two"]), (["--checkpoint", "a b", "--checkpoint", "a"], ["a", "b"])]
)
def test_checkpoints_are_those_of_the_command_line_or_of_the_configuration(answer, arguments, asked):
    Path("mlcicd.yaml").write_text("version: 1\nvalidate: {checkpoints: [one, two]}\n")
    answer(
        {},
        "ask = json.load(sys.stdin); results = [{'name': name, 'rows': 1} for name in ask['checkpoints']]; "
        "open(ask['result'], 'w').write(json.dumps({'results': results}))",
    )
    assert CliRunner().invoke(command, arguments, catch_exceptions=False).exit_code == 0
    assert [checkpoint.name for checkpoint in left().checkpoints] == asked


SUITE = """
expectations:
  - expect_column_values_to_not_be_null: {column: a}
  - expect_column_values_to_be_in_set: {column: b, value_set: [x, y], severity: warning}
"""
UNKNOWN = "  - expect_column_kl_divergence_to_be_less_than: {column: b, threshold: 0.1}\n"


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """A project with a table, a suite of it, and Great Expectations nowhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gx, "_HAS_GX", "raise SystemExit(1)")
    Path("raw.csv").write_text("a,b,c\n1,x,1\n2,y,1\n3,z,1\n")
    Path("suite.yaml").write_text(SUITE)
    return tmp_path


def configure(text):
    Path("mlcicd.yaml").write_text(f"version: 1\n{text}")
    return project.load()


def judged(loaded, order=Order()):  # noqa: B008 - it is frozen
    said: list[str] = []
    try:
        validate.run(loaded, order, said.append)
    finally:
        said.append(left().model_dump_json() if order.when == "data" else "")
    return said


def test_a_suite_is_judged_in_this_process(tables):
    loaded = configure("validate: {suites: [{data: raw.csv, suite: suite.yaml}]}")
    judged(loaded)
    suite, checks = left().checkpoints
    assert (suite.kind, suite.name, suite.suite, suite.rows, suite.success) == (
        "suite",
        "raw.csv",
        "suite.yaml",
        3,
        True,
    )
    assert [(entry.engine, entry.success, entry.severity) for entry in suite.expectations] == [
        ("duckdb", True, "critical"),
        ("duckdb", False, "warning"),
    ]
    assert checks.kind == "checks"
    assert "great_expectations" not in sys.modules


def test_what_only_great_expectations_knows_needs_it_and_the_rest_is_told(tables):
    Path("suite.yaml").write_text(SUITE + UNKNOWN)
    with pytest.raises(OutsideError, match="great_expectations is not installed") as caught:
        judged(configure("validate: {suites: [{data: raw.csv, suite: suite.yaml}], engine: duckdb}"))
    assert "suite.yaml needs Great Expectations for expect_column_kl_divergence_to_be_less_than" in caught.value.detail
    group = left().checkpoints[0]
    assert (group.error, group.success, left().success) == ("", False, False)
    assert [(entry.engine, entry.success) for entry in group.expectations[:2]] == [("duckdb", True), ("duckdb", False)]
    assert group.expectations[2].error == "suite.yaml:5: needs great_expectations: it is not installed"
    assert (group.expectations[2].column, group.expectations[2].expected) == ("b", "threshold=0.1")


def test_an_expectation_that_nothing_could_judge_is_no_success_even_as_a_warning(tables):
    Path("suite.yaml").write_text(SUITE + UNKNOWN.replace("0.1}", "0.1, severity: warning}"))
    with pytest.raises(OutsideError):
        judged(configure("validate: {suites: [{data: raw.csv, suite: suite.yaml}]}"))
    assert left().checkpoints[0].success
    assert not left().success


@pytest.mark.parametrize("engine", ["auto", "spark"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,x\n2,y,z\n", "line 3 has 3 fields, the header 2"),
        (b"a,b\n1,x,y\n", "line 2 has 3 fields, the header 2"),
        (b'a,b\n1,x\n2,"y\n3,z\n', "line 3 has a quotation mark that is never closed"),
        (b'a,b\n1,"x"x\n2,"y\n3,z\n' + b"4,z\n" * 999, "never closed"),
        (b"a,a\n1,x\n", "line 1: 2 columns are called 'a'"),
        ("a,b\n1,x\n".encode("utf-16"), "line 1 is UTF-16 text"),
        (b"a,b\n1,x\n2,\0\n", "line 3 has a NUL byte"),
        (b"PAR1\x00\x01,x\n", "it is Parquet"),
    ],
)
def test_a_fault_of_the_data_comes_before_a_program_that_is_missing(tables, content, said, engine):
    Path("bad.csv").write_bytes(content)
    with pytest.raises(Refused):
        judged(configure(f"validate: {{suites: [{{data: bad.csv, suite: suite.yaml}}], engine: {engine}}}"))
    assert said in left().checkpoints[0].error


def test_a_compressed_csv_that_is_cut_is_a_fault_of_the_data(tables):
    Path("cut.csv.gz").write_bytes(gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 99)[:-20])
    with pytest.raises(Refused):
        judged(configure("validate: {suites: [{data: cut.csv.gz, suite: suite.yaml}]}"))
    assert "its gzip is cut short" in left().checkpoints[0].error


def test_a_table_that_only_great_expectations_reads_is_not_blamed(tables):
    Path("odd.csv").write_bytes(b'a,b\n1,x"y\n')
    with pytest.raises(OutsideError, match="great_expectations is not installed"):
        judged(configure("validate: {suites: [{data: odd.csv, suite: suite.yaml}]}"))
    entries = left().checkpoints[0].expectations
    assert entries[0].error == (
        "suite.yaml:3: needs great_expectations: it is not installed; it has quotes inside fields"
    )


@pytest.mark.parametrize("engine", ["auto", "gx"])
def test_parquet_that_is_damaged_inside_loses_nothing_else(tables, engine):
    duckdb.execute("COPY (SELECT range::DOUBLE AS a, 'x' || range AS b FROM range(50000)) TO 'whole.parquet'")
    raw = bytearray(Path("whole.parquet").read_bytes())
    raw[100:-3000] = b"\xff" * (len(raw) - 3100)
    Path("bad.parquet").write_bytes(raw)
    entries = "[{data: bad.parquet, suite: suite.yaml}, {data: raw.csv, suite: suite.yaml}]"
    splits = "[{train: raw.csv, test: bad.parquet, key: [a], after: data}]"
    with pytest.raises(Refused if engine == "auto" else OutsideError):
        judged(configure(f"validate: {{suites: {entries}, splits: {splits}, engine: {engine}}}"))
    found = {(group.kind, group.name): group for group in left().checkpoints}
    damaged = "it is damaged: not all of it can be read"
    assert found["suite", "bad.parquet"].error == f"bad.parquet: {damaged}"
    assert found["checks", "bad.parquet"].error == damaged
    assert found["split", "raw.csv and bad.parquet"].error == f"bad.parquet: {damaged}"
    assert found["checks", "raw.csv"].success
    assert found["suite", "raw.csv"].success is (engine == "auto")


def test_one_table_that_ends_great_expectations_does_not_lose_the_others(answer):
    Path("raw.csv").write_text("a,b\n1,x\n")
    Path("bad.csv").write_text("a,b\n1,x\n")
    Path("suite.yaml").write_text(SUITE)
    answer(
        {"suites": [{"rows": 1, "expectations": [GOOD, GOOD]}]},
        "ask = json.load(sys.stdin); 'bad.csv' in str(ask) and sys.exit(9); "
        "open(ask['result'], 'w').write(open('answer.json').read())",
    )
    entries = "[{data: bad.csv, suite: suite.yaml}, {data: raw.csv, suite: suite.yaml}]"
    with pytest.raises(OutsideError, match="exit status 9"):
        judged(configure(f"validate: {{suites: {entries}, engine: gx}}"))
    bad, fine, *_ = left().checkpoints
    assert (bad.success, fine.success) == (False, True)


def test_a_column_that_is_missing_is_told_with_its_place_and_what_was_meant(tables):
    Path("raw.csv").write_text("age,b\n1,x\n")
    Path("suite.yaml").write_text("expectations:\n  - expect_column_values_to_not_be_null: {column: aeg}\n")
    with pytest.raises(Refused):
        judged(configure("validate: {suites: [{data: raw.csv, suite: suite.yaml}]}"))
    said = left().checkpoints[0].expectations[0].error
    assert said == "suite.yaml:2: the table has no column 'aeg' — did you mean 'age'?"


def test_great_expectations_words_for_a_missing_column_are_put_the_same_way(answer):
    Path("raw.csv").write_text("age,b\n1,x\n")
    Path("suite.yaml").write_text("expectations:\n  - expect_column_values_to_not_be_null: {column: aeg}\n")
    entry = {**GOOD, "success": False, "error": 'Error: The column "aeg" in BatchData does not exist.'}
    answer({"suites": [{"rows": 1, "columns": ["age", "b"], "expectations": [entry]}]})
    with pytest.raises(Refused):
        judged(configure("validate: {suites: [{data: raw.csv, suite: suite.yaml}], engine: gx}"))
    said = left().checkpoints[0].expectations[0].error
    assert said == "suite.yaml:2: the table has no column 'aeg' — did you mean 'age'?"


def test_below_the_folder_of_the_configuration_that_folder_is_named(tables, monkeypatch):
    configure("validate: {suites: [{data: raw.csv, suite: suite.yaml}]}")
    (tables / ".git").mkdir()
    (tables / "src").mkdir()
    monkeypatch.chdir(tables / "src")
    with pytest.raises(UsageError, match="nothing to validate") as caught:
        validate.run(project.load(), Order(), print)
    assert caught.value.hint == f"mlcicd.yaml is in {tables}, and this folder has none: run this there"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--suggest", "raw.csv", "--suite", "s.yaml"], "--suite cannot stand beside --suggest"),
        (["--suggest", "raw.csv", "--checkpoint", "a"], "--checkpoint cannot stand beside --suggest"),
        (["--output", "s.yaml"], "--output needs --suggest"),
        (["--suggest", "raw.csv", "--output", "../s.yaml"], r"--output: \.\./s\.yaml is outside the repository"),
    ],
)
def test_options_that_would_be_ignored_are_refused(tables, arguments, said):
    with pytest.raises(UsageError, match=said):
        CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert not (tables.parent / "s.yaml").exists()


def test_two_engines_answers_come_in_the_suites_order(answer):
    Path("raw.csv").write_text("a,b\n1,x\n2,y\n")
    Path("suite.yaml").write_text(SUITE.replace("ions:\n", "ions:\n" + UNKNOWN))
    entry = {**GOOD, "type": "expect_column_kl_divergence_to_be_less_than"}
    answer(
        {"suites": [{"rows": 2, "expectations": [entry], "page": "<p>gx</p>"}]},
        "ask = json.load(sys.stdin); open('asked', 'w').write(json.dumps(ask)); "
        "open(ask['result'], 'w').write(open('answer.json').read())",
    )
    judged(configure("validate: {suites: [{data: raw.csv, suite: suite.yaml}], checks: {skip: [duplicates]}}"))
    found = left().checkpoints[0].expectations
    assert [entry.engine for entry in found] == ["gx", "duckdb", "duckdb"]
    asked = json.loads(Path("asked").read_text())["suites"]
    assert [rule["type"] for rule in asked[0]["rules"]] == ["expect_column_kl_divergence_to_be_less_than"]
    assert asked[0]["engine"] == "pandas"
    assert Path(".mlcicd/validate/docs/1-raw-csv.html").read_text() == "<p>gx</p>"


def test_without_duckdb_suites_go_to_great_expectations_and_checks_are_not_made(answer, monkeypatch):
    monkeypatch.setattr(duck, "is_here", lambda: False)
    Path("raw.csv").write_text("a,b\n1,x\n")
    Path("suite.yaml").write_text(SUITE)
    answer({"suites": [{"rows": 1, "expectations": [GOOD, {**GOOD, "success": False}]}]})
    text = "validate: {suites: [{data: raw.csv, suite: suite.yaml}]"
    judged(configure(text + "}"))
    suite, checks = left().checkpoints
    assert [(entry.engine, entry.severity) for entry in suite.expectations] == [("gx", "critical"), ("gx", "warning")]
    assert checks.success
    assert "duckdb is not installed: `mlcicd setup --tables` installs it" in checks.expectations[0].observed
    for asked in (text, "validate: {splits: [{train: raw.csv, test: raw.csv, after: data}]"):
        with pytest.raises(OutsideError, match="engine: duckdb needs duckdb, which is not installed"):
            judged(configure(asked + ", engine: duckdb}"))


def test_what_is_due_after_training_leaves_facts_of_its_own(tables):
    loaded = configure(
        "train: {}\nvalidate: {checkpoints: [raw], suites: [{data: raw.csv, suite: suite.yaml, after: train}]}"
    )
    judged(loaded, Order(when="train"))
    late = facts.read(facts.ValidateFacts, "validate-train")
    assert [group.kind for group in late.checkpoints] == ["suite", "checks"]
    assert Path(".mlcicd/validate-train/junit.xml").is_file()
    assert left() is None


def test_one_broken_suite_does_not_keep_the_others_from_being_judged(tables):
    Path("broken.yaml").write_text("expectations:\n  - expect_column_values_to_be_nul: {column: a}\n")
    entries = "[{data: raw.csv, suite: broken.yaml}, {data: raw.csv, suite: suite.yaml}]"
    with pytest.raises(UsageError, match=r"broken\.yaml: 1 problem"):
        judged(configure(f"validate: {{suites: {entries}}}"))
    broken, fine, _ = left().checkpoints
    assert "did you mean 'expect_column_values_to_be_null'" in broken.error
    assert fine.success
    assert not left().success


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("none.csv", OutsideError, "there is no file none.csv"),
        ("folder", UsageError, "folder is a folder"),
        ("suite.yaml", UsageError, "suite.yaml is neither CSV nor Parquet"),
    ],
)
def test_data_that_is_no_file(tables, name, kind, said):
    Path("folder").mkdir()
    with pytest.raises(kind) as caught:
        judged(configure(f"validate: {{suites: [{{data: {name}, suite: suite.yaml}}]}}"))
    assert caught.value.message == f"mlcicd.yaml: validate.suites[0]: {said}"
    assert caught.value.hint
    assert {group.error for group in left().checkpoints} == {caught.value.message}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "it is empty"),
        ("header.csv", b"a,b\n", "no rows"),
        ("latin.csv", b"a,b\n1,\xe9\n", "line 2 is not UTF-8 text"),
        ("cut.parquet", b"PAR1" + b"x" * 99, "cut short"),
    ],
)
def test_data_that_is_no_table_is_not_valid(tables, name, content, said):
    Path(name).write_bytes(content)
    with pytest.raises(Refused):
        judged(configure(f"validate: {{suites: [{{data: {name}, suite: suite.yaml}}]}}"))
    suite, checks = left().checkpoints
    assert said in suite.error
    assert checks.error


def test_a_connection_that_is_not_set(tables, monkeypatch):
    monkeypatch.delenv("WAREHOUSE", raising=False)
    loaded = configure("validate: {suites: [{table: orders, connection: WAREHOUSE, suite: suite.yaml}]}")
    with pytest.raises(UsageError) as caught:
        judged(loaded)
    place = "mlcicd.yaml: validate.suites[0]"
    assert caught.value.message == f"{place}: connection: the variable WAREHOUSE is not set"


def test_a_database_is_named_by_its_variable_and_never_by_its_address(answer, monkeypatch):
    monkeypatch.setenv("WAREHOUSE", "postgresql://u:s3cret@db/x")
    withheld = next(iter(ci.WITHHELD))
    monkeypatch.setenv(withheld, "token")
    Path("suite.yaml").write_text(SUITE)
    text = (
        "import os; open('seen', 'w').write(' '.join(os.environ)); "
        "open('asked', 'w').write(sys.stdin.read()); ask = json.load(open('asked')); "
        "open(ask['result'], 'w').write(json.dumps({'suites': [{'error': 'refused', 'kind': 'outside'}]}))"
    )
    answer({}, text)
    loaded = configure("validate: {suites: [{table: orders, connection: WAREHOUSE, suite: suite.yaml}]}")
    with pytest.raises(OutsideError, match="orders: refused") as caught:
        judged(loaded)
    assert "does WAREHOUSE hold the right address" in caught.value.hint
    asked = Path("asked").read_text()
    assert "s3cret" not in asked
    assert "WAREHOUSE" in Path("seen").read_text().split()
    assert withheld not in Path("seen").read_text().split()
    assert (
        json.loads(asked)["suites"][0] | {"engine": "sql", "connection": "WAREHOUSE"} == json.loads(asked)["suites"][0]
    )


def test_a_model_that_runs_code_is_refused_unless_it_is_listed(tables):
    Path("model.pkl").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    text = "validate: {suites: [{data: raw.csv, suite: suite.yaml}]"
    with pytest.raises(Refused, match="tracked files"):
        judged(configure(text + "}"))
    assert "posix.system" in Path(".mlcicd/validate/summary.md").read_text()
    judged(configure(text + ", unpickle: [model.pkl]}"))
    assert left().success


def test_a_split_with_a_row_in_both_files_is_refused(tables):
    Path("train.csv").write_text("a,b\n1,x\n2,y\n")
    Path("test.csv").write_text("a,b\n3,x\n2,y\n")
    with pytest.raises(Refused, match=r"train\.csv and test\.csv"):
        judged(configure("validate: {splits: [{train: train.csv, test: test.csv, after: data}]}"))
    split = next(group for group in left().checkpoints if group.kind == "split")
    assert split.expectations[0].observed == "1 of 2 rows of test.csv are also in train.csv (50 %)"


def test_only_what_is_named_is_judged(tables):
    configure("validate: {checkpoints: [raw], splits: [{train: none.csv, test: none.csv, after: data}]}")
    arguments = ["--suite", "suite.yaml", "--data", "raw.csv"]
    assert CliRunner().invoke(command, arguments, catch_exceptions=False).exit_code == 0
    assert [(group.kind, group.name) for group in left().checkpoints] == [("suite", "raw.csv")]
    with pytest.raises(UsageError, match="belong together"):
        judged(project.load(), Order(suite="suite.yaml"))


def test_files_are_compared_with_the_base(tables):
    configure("validate: {suites: [{data: raw.csv, label: b}]}")
    repository.git(tables, "init", "-q", "-b", "main")
    repository.git(tables, "add", "raw.csv")
    repository.git(tables, "commit", "-q", "-m", "first")
    judged(project.load())
    (checks,) = left().checkpoints
    assert checks.expectations[-1].observed.startswith("the same data as in base ")
    Path("raw.csv").write_text("a,b\n1,x\n")
    with pytest.raises(Refused):
        judged(project.load())
    (checks,) = left().checkpoints
    assert [entry.type for entry in checks.expectations if not entry.success] == ["rows", "schema", "balance"]
