"""`validate`: judge the data by checkpoints, suites and built-in checks, and look for code in model files.

Suites are judged in this process where that gives Great Expectations' verdict; everything that is left for it goes
into one child process.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlcicd import secrets
from mlcicd.config import load as file
from mlcicd.config.fields import megabytes
from mlcicd.config.validation import Split, Validate, When
from mlcicd.errors import MlcicdError, OutsideError, Refused, UsageError
from mlcicd.runtime import base, ci, credentials, data, facts, redact
from mlcicd.runtime.facts import Checkpoint, ValidateFacts
from mlcicd.runtime.project import Project
from mlcicd.runtime.validation import base_data, checks, documents, duck, pickles, suites
from mlcicd.runtime.validation.outcomes import Outcome, failed
from mlcicd.runtime.validation.suites import EngineName, Subject, locate

NAMES: dict[When, str] = {"data": "validate", "train": "validate-train"}
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to judge; everything configured for `when` if nothing is named.

    Attributes:
        when: which part of the configuration.
        checkpoints: checkpoints by name.
        suite: a file of expectations, and `data` the file to judge by it.
        engine: what judges suites; the configured one when None.
    """

    when: When = "data"
    checkpoints: tuple[str, ...] = ()
    suite: str = ""
    data: str = ""
    engine: EngineName | None = None

    @property
    def is_named(self) -> bool:
        """Whether something is named, so that the configuration's list does not count."""
        return bool(self.checkpoints or self.suite or self.data)


def run(project: Project, order: Order, say: Say) -> ValidateFacts:
    """Judge the data and leave the facts, JUnit, a markdown block and pages in `.mlcicd/`.

    Args:
        project: the project.
        order: what to judge.
        say: shows one line.

    Raises:
        Refused: when the data is not valid.
        OutsideError: when something could not be reached: data, a database, Great Expectations.
        UsageError: when the configuration, a suite or a checkpoint is wrong.
    """
    facts.forget(NAMES[order.when])
    began = time.monotonic()
    try:
        if order.when == "train" and project.config.validate_ and not order.is_named:
            # A stage that did not run has not made them here.
            data.bring(project, project.config.validate_.files("train"), say)
        outcomes = _outcomes(project, order)
    except MlcicdError as error:
        _leave(order.when, (), began, error.message)
        raise
    found = _leave(order.when, outcomes, began)
    for line in documents.summary(found):
        say(line)
    _judge(found, outcomes, order.when)
    return found


def _outcomes(project: Project, order: Order) -> list[Outcome]:
    settings = project.config.validate_
    subjects, checkpoints = _asked(settings, order)
    if not (order.is_named or (settings and settings.at(order.when))):
        raise UsageError(
            f"nothing to validate after {order.when}",
            hint=_elsewhere(Path.cwd())
            or "name it: --checkpoint NAME, or --suite FILE --data FILE; or validate in mlcicd.yaml",
        )
    how = suites.Settings(
        engine=order.engine or (settings.engine if settings else "auto"),
        memory_mb=megabytes(settings.memory) if settings and settings.memory else None,
        values=settings.values if settings else False,
    )
    outcomes = suites.judge(project.root, project.environ(), subjects, checkpoints, how)
    if settings and not order.is_named:
        outcomes += _checked(project, settings, order.when, how)
        outcomes += _scanned(project, settings)
    return outcomes


def _elsewhere(here: Path) -> str:
    """Say where this repository has its configuration, when that is not here."""
    above = suites.top(here)
    known = (above / file.FILE).is_file() and not (here / file.FILE).exists()
    return f"{file.FILE} is in {above}, and this folder has none: run this there" if known else ""


def _asked(settings: Validate | None, order: Order) -> tuple[list[Subject], list[str]]:
    """Return the suites and the checkpoints to judge."""
    if bool(order.suite) != bool(order.data):
        raise UsageError("--suite and --data belong together", hint="--suite EXPECTATIONS --data TABLE")
    if order.is_named:
        named = [Subject(place="--data", suite=order.suite, data=order.data)] if order.suite else []
        return named, list(dict.fromkeys(order.checkpoints))
    if settings is None:
        return [], []
    subjects = [
        Subject(
            place=f"mlcicd.yaml: validate.suites[{index}]",
            suite=entry.suite,
            data=entry.data or "",
            table=entry.table or "",
            connection=entry.connection or "",
        )
        for index, entry in enumerate(settings.suites)
        if entry.suite and entry.after == order.when
    ]
    return subjects, list(settings.checkpoints) if order.when == "data" else []


def _checked(project: Project, settings: Validate, when: When, how: suites.Settings) -> list[Outcome]:
    """Make the built-in checks of each file once, and those of the splits."""
    files = _files(settings, when)
    splits = [split for split in settings.splits if split.after == when and "leakage" not in settings.checks.skip]
    if not duck.is_here():
        absent = [checks.not_made(name, "checks", duck.ABSENT) for name in files]
        absent += [checks.not_made(_pair(split), "split", duck.ABSENT) for split in splits]
        problem = duck.absent("engine: duckdb")
        return [failed(found, problem) if how.engine == "duckdb" else Outcome(found=found) for found in absent]
    made = list(_of_files(project, settings, files, how))
    return [*made, *(_of_split(project, settings, split, how) for split in splits)]


def _files(settings: Validate, when: When) -> dict[str, tuple[str, str | None]]:
    """Return each file that is checked, with where it is named and the column of its class."""
    found: dict[str, tuple[str, str | None]] = {}
    for index, entry in enumerate(settings.suites):
        if entry.after == when and entry.data:
            place, label = found.get(entry.data, (f"mlcicd.yaml: validate.suites[{index}]", None))
            found[entry.data] = (place, label or entry.label)
    for index, split in enumerate(settings.splits):
        if split.after == when:
            for key, name in (("train", split.train), ("test", split.test)):
                found.setdefault(name, (f"mlcicd.yaml: validate.splits[{index}].{key}", None))
    return found


def _of_files(
    project: Project, settings: Validate, files: dict[str, tuple[str, str | None]], how: suites.Settings
) -> Iterator[Outcome]:
    chosen = checks.Settings(checks=settings.checks, memory_mb=how.memory_mb, values=how.values)
    opened = _base(project) if files and settings.checks.compares else contextlib.nullcontext()
    with opened as source:
        for name, (place, label) in files.items():
            try:
                path = locate(project.root, place, name)
            except MlcicdError as error:
                yield failed(Checkpoint(name=name, kind="checks", success=False), error)
            else:
                before = source.version(name) if source else base_data.Before(note="not compared")
                yield Outcome(found=checks.of_file(name, path, label, before, chosen))


@contextlib.contextmanager
def _base(project: Project) -> Iterator[base_data.Base]:
    """Find the commit to compare with, and log in to the remote that has its data, if we may."""
    config = project.config
    branch = config.report.compare or config.project.default_branch
    try:
        commit = base.resolve(project.root, ci.detect(os.environ), branch=branch)
    except MlcicdError as error:
        commit = base.Base(found=error.message)
    remote = config.data.remote if config.data else None
    login = credentials.logged_in(project, project.environ(), required=False)
    with tempfile.TemporaryDirectory(prefix="mlcicd-") as folder, login as environ:
        yield base_data.Base(project.root, environ, commit, Path(folder), remote)


def _of_split(project: Project, settings: Validate, split: Split, how: suites.Settings) -> Outcome:
    place = f"mlcicd.yaml: validate.splits[{settings.splits.index(split)}]"
    chosen = checks.Settings(checks=settings.checks, memory_mb=how.memory_mb, values=how.values)
    try:
        train, test = ((name, locate(project.root, place, name)) for name in (split.train, split.test))
    except MlcicdError as error:
        return failed(Checkpoint(name=_pair(split), kind="split", success=False), error)
    return Outcome(found=checks.of_split(train, test, split.key, chosen))


def _scanned(project: Project, settings: Validate) -> list[Outcome]:
    try:
        found = pickles.scan(project.root, frozenset(settings.unpickle))
    except MlcicdError as error:
        return [failed(Checkpoint(name="tracked files", kind="scan", success=False), error)]
    return [Outcome(found=found)] if found else []


def _pair(split: Split) -> str:
    return f"{split.train} and {split.test}"


def _leave(when: When, outcomes: Iterable[Outcome], began: float, error: str = "") -> ValidateFacts:
    outcomes = tuple(outcomes)
    checkpoints = tuple(outcome.found for outcome in outcomes)
    seconds = round(time.monotonic() - began, 3)
    whole = not error and not any(outcome.problem for outcome in outcomes)  # what was not judged is not valid
    success = whole and all(checkpoint.success for checkpoint in checkpoints)
    told = ValidateFacts(success=success, checkpoints=checkpoints, seconds=seconds, error=error)
    found, _ = redact.record(told, secrets.redactor())
    facts.write(found, NAMES[when])
    pages = [(outcome.found.name, secrets.hide(outcome.page)) for outcome in outcomes]
    documents.write(found, pages, facts.FOLDER / NAMES[when])
    return found


def _judge(found: ValidateFacts, outcomes: Iterable[Outcome], when: When) -> None:
    """Raise when the data is not valid, or could not be looked at; what is wrong in the repository comes first."""
    problems = [outcome.problem for outcome in outcomes if outcome.problem]
    for kind in (UsageError, OutsideError):
        for problem in problems:
            if isinstance(problem, kind):
                raise problem
    if not found.success:
        bad = [checkpoint.name for checkpoint in found.checkpoints if not checkpoint.success]
        raise Refused(
            f"the data is not valid: {', '.join(dict.fromkeys(bad))}",
            hint=f"what was not met is above, and in {facts.FOLDER / NAMES[when]}: summary.md, junit.xml and docs/",
        )
