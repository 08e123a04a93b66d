"""`test`: run the project's tests, and count them when pytest ran them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from mlcicd import secrets
from mlcicd.errors import Refused, UsageError
from mlcicd.runtime import facts, process, redact
from mlcicd.runtime.facts import TestFacts
from mlcicd.runtime.project import Project

JUNIT = facts.FOLDER / "test" / "junit.xml"
MAX_BYTES = 64 * 1024 * 1024
NAMED = 50  # failures that are named
_PYTEST = re.compile(r"\b(py\.?test|tox|nox)\b")
_NOTHING_COLLECTED = 5  # pytest's exit status


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a JUnit file says; -1 when there is none."""

    passed: int = -1
    failed: int = -1
    skipped: int = -1
    failures: tuple[str, ...] = ()


def run(project: Project, command: str | None, say: Callable[[str], None]) -> TestFacts:
    """Run the tests and leave `.mlcicd/test.json` and `.mlcicd/test/junit.xml`.

    Args:
        project: the project.
        command: shell text in place of `test.command`.
        say: shows one line.

    Raises:
        Refused: when they fail, or when there are none.
        UsageError: when there is no command.
    """
    facts.forget("test")
    command = command or (project.config.test.command if project.config.test else None)
    if not command:
        raise UsageError("no test command", hint="write one under test.command in mlcicd.yaml, or pass --command")
    junit = facts.make().resolve() / "test" / JUNIT.name
    junit.parent.mkdir(exist_ok=True)
    junit.unlink(missing_ok=True)
    environ = with_junit(project.environ(), junit)
    done = process.run(process.shell(command), cwd=project.root, environ=environ)
    counts = count(junit)
    if junit.is_file():
        redact.in_place(junit, secrets.redactor(environ))
    found = TestFacts(
        command=command,
        exit=done.exit,
        seconds=round(done.seconds, 3),
        passed=counts.passed,
        failed=counts.failed,
        skipped=counts.skipped,
        failures=counts.failures,
        tail=secrets.lines(done.tail, environ) if done.exit else (),
    )
    facts.write(found, "test")
    say(f"tests: {_told(counts)} in {found.seconds:.1f} s")
    if done.exit == _NOTHING_COLLECTED and (counts.passed + counts.failed == 0 or _PYTEST.search(command)):
        raise Refused(
            "pytest collected no tests, and a job that tests nothing must not look like one that passed",
            hint="add a test, or remove `test` from mlcicd.yaml",
        )
    if done.exit:
        raise Refused(f"the tests failed with exit status {done.exit}", hint=process.advice(done.exit))
    return found


def with_junit(environ: Mapping[str, str], junit: Path) -> dict[str, str]:
    """Return the environment in which pytest also writes a JUnit file; other programs do not notice."""
    asked = f"{environ.get('PYTEST_ADDOPTS', '')} --junitxml={shlex.quote(str(junit))}".strip()
    return {**environ, "PYTEST_ADDOPTS": asked}


def count(junit: Path) -> Counts:
    """Count the cases in a JUnit file; one that is absent, huge or not XML counts nothing."""
    try:
        if junit.stat().st_size > MAX_BYTES:
            return Counts()
        top = ElementTree.parse(junit).getroot()  # noqa: S314 - written by the command that we just ran
    except (OSError, ElementTree.ParseError):
        return Counts()
    cases = list(top.iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = [case for case in cases if case.find("skipped") is not None and case not in failed]
    return Counts(
        passed=len(cases) - len(failed) - len(skipped),
        failed=len(failed),
        skipped=len(skipped),
        failures=tuple(_name(case) for case in failed[:NAMED]),
    )


def _name(case: ElementTree.Element) -> str:
    return "::".join(filter(None, (case.get("classname"), case.get("name")))) or "unnamed"


def _told(counts: Counts) -> str:
    if counts.passed < 0:
        return "not counted (no JUnit file)"
    return f"{counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped"
