"""YAML of any origin as a tree with places, fast: for files that we judge and never print again.

`yamlio` reads and prints our own files; what others wrote has anchors, tags and mistakes, and comes by the hundred.
The C scanner gives events, the tree is built here: its own composer recurses, and deep input would end the process.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from mlcicd.yamlio import MAX_DEPTH, Place, Unreadable

# YAML 1.1 takes the first three for line ends, YAML 1.2 for ordinary characters; a byte order mark inside the text is
# skipped by some readers. Each platform reads its own way, so what stands behind one may be a line that nobody saw.
_HIDING = re.compile(r"[\x85\u2028\u2029]|(?!\A)\ufeff")


@dataclass(slots=True, eq=False)
class Tree:
    """One value as it stands in the text.

    Attributes:
        kind: what it is.
        start: offset of its first character in the text, tag and anchor included.
        end: offset behind its last character.
        tag: an explicit one such as `!reference`, else empty.
        text: the scalar's text, quotes and escapes resolved.
        style: how a scalar is written: empty for plain, else its first character (one of `'"|>`).
        items: of a sequence.
        pairs: of a mapping, in order, keys that stand twice too.
    """

    kind: Literal["mapping", "sequence", "scalar"]
    start: int
    end: int
    tag: str = ""
    text: str = ""
    style: str = ""
    items: list[Tree] = field(default_factory=list)
    pairs: list[tuple[Tree, Tree]] = field(default_factory=list)


def compose(text: str) -> list[Tree]:
    """Read every document of a text. An alias is the very object its anchor is, so a tree may contain itself.

    Raises:
        Unreadable: on syntax errors, unknown aliases, deep nesting, and characters that may or may not end a line.
    """
    import yaml  # type: ignore[import-untyped]

    if hiding := _HIDING.search(text):
        reason = f"U+{ord(hiding[0]):04X} stands here, which readers of YAML take for different things: remove it"
        raise Unreadable(reason, _at(text, hiding.start()))

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _documents(yaml.parse(text, Loader=loader), text)
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, text) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise Unreadable(f"not readable as YAML ({str(error).splitlines()[0]})", Place(line=1, column=1)) from None


def _documents(events: Iterable[Any], text: str) -> list[Tree]:
    documents: list[Tree] = []
    builder = _Builder(text)
    for event in events:
        step = getattr(builder, f"on_{type(event).__name__}", None)
        if step:
            step(event)
        elif type(event).__name__ == "DocumentEndEvent":
            documents.append(builder.root)
            builder = _Builder(text)
    return documents


class _Builder:
    """Puts the events of one document together; each `on_` method takes the event of that name."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = Tree("scalar", 0, 0)
        self.open: list[tuple[Tree, list[Tree]]] = []
        self.anchors: dict[str, Tree] = {}

    def on_ScalarEvent(self, event: Any) -> None:  # noqa: N802
        start, end = event.start_mark.index, event.end_mark.index
        style = event.style or ""
        if style in ("|", ">"):  # it is said to end where the next thing begins
            end = start + len(self.text[start:end].rstrip())
        self._add(Tree("scalar", start, end, event.tag or "", event.value, style), event.anchor)

    def on_SequenceStartEvent(self, event: Any) -> None:  # noqa: N802
        self._open("sequence", event)

    def on_MappingStartEvent(self, event: Any) -> None:  # noqa: N802
        self._open("mapping", event)

    def on_SequenceEndEvent(self, event: Any) -> None:  # noqa: N802
        tree, children = self.open.pop()
        tree.items = children
        self._close(tree, children, event)

    def on_MappingEndEvent(self, event: Any) -> None:  # noqa: N802
        tree, children = self.open.pop()
        tree.pairs = list(zip(children[::2], children[1::2], strict=True))
        self._close(tree, children, event)

    def on_AliasEvent(self, event: Any) -> None:  # noqa: N802
        if event.anchor not in self.anchors:
            raise Unreadable(f"`*{event.anchor}` stands for nothing: no such anchor", _place(event))
        self._add(self.anchors[event.anchor], None)

    def _open(self, kind: Literal["mapping", "sequence"], event: Any) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise Unreadable(f"nested too deeply (more than {MAX_DEPTH} levels)", _place(event))
        tree = Tree(kind, event.start_mark.index, event.end_mark.index, event.tag or "")
        self._add(tree, event.anchor)
        self.open.append((tree, []))

    def _close(self, tree: Tree, children: list[Tree], event: Any) -> None:
        # In block style the end is said to be where the next thing begins.
        flow = event.end_mark.index > event.start_mark.index
        tree.end = event.end_mark.index if flow else max([tree.end, *(child.end for child in children)])

    def _add(self, tree: Tree, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = tree
        if self.open:
            self.open[-1][1].append(tree)
        else:
            self.root = tree


def _unreadable(error: Any, text: str) -> Unreadable:
    problem = error.problem or error.context or "not valid YAML"
    # At the end of the file the place where the unfinished thing began says more.
    ended = error.context_mark and "end of stream" in problem
    mark = error.context_mark if ended else error.problem_mark or error.context_mark
    place = Place(line=mark.line + 1, column=mark.column + 1) if mark else Place(line=1, column=1)
    line = (text.split("\n") + [""] * place.line)[place.line - 1]
    if re.search(r"^(<<<<<<<|>>>>>>>) ", text, re.MULTILINE):
        problem = "there are merge conflict markers in the file: resolve them first"
    elif re.match(r"\s*\t", line):
        problem = "a tab cannot indent YAML: use spaces"
    elif ended:
        problem = f"the file ends {error.context}, which begins here"
    return Unreadable(problem, place)


def _place(event: Any) -> Place:
    return Place(line=event.start_mark.line + 1, column=event.start_mark.column + 1)


def _at(text: str, offset: int) -> Place:
    return Place(line=text.count("\n", 0, offset) + 1, column=offset - text.rfind("\n", 0, offset))
