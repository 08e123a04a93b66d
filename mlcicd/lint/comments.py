"""Where a file has comments: of YAML, and of the shell in its scripts. The same words in a value are data."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache

from mlcicd.lint import shell
from mlcicd.lint.document import Document, Node, walk
from mlcicd.lint.scripts import scripts
from mlcicd.lint.workflows import codes


def finder(doc: Document) -> Callable[[int, int], bool]:
    """Return what tells whether a line and column, both from 1, are in a comment or begin one."""
    scalars = _scalars(doc)
    starts = [node.start for node in scalars]
    shells = {script.node.start: script for script in scripts(doc)}
    programs = {code.start for _, code in codes(doc)} if doc.kind in ("workflow", "action") else set()

    def is_comment(line: int, column: int) -> bool:
        offset = doc.offset(line, column)
        at = bisect_right(starts, offset) - 1
        if at < 0 or offset >= scalars[at].end or _is_around(scalars[at], line, column):
            return True
        script = shells.get(starts[at])
        if script is None or script.offset < 0:
            first = _indent(doc, line)
            is_noted = doc.lines[line - 1].startswith("//", first) and starts[at] in programs
            return first == column - 1 if script else is_noted
        noted = _noted(script.text)
        near = bisect_right(noted, (offset - script.offset, len(script.text))) - 1
        return near >= 0 and offset - script.offset < noted[near][1]

    return is_comment


@lru_cache(maxsize=16)
def _noted(script: str) -> Sequence[tuple[int, int]]:
    return shell.comments(script)


def _scalars(doc: Document) -> Sequence[Node]:
    found = {}
    for root in (*doc.head, doc.root):
        for _, node in walk(root):
            for one in (node, *(key for key, _ in node.items())):
                if one.is_scalar and one.end > one.start:
                    found[one.start] = one
    return [found[start] for start in sorted(found)]


def _is_around(node: Node, line: int, column: int) -> bool:
    """Whether a place is behind the `|` of a block, or below it and not as far to the right as its text."""
    if not node.tree or node.tree.style not in ("|", ">"):
        return False
    if line == node.line:
        return True
    return column - 1 < _block_indent(node)


@lru_cache(maxsize=16)
def _block_indent(node: Node) -> int:
    """How far to the right the text of a block stands: as its first line does."""
    first = next((at for at in range(node.line, len(node.doc.lines)) if node.doc.lines[at].strip()), node.line - 1)
    return _indent(node.doc, first + 1)


@lru_cache(maxsize=16)
def _indent(doc: Document, line: int) -> int:
    text = doc.lines[line - 1]
    return len(text) - len(text.lstrip())
