"""What passes between the reader of suites, the engines and the verb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mlcicd.runtime.facts import Expectation

Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One expectation, by Great Expectations' name of it.

    Attributes:
        type: such as `expect_column_values_to_not_be_null`.
        kwargs: its arguments, `mostly` among them.
        place: where it is written, `expectations/raw.yaml:4`, for messages.
    """

    type: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = "critical"
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What is expected of one table, in the order it is written."""

    name: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A CSV or Parquet file, or a table of a database.

    Attributes:
        name: what people call it: the file's path from the project's folder, or the table's name.
        path: the file; None for a table of a database.
    """

    name: str
    path: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What an engine found in one table.

    Attributes:
        rows: how many, -1 when unknown.
        columns: their names, () when unknown.
        expectations: one for each rule, in the rules' order.
        error: why the table could not be judged at all, "" when it could.
        unreadable: the table is there, but is no table (empty, ragged, cut short, not UTF-8): it is not valid.
        left: rules that this engine cannot judge exactly on these data, so that another must; `expectations` are
            those of the other rules.
        reason: why no rule at all could be judged by this engine.
    """

    rows: int = -1
    columns: tuple[str, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    error: str = ""
    unreadable: bool = False
    left: tuple[Rule, ...] = ()
    reason: str = ""
