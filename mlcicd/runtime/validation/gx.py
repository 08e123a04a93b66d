"""Great Expectations, in one child process of the project's Python for all that it is asked."""

from __future__ import annotations

import difflib
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mlcicd.errors import MlcicdError, OutsideError, UsageError
from mlcicd.runtime import process
from mlcicd.runtime import project as projects
from mlcicd.runtime.facts import Checkpoint, Engine, Expectation
from mlcicd.runtime.validation.model import Rule
from mlcicd.runtime.validation.outcomes import Outcome, conclude

CHILD = Path(__file__).with_name("gx_child.py")
INSTALL = "uv pip install 'great-expectations>=1.18,<2'"
_HAS_GX = "import importlib.util, sys; sys.exit(importlib.util.find_spec('great_expectations') is None)"


class Absent(OutsideError):
    """Great Expectations is not installed."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A suite to judge: a file by pandas or Spark, or a table of a database by SQLAlchemy.

    Attributes:
        name: of the file or table, for messages.
        suite: its name.
        rules: what is expected.
        path: the file; "" for a table.
        table: its name, maybe `schema.table`.
        connection: the variable that holds the database's address.
    """

    name: str
    suite: str
    engine: Literal["pandas", "spark", "sql"]
    rules: tuple[Rule, ...]
    path: str = ""
    table: str = ""
    connection: str = ""

    @property
    def judge(self) -> Engine:
        """What the facts call this engine."""
        return "spark" if self.engine == "spark" else "gx"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found by one suite; `problem` when it could not be judged and the data is not to blame."""

    rows: int = -1
    columns: tuple[str, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    error: str = ""
    page: str = ""
    problem: MlcicdError | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The outcome of each validation of the checkpoints, and of each suite in the order they were asked."""

    checkpoints: tuple[Outcome, ...] = ()
    suites: tuple[Found, ...] = ()
    refused: MlcicdError | None = None


def judge(
    root: Path, environ: Mapping[str, str], checkpoints: Sequence[str], suites: Sequence[Asked], *, values: bool
) -> Answer:
    """Judge checkpoints of the project in `gx/` by name, and suites.

    Args:
        root: the project's folder.
        environ: the environment of its programs, with the addresses of databases.
        checkpoints: their names.
        suites: what to judge without a project of Great Expectations.
        values: whether unexpected values may be shown.

    Raises:
        Absent: when Great Expectations is not installed.
        OutsideError: when it ends without an answer.
    """
    python = _python(root, environ)

    def ask(names: Sequence[str], asked: Sequence[Asked]) -> Answer:
        return _read(_ask(python, root, environ, names, asked, values), asked)

    try:
        return ask(checkpoints, suites)
    except OutsideError:
        if len(suites) + bool(checkpoints) < 2:
            raise
        return _apart(ask, checkpoints, suites)


def _apart(
    ask: Callable[[Sequence[str], Sequence[Asked]], Answer], checkpoints: Sequence[str], suites: Sequence[Asked]
) -> Answer:
    """Ask for each table in a process of its own: one that ends it (no memory, a crash) must not lose the others."""
    found: list[Found] = []
    try:
        first = ask(checkpoints, ()) if checkpoints else Answer()
    except OutsideError as error:
        first = Answer(refused=error)
    for asked in suites:
        try:
            found += ask((), [asked]).suites
        except OutsideError as error:
            found.append(Found(error=error.message, problem=error))
    return replace(first, suites=tuple(found))


def _read(found: Mapping[str, Any], suites: Sequence[Asked]) -> Answer:
    pairs = zip(suites, found.get("suites") or (), strict=True)
    return Answer(
        checkpoints=tuple(map(_checkpoint, found.get("results") or ())),
        suites=tuple(_suite(asked, result) for asked, result in pairs),
        refused=_refusal(found) if "refused" in found else None,
    )


def _ask(
    python: str,
    root: Path,
    environ: Mapping[str, str],
    checkpoints: Sequence[str],
    suites: Sequence[Asked],
    values: bool,
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mlcicd-") as folder:
        path = Path(folder) / "result.json"
        asked = [asdict(suite) for suite in suites]
        request = {"checkpoints": list(checkpoints), "suites": asked, "values": values, "result": str(path)}
        text = json.dumps(request, default=str)
        answer = process.ask([python, str(CHILD)], cwd=root, environ=environ, stdin=text)
        if not path.is_file():
            # What it printed may hold values of the data, so only the kind of error is shown.
            last = next((line for line in reversed(answer.err.splitlines()) if line.strip()), "")
            raise OutsideError(
                f"great_expectations ended with exit status {answer.exit} ({last.split(':')[0] or 'no output'})",
                hint=f"try it: {python} -c 'import great_expectations'",
            )
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _python(root: Path, environ: Mapping[str, str]) -> str:
    """Return the first interpreter that has great_expectations: the project's, then mlcicd's own.

    Raises:
        Absent: when there is none.
    """
    own = projects.program("python", environ) or projects.program("python3", environ)
    tried = [*([str(own)] if own else []), sys.executable]
    for python in tried:
        if process.ask([python, "-c", _HAS_GX], cwd=root, environ=environ).exit == 0:
            return python
    raise Absent(
        "great_expectations is not installed: neither in the project's .venv nor beside mlcicd",
        hint=f"add it to the project's environment: {INSTALL}",
        detail="\n".join(f"asked {python}" for python in tried),
    )


def _refusal(found: Mapping[str, Any]) -> MlcicdError:
    message, known = found["message"], found["known"]
    if found["refused"] == "unknown":
        close = difflib.get_close_matches(message, known, n=1)
        guess = f" — did you mean '{close[0]}'?" if close else ""
        there = ", ".join(known) or "none"
        return UsageError(f"checkpoint '{message}' does not exist{guess}", hint=f"those that exist in gx/: {there}")
    if found["refused"] == "absent":
        return UsageError(message, hint="run this where gx/ is (project.root), or make one with great_expectations")
    return UsageError(
        f"the Great Expectations project in gx/ cannot be used: {message}",
        hint="correct its great_expectations.yml, or the file below checkpoints/, validation_definitions/ or "
        "expectations/ that this is about",
    )


def _checkpoint(result: Mapping[str, Any]) -> Outcome:
    named = Checkpoint(name=result["name"], success=False, suite=result.get("suite", ""), asset=result.get("asset", ""))
    error = result.get("error") or ""
    if error and not result.get("unreadable"):
        problem = OutsideError(
            f"checkpoint {result['name']}: {error}",
            hint="is the data here? `mlcicd data --for validate` fetches it; paths are relative to project.root",
        )
        return Outcome(found=named.model_copy(update={"error": error}), problem=problem)
    expectations = [Expectation(**entry) for entry in result.get("expectations") or ()]
    found = conclude(named, expectations, rows=int(result.get("rows", -1)), error=error)
    return Outcome(found=found, page=result.get("page") or "")


def _suite(asked: Asked, result: Mapping[str, Any]) -> Found:
    error = result.get("error") or ""
    if error:
        return Found(error=error, problem=_problem(asked, error, result.get("kind") or ""))
    expectations = tuple(
        Expectation(**{**entry, "severity": rule.severity, "engine": asked.judge})
        for rule, entry in zip(asked.rules, result["expectations"], strict=True)
    )
    columns = tuple(result.get("columns") or ())
    return Found(rows=int(result["rows"]), columns=columns, expectations=expectations, page=result.get("page") or "")


def _problem(asked: Asked, error: str, kind: str) -> MlcicdError | None:
    if kind == "content":
        return None
    if kind == "rule":
        return UsageError(error, hint="correct this expectation's arguments")
    if asked.engine == "sql":
        hint = f"does {asked.connection} hold the right address, is the database up, and may its user read this table?"
        if "not installed" in error or "No module named" in error:
            hint = "add SQLAlchemy and the database's driver to the project's environment, beside great-expectations"
        return OutsideError(f"{asked.name}: {error}", hint=hint)
    return OutsideError(f"{asked.name}: {error}", hint="this is about the project's environment, not about the data")
