"""Small rules for the tests of what is around rules."""

from __future__ import annotations

from collections.abc import Iterator

from mlcicd.lint.document import Document, walk
from mlcicd.lint.model import Finding, Fix
from mlcicd.lint.rule import Rule


class NoBad(Rule):
    """Nothing is called bad.

    Why: it is bad.

    Instead: write good. Always.
    """

    id = "T1"
    severity = "error"
    platforms = ("github",)
    kinds = ("workflow", "gitlab")
    mends = True

    def check(self, doc: Document) -> Iterator[Finding]:
        for _, node in walk(doc.root):
            for part in node.find("bad") if node.is_scalar else ():
                fix = Fix(start=part.start, end=part.end, text="good")
                yield self.at(node, f"`{node.text}` is bad", part=part, fix=fix)


class Named(Rule):
    """Every file has a name."""

    id = "T2"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow",)
    mends = True

    def check(self, doc: Document) -> Iterator[Finding]:
        if "name" not in doc.root:
            fix = Fix(start=doc.root.start, end=doc.root.start, text="name: bad\n")
            yield self.at(doc.root, "it has no name", fix=fix)


class Wrong(Rule):
    """Mends nothing, and would do so for ever."""

    id = "T3"
    severity = "note"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        yield self.at(doc.root, "never enough", fix=Fix(start=0, end=0, text="# more\n"))


class Breaking(Rule):
    """Would leave a file that nobody can read."""

    id = "T4"
    severity = "note"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        yield self.at(doc.root, "break it", fix=Fix(start=0, end=0, text="]["))


class Worse(Rule):
    """Mends one, and brings another that nothing mends."""

    id = "T5"
    severity = "note"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        if "worse" in doc.root:
            yield self.at(doc.root, "it is worse now")
        else:
            yield self.at(doc.root, "it could be worse", fix=Fix(start=0, end=0, text="worse: 1\n"))
