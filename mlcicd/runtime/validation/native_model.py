"""What the parts of the native engine pass to each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# What pandas would make of a column; `other` (mixed, truth, dates, …) is only ever counted, `unknown` not even that.
Kind = Literal["int", "float", "text", "other", "unknown"]
# The largest whole number up to which every one has a floating-point number of its own.
EXACT = 2**53
# What SQL calls the relation: `WITH` gives it the name, so that no text in a literal can be taken for it.
TABLE = "judged_rows"
# In a message of DuckDB, what is quoted may be a value of the data.
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


class Beyond(Exception):
    """What Great Expectations would say cannot be told exactly; the reason is for people."""


class Unreadable(Exception):
    """The file is there, but it is no table."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the relation that is asked.

    Attributes:
        value: SQL of its value; NULL where pandas has a missing one.
        text: SQL of what is written in a CSV file; "" for Parquet.
    """

    name: str
    kind: Kind
    value: str
    text: str = ""

    @property
    def count(self) -> str:
        """SQL of how many values are not missing."""
        return f"count({self.value})"

    @property
    def long(self) -> str:
        """SQL of how many numbers pandas' reader may round in another way than ours: in its last bit."""
        return f"count_if({self.is_long})" if self.rounded else "0"

    @property
    def rounded(self) -> bool:
        """Whether pandas' reader may round its numbers in another way: only those that are read from text."""
        return bool(self.text) and self.kind == "float"

    @property
    def is_long(self) -> str:
        """SQL that is true for a number of more than 15 digits, or with an exponent."""
        return f"strlen({self.text}) > 16 OR contains({self.text}, 'e') OR contains({self.text}, 'E')"

    @property
    def largest(self) -> str:
        """SQL of the largest distance from zero of a whole number."""
        return f"greatest(max({self.value})::HUGEINT, -min({self.value})::HUGEINT)" if self.kind == "int" else "0"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """A table while its rules are put into SQL: `asked` collects the aggregates of the one SELECT."""

    names: tuple[str, ...]
    columns: Mapping[str, Column]
    asked: dict[str, None] = field(default_factory=dict)

    def ask(self, *expressions: str) -> None:
        """Have aggregates computed."""
        self.asked.update(dict.fromkeys(expressions))


@dataclass(frozen=True, kw_only=True)
class Found:
    """The answers: aggregates by their SQL, and a way to ask once more.

    Attributes:
        query: runs `SELECT …` with the relation as the table `TABLE`, and returns all rows.
    """

    rows: int
    answers: Mapping[str, Any]
    query: Callable[[str], list[tuple[Any, ...]]]

    def __getitem__(self, expression: str) -> Any:
        return self.answers[expression]

    def nulls(self, column: Column) -> int:
        """Return how many values of a column are missing."""
        return self.rows - int(self.answers[column.count])


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was found for one rule, in the words of Great Expectations' own result.

    Attributes:
        result: `element_count`, `unexpected_count`, `unexpected_percent` or `observed_value`.
        error: why it could not be evaluated.
        unexpected: SQL that is true for an unexpected row, and `shown` its value, where values may be shown.
    """

    success: bool
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    unexpected: str = ""
    shown: str = ""


@dataclass(frozen=True, kw_only=True)
class Again:
    """A rule that needs a second look: aggregates that could be written only with the answers of the first."""

    asked: tuple[str, ...]
    finish: Callable[[Found], Outcome]


Finish = Callable[[Found], "Outcome | Again"]


def quoted(text: str) -> str:
    """Return a text as a literal of SQL.

    Raises:
        Beyond: when it holds a NUL.
    """
    if "\0" in text:
        raise Beyond("a NUL in a value")
    return "'" + text.replace("'", "''") + "'"


def without_values(error: Exception) -> str:
    """Return the first line of an error of DuckDB, without what it quotes."""
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return _QUOTED.sub("'…'", first)[:200]
