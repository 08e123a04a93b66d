"""What a linter says: findings, their places, and how to mend them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Severity = Literal["error", "warning", "note"]
Platform = Literal["github", "gitlab"]
Kind = Literal["workflow", "action", "gitlab", "dependabot"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)  # the worst first


@dataclass(frozen=True, kw_only=True)
class Fix:
    """Put `text` where `start` to `end` stood; offsets of characters in the file's text (`Document.text`)."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong in one place.

    Attributes:
        rule: its id, such as `M5`; of another linter with its name, such as `zizmor/artipacked`.
        path: as the user would write it, with `/`.
        line: counts from 1, as the columns do.
        end_column: the first column behind what is meant, on the same line.
        message: names the thing (job, step, key) and says what is wrong, in one line.
        remedy: the next step, in one line; may be empty.
        fixes: what mends it, all of them together; empty when a person has to.
        source_line: the line of the file, for the reader.
        also: ids of other linters' rules that say the same here.
    """

    rule: str
    severity: Severity
    path: str
    line: int
    column: int
    end_column: int
    message: str
    remedy: str = ""
    fixes: tuple[Fix, ...] = ()
    source_line: str = ""
    also: tuple[str, ...] = ()
