"""What a rule is: one small class, whose docstring is the text that the user reads."""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from mlcicd.lint.document import Document, Node, Part
from mlcicd.lint.model import Finding, Fix, Kind, Platform, Severity

_LABEL = re.compile(r"(Why|Instead): ")


class Rule(ABC):
    """Base of all rules. The first line of a rule's docstring is its title; paragraphs begin with `Why:`, `Instead:`.

    Attributes:
        id: stands in every finding and in `# mlcicd: ignore[ID] reason`.
        severity: of its findings, unless `at` is told otherwise.
        platforms: for the reader of the documentation.
        kinds: of files that it judges.
        remedy: one line for the end of each finding; the first sentence of `Instead:` when empty.
        mends: whether some of its findings come with a fix.
    """

    id: ClassVar[str]
    severity: ClassVar[Severity]
    platforms: ClassVar[tuple[Platform, ...]]
    kinds: ClassVar[tuple[Kind, ...]]
    remedy: ClassVar[str] = ""
    mends: ClassVar[bool] = False

    @abstractmethod
    def check(self, doc: Document) -> Iterator[Finding]:
        """Yield what is wrong in a document of one of `kinds`; whatever its types are, never raise."""

    def at(
        self,
        node: Node,
        message: str,
        *,
        fix: Fix | Sequence[Fix] = (),
        part: str | Part | None = None,
        severity: Severity | None = None,
        remedy: str = "",
    ) -> Finding:
        """Make a finding at a node (a missing one stands where its parent does).

        Args:
            node: what is wrong; its first line is underlined.
            message: names the thing and says what is wrong, in one line.
            fix: one or several, applied together.
            part: what inside the node to underline: a text that stands there, or of `node.find`.
            severity: another one than the rule's.
            remedy: another one than the rule's.
        """
        start, end = _span(node, part)
        line, column = node.doc.place(start)
        source = node.doc.lines[line - 1]
        return Finding(
            rule=self.id,
            severity=severity or self.severity,
            path=node.doc.path,
            line=line,
            column=column,
            end_column=max(column + 1, min(column + end - start, len(source) + 1)),
            message=_joined(message) if len(message.splitlines()) > 1 else message,
            remedy=remedy or self.remedy or first_sentence(text(type(self)).instead),
            fixes=(fix,) if isinstance(fix, Fix) else tuple(fix),
            source_line=source,
        )


class Text:
    """A rule's docstring, taken apart.

    Attributes:
        title: the first line.
        what: paragraphs without a label, maybe empty.
        why: the reason.
        instead: what to write instead.
    """

    def __init__(self, docstring: str) -> None:
        first, *rest = inspect.cleandoc(docstring).split("\n\n")
        self.title = _joined(first).rstrip(".")
        found: dict[str, list[str]] = {"What": [], "Why": [], "Instead": []}
        label = "What"
        for paragraph in rest:
            if named := _LABEL.match(paragraph):
                label = named[1]
                paragraph = paragraph[named.end() :]
            found[label].append(paragraph)
        self.what, self.why, self.instead = ("\n\n".join(found[name]) for name in ("What", "Why", "Instead"))


def text(rule: type[Rule]) -> Text:
    """Return what a rule's docstring says."""
    return Text(rule.__doc__ or "")


def first_sentence(paragraph: str) -> str:
    """Return the first sentence on one line, without its full stop."""
    return _joined(paragraph).partition(". ")[0].rstrip(".")


def _span(node: Node, part: str | Part | None) -> tuple[int, int]:
    if isinstance(part, Part):
        return part.start, part.end
    start = node.doc.text.find(part, node.start, node.end) if part else -1
    if part is None or start < 0:
        return node.start, max(node.end, node.start)
    return start, start + len(part)


def _joined(lines: str) -> str:
    return " ".join(lines.split())
