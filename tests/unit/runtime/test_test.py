from __future__ import annotations

import os
import shlex

import pytest

from mlcicd.errors import Refused, UsageError
from mlcicd.runtime import facts, project
from mlcicd.runtime import test as worker

MIXED = """<?xml version="1.0"?><testsuites><testsuite tests="4">
<testcase classname="tests.test_a" name="test_ok"/>
<testcase classname="tests.test_a" name="test_bad"><failure message="no">x</failure></testcase>
<testcase classname="" name="tests.test_b"><error message="collection"/></testcase>
<testcase classname="tests.test_a" name="test_later"><skipped/></testcase>
</testsuite></testsuites>"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return tmp_path


def run(command):
    said: list[str] = []
    return worker.run(project.load(), command, said.append), said


def leaving(xml: str, status: int = 0) -> str:
    """A command that does what pytest does with PYTEST_ADDOPTS."""
    return f"printf %s {shlex.quote(xml)} > ${{PYTEST_ADDOPTS#*--junitxml=}}; exit {status}"


def test_counts_come_from_the_junit_file(here):
    with pytest.raises(Refused, match="the tests failed with exit status 1"):
        run(leaving(MIXED, 1))
    found = facts.read(facts.TestFacts, "test")
    assert (found.passed, found.failed, found.skipped, found.exit) == (1, 2, 1, 1)
    assert found.failures == ("tests.test_a::test_bad", "tests.test_b")
    assert (here / ".mlcicd/test/junit.xml").is_file()


def test_a_command_that_is_not_pytest_is_not_counted():
    found, said = run("echo fine")
    assert (found.passed, found.failed, found.skipped, found.exit, found.tail) == (-1, -1, -1, 0, ())
    assert said[0].startswith("tests: not counted")


@pytest.mark.parametrize("xml", ["", "<testsuite", "plain words"])
def test_a_broken_junit_file_counts_nothing(xml):
    assert run(leaving(xml))[0].passed == -1


def test_the_file_of_an_earlier_run_does_not_count(here):
    run(leaving(MIXED))
    assert run("true")[0].passed == -1


def test_the_last_lines_of_a_failure_are_kept_without_secrets(monkeypatch):
    monkeypatch.setenv("API_KEY", "12345678-secret")
    with pytest.raises(Refused):
        run("echo using $API_KEY; false")
    assert facts.read(facts.TestFacts, "test").tail == ("using ***",)


@pytest.mark.parametrize("command", [leaving("<testsuites/>", 5), "exit 5  # pytest tests/"])
def test_pytest_that_collects_nothing_fails_in_words(command):
    with pytest.raises(Refused, match="pytest collected no tests"):
        run(command)


def test_options_of_the_user_stay():
    assert worker.with_junit({"PYTEST_ADDOPTS": "-x"}, os.devnull)["PYTEST_ADDOPTS"] == "-x --junitxml=/dev/null"


def test_no_command_is_a_usage_error():
    with pytest.raises(UsageError, match="no test command"):
        run(None)
