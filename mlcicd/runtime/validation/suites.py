"""Suites on tables: which engine judges which expectation, and one result out of two engines' answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from mlcicd.errors import MlcicdError, OutsideError, UsageError
from mlcicd.runtime.facts import Checkpoint, Expectation
from mlcicd.runtime.validation import csv_faults, duck, gx, gx_child, native, suite
from mlcicd.runtime.validation.model import Judged, Rule, Suite, Table
from mlcicd.runtime.validation.outcomes import Outcome, conclude, failed

EngineName = Literal["auto", "duckdb", "gx", "spark"]
# How Great Expectations says that a column is not there.
_NO_COLUMN = re.compile(r'The column "(.*)" in BatchData does not exist')


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A table and the file of what is expected of it.

    Attributes:
        place: where this was asked for, for messages: `mlcicd.yaml: validate.suites[0]`.
        suite: the file of expectations, from the project's folder.
        data: CSV or Parquet file, from the project's folder; "" for a table of a database.
        table: its name, maybe `schema.table`.
        connection: the variable that holds the address of its database.
    """

    place: str
    suite: str
    data: str = ""
    table: str = ""
    connection: str = ""

    @property
    def name(self) -> str:
        """What people call the table."""
        return self.data or self.table


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How suites are judged: by what, with how much memory in MB (10^6 bytes), and whether values may be shown."""

    engine: EngineName
    memory_mb: int | None = None
    values: bool = False


@dataclass(frozen=True, kw_only=True)
class Part:
    """A subject on its way: what was judged in this process, and the rules that Great Expectations has to judge."""

    subject: Subject
    suite: Suite
    judged: Judged
    left: tuple[Rule, ...]


def judge(
    root: Path, environ: Mapping[str, str], subjects: Sequence[Subject], checkpoints: Sequence[str], settings: Settings
) -> list[Outcome]:
    """Judge suites and checkpoints; Great Expectations runs once, and only when something is left for it.

    Args:
        root: the project's folder.
        environ: the environment of its programs.
        subjects: tables and their suites.
        checkpoints: names of checkpoints of the project in `gx/`.
        settings: how.
    """
    begun = [_begin(root, environ, subject, settings) for subject in subjects]
    asked = [_asked(root, part, settings.engine) for part in begun if isinstance(part, Part) and part.left]
    answer = _answer(root, environ, checkpoints, asked, settings.values)
    found = iter(answer.suites)
    suites = [
        part if isinstance(part, Outcome) else _joined(part, next(found) if part.left else None) for part in begun
    ]
    why = answer.refused
    refused = [failed(Checkpoint(name=name, success=False), why) for name in checkpoints] if why else []
    return [*answer.checkpoints, *refused, *suites]


def top(folder: Path) -> Path:
    """Return the top of the git repository that a folder is in; the folder itself without one."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def locate(root: Path, place: str, name: str) -> Path:
    """Return where a data file is.

    Raises:
        OutsideError: when it is not there.
        UsageError: when it is a folder, or no CSV or Parquet file.
    """
    path = root / name
    if path.is_dir():
        raise UsageError(f"{place}: {name} is a folder", hint="name a CSV or Parquet file in it")
    if not name.lower().endswith(duck.SUFFIXES):
        raise UsageError(f"{place}: {name} is neither CSV nor Parquet", hint=f"name one of {', '.join(duck.SUFFIXES)}")
    if not path.is_file():
        raise OutsideError(
            f"{place}: there is no file {name}",
            hint="is the data here? `mlcicd data` fetches what DVC tracks; paths are relative to project.root",
        )
    return path


def _begin(root: Path, environ: Mapping[str, str], subject: Subject, settings: Settings) -> Part | Outcome:
    """Read the suite and judge what can be judged in this process."""
    try:
        wanted = suite.read(root / subject.suite, subject.suite)
        if subject.table:
            _reachable(subject, environ)
            return Part(subject=subject, suite=wanted, judged=Judged(), left=wanted.rules)
        path = locate(root, subject.place, subject.data)
        if not _is_native(settings.engine, subject):
            return Part(subject=subject, suite=wanted, judged=Judged(), left=wanted.rules)
        table = Table(name=subject.name, path=path)
        judged = native.judge(table, wanted.rules, memory_mb=settings.memory_mb, values=settings.values)
        return Part(subject=subject, suite=wanted, judged=judged, left=judged.left)
    except MlcicdError as error:
        return failed(_named(subject), error)


def _is_native(engine: EngineName, subject: Subject) -> bool:
    if engine == "duckdb":
        duck.need(f"{subject.place}: engine: duckdb")
    return engine == "duckdb" or (engine == "auto" and duck.is_here())


def _reachable(subject: Subject, environ: Mapping[str, str]) -> None:
    if not environ.get(subject.connection):
        raise UsageError(
            f"{subject.place}: connection: the variable {subject.connection} is not set",
            hint="store the database's SQLAlchemy address as a secret of that name, or export it in this shell",
        )


def _asked(root: Path, part: Part, engine: EngineName) -> gx.Asked:
    subject = part.subject
    if subject.table:
        kind: Literal["pandas", "spark", "sql"] = "sql"
    else:
        kind = "spark" if engine == "spark" else "pandas"
    return gx.Asked(
        name=subject.name,
        suite=part.suite.name,
        engine=kind,
        rules=part.left,
        path=str(root / subject.data) if subject.data else "",
        table=subject.table,
        connection=subject.connection,
    )


def _answer(
    root: Path, environ: Mapping[str, str], checkpoints: Sequence[str], asked: Sequence[gx.Asked], values: bool
) -> gx.Answer:
    """Ask Great Expectations, if there is anything to ask; when it cannot answer, nothing of that is judged."""
    if not (checkpoints or asked):
        return gx.Answer()
    try:
        return gx.judge(root, environ, checkpoints, asked, values=values)
    except MlcicdError as error:
        lost = tuple(_lost(one, error) for one in asked)
        return gx.Answer(suites=lost, refused=error)


def _lost(asked: gx.Asked, error: MlcicdError) -> gx.Found:
    """Return why a table is not judged: that it is no table comes before what is missing on this machine."""
    try:
        fault = _fault(Path(asked.path)) if asked.path else ""
    except OSError:
        fault = ""
    return gx.Found(error=fault) if fault else gx.Found(error=error.message, problem=error)


def _fault(path: Path) -> str:
    """Say what is wrong with a file; "" when it is a table, or DuckDB would have to read it and is not here."""
    if path.name.lower().endswith((".csv", ".csv.gz")):
        fault = csv_faults.find(path)
        return fault.text if fault else ""
    if not duck.is_here():
        return ""
    with duck.opened() as database:
        return duck.unreadable(database, "now", path) or duck.damage(database, path)


def _joined(part: Part, found: gx.Found | None) -> Outcome:
    """Bring both engines' answers into the suite's order; what one could not judge does not lose the other's."""
    named, judged = _named(part.subject), part.judged
    problem = found.problem if found else None
    error = judged.error or (found.error if found and not problem else "")
    if error:
        return Outcome(found=conclude(named, (), error=f"{part.subject.name}: {error}"))
    if problem and not judged.expectations and not isinstance(problem, gx.Absent):
        return failed(named, problem)
    given = [_unjudged(part, rule, problem) for rule in part.left] if problem else found.expectations if found else ()
    left = {id(rule): entry for rule, entry in zip(part.left, given, strict=True)}
    here, columns = iter(judged.expectations), judged.columns or (found.columns if found else ())
    expectations = [_worded(rule, left.get(id(rule)) or next(here), columns) for rule in part.suite.rules]
    rows = judged.rows if judged.expectations else (found.rows if found else judged.rows)
    concluded = conclude(named, expectations, rows=rows)
    if problem:
        return Outcome(found=concluded, problem=_explained(part, problem))
    return Outcome(found=concluded, page=found.page if found else "")


def _unjudged(part: Part, rule: Rule, problem: MlcicdError) -> Expectation:
    """Return the record of an expectation that nothing here could judge: it is not met, and says why."""
    absent = isinstance(problem, gx.Absent)
    why = "needs great_expectations: it is not installed" if absent else f"not judged: {problem.message}"
    reason = f"; {part.judged.reason}" if part.judged.reason else ""
    return Expectation(
        type=rule.type,
        column=", ".join(gx_child.columns(rule.kwargs)),
        severity=rule.severity,
        success=False,
        expected=gx_child.expected(rule.kwargs),
        error=f"{rule.place}: {why}{reason}",
    )


def _worded(rule: Rule, entry: Expectation, columns: Sequence[str]) -> Expectation:
    """Say of a column that the table has not where it is asked for, and which was probably meant."""
    found = _NO_COLUMN.search(entry.error)
    if not found:
        return entry
    close = get_close_matches(found[1], columns, n=1)
    guess = f" — did you mean '{close[0]}'?" if close else ""
    return entry.model_copy(update={"error": f"{rule.place}: the table has no column '{found[1]}'{guess}"})


def _explained(part: Part, problem: MlcicdError) -> MlcicdError:
    """Say which expectations made Great Expectations necessary, when DuckDB judged the others."""
    if part.judged.expectations and isinstance(problem, OutsideError):
        types = ", ".join(dict.fromkeys(rule.type for rule in part.left))
        note = f"{part.subject.suite} needs Great Expectations for {types}"
        return OutsideError(problem.message, hint=problem.hint, detail="\n".join(filter(None, (note, problem.detail))))
    return problem


def _named(subject: Subject) -> Checkpoint:
    return Checkpoint(
        name=subject.name, kind="suite", success=False, suite=subject.suite, asset=subject.connection or subject.data
    )
