from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from mlcicd.cli.validate import validate as command
from mlcicd.errors import OutsideError, Refused, UsageError
from mlcicd.runtime import facts, project, validate

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
    return validate.run(project.load(), names or ("raw",), said.append), said


def left():
    return facts.read(facts.ValidateFacts, "validate")


def test_valid_data(answer):
    answer({"results": [RESULT]})
    found, said = run()
    assert found.success
    assert (found.checkpoints[0].rows, found.checkpoints[0].asset) == (569, "files/raw")
    assert left() == found
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
    assert left().error == caught.value.message


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


def test_no_great_expectations_is_explained_with_the_line_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(validate, "_HAS_GX", "raise SystemExit(1)")
    with pytest.raises(OutsideError) as caught:
        run()
    assert "uv pip install 'great-expectations>=1.18,<2'" in caught.value.hint
    assert sys.executable in caught.value.detail


def test_no_checkpoint_is_a_usage_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no checkpoint to run"):
        validate.run(project.load(), (), print)


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


PAGE = """<link rel="stylesheet" href="https://cdn/x.css"><style>@import "https://cdn/y.css"; a {color: red}
b {background: url('//cdn/z.png')}</style><script src="https://cdn/a.js"></script><script>
fetch("https://cdn/b")</script><img src="https://cdn/logo.png"><p>kept</p><a href="https://docs">docs</a>"""


def test_pages_load_nothing_from_elsewhere_and_run_nothing():
    found = validate.offline(PAGE)
    assert "cdn" not in found
    assert "<script" not in found
    assert "<p>kept</p>" in found
    assert "color: red" in found


def test_junit_holds_whatever_a_column_is_called():
    name = "a\x00b<&>\ud800"
    expectation = facts.Expectation(type="t", column=name, success=False, observed=name)
    checkpoint = facts.Checkpoint(name=name, success=False, expectations=(expectation,))
    text = validate.junit(facts.ValidateFacts(success=False, checkpoints=(checkpoint,), seconds=1))
    assert ElementTree.fromstring(text).find("testsuite").get("name") == "a\ufffdb<&>\ufffd"
