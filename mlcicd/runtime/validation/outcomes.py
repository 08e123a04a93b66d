"""What became of one thing that was judged, and when that is valid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlcicd.errors import MlcicdError, UsageError
from mlcicd.runtime.facts import Checkpoint, Expectation

NO_ROWS = "no rows: every check of nothing passes"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One group of expectations, judged or not.

    Attributes:
        found: what goes into the facts.
        page: Great Expectations' own page about it, "" when it made none.
        problem: why it could not be judged, where that is not the data's fault.
    """

    found: Checkpoint
    page: str = ""
    problem: MlcicdError | None = None


def failed(found: Checkpoint, problem: MlcicdError) -> Outcome:
    """Return the outcome of what could not be judged; of several mistakes in a file the first one is named."""
    told = problem.detail.splitlines() if isinstance(problem, UsageError) else []
    error = next(iter(told), problem.message)
    return Outcome(found=found.model_copy(update={"success": False, "error": error}), problem=problem)


def conclude(found: Checkpoint, expectations: Iterable[Expectation], *, rows: int = -1, error: str = "") -> Checkpoint:
    """Complete a group by its expectations: valid when none of severity critical failed, and there were rows.

    Args:
        found: the group's names.
        expectations: in the order they are to be shown.
        rows: how many were judged, -1 when that is unknown.
        error: why it could not be judged as a whole.
    """
    kept = tuple(expectations)
    error = error or (NO_ROWS if rows == 0 else "")
    broken = any(not entry.success and entry.severity == "critical" for entry in kept)
    changes = {"success": not (error or broken), "rows": rows, "expectations": kept, "error": error}
    return found.model_copy(update=changes)
