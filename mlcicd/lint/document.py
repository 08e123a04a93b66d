"""A CI file as rules see it: a tree that never says None, and knows where everything stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from mlcicd.lint.model import Kind
from mlcicd.yamltree import Tree, compose

Step = str | int

_LINE_END = re.compile(r"\r\n|\r|\n")
_COMMENT = re.compile(r"[:,\]}\s]*(?<=\s)#[^\S\n]*(.*)")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_MAX_DIGITS = 30
_GITLAB = frozenset({"stages", "include", "default"})
_GITLAB_JOB = frozenset({"script", "trigger", "run"})


class Document:
    """One file.

    Attributes:
        path: as the user would write it, with `/`.
        text: without a byte order mark; offsets of nodes and fixes count its characters.
        kind: what judges it.
        root: the document; of several in one file the last, which on GitLab is the pipeline.
        head: the documents before it (on GitLab, `spec:` with the inputs).
    """

    def __init__(self, path: str, text: str, kind: Kind, trees: Sequence[Tree]) -> None:
        self.path = path
        self.text = text.removeprefix("\ufeff")
        self.kind = kind
        self.root = Node(self, trees[-1]) if trees else Node(self, None)
        self.head = tuple(Node(self, tree) for tree in trees[:-1])

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return _LINE_END.split(self.text)

    @cached_property
    def escaped(self) -> tuple[Node, ...]:
        """The scalars, by place, whose text is not what stands between their quotes."""
        if '"' not in self.text and "''" not in self.text:
            return ()
        found = (node for root in (*self.head, self.root) for _, node in walk(root))
        written = (node for node in found if node.tree and node.tree.style in ("'", '"'))
        return tuple(sorted((one for one in written if one.raw[1:-1] != one.text), key=lambda node: node.start))

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in _LINE_END.finditer(self.text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, both from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a line and column, both from 1."""
        return self._starts[line - 1] + column - 1

    def line_end(self, offset: int) -> int:
        """Return the offset where the line of an offset ends."""
        line = bisect_right(self._starts, offset)
        return max(offset, self._starts[line - 1] + len(self.lines[line - 1]))


def read(path: str, text: str, kind: Kind) -> Document:
    """Parse a file.

    Raises:
        Unreadable: with the reason and the place.
    """
    return Document(path, text, kind, compose(text.removeprefix("\ufeff")))


def guess(path: str, text: str) -> Document | None:
    """Parse a file whose content has to tell what it is; None when it is no CI file that we know.

    Raises:
        Unreadable: with the reason and the place.
    """
    trees = compose(text.removeprefix("\ufeff"))
    kind = _kind(trees)
    return Document(path, text, kind, trees) if kind else None


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some text inside a node: what `Node.find` found."""

    start: int
    end: int
    match: re.Match[str]


class Node:
    """A value in a document, or its absence: one that is missing is false, empty, and stands where its parent does.

    Attributes:
        start, end: offsets in `doc.text`.
    """

    __slots__ = ("_keys", "doc", "end", "start", "tree")

    def __init__(self, doc: Document, tree: Tree | None, start: int = 0) -> None:
        self.doc = doc
        self.tree = tree
        self.start = tree.start if tree else start
        self.end = tree.end if tree else start
        self._keys: dict[str, tuple[Node, Node]] | None = None

    def __bool__(self) -> bool:
        """Whether it stands in the file; an empty mapping or `false` does."""
        return self.tree is not None

    def __repr__(self) -> str:
        return f"Node({self.kind}, {self.doc.path}:{self.line}:{self.column}, {self.raw[:40]!r})"

    @property
    def kind(self) -> str:
        """One of `mapping`, `sequence`, `scalar`, `missing`."""
        return self.tree.kind if self.tree else "missing"

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return self.kind == "mapping"

    @property
    def is_sequence(self) -> bool:
        """Whether it is a list."""
        return self.kind == "sequence"

    @property
    def is_scalar(self) -> bool:
        """Whether it is one value, null too."""
        return self.kind == "scalar"

    @property
    def tag(self) -> str:
        """An explicit tag such as `!reference`, else empty."""
        return self.tree.tag if self.tree else ""

    @property
    def text(self) -> str:
        """The scalar as text, as it was written (`on`, `0x10`, `true`); empty for all else."""
        return self.tree.text if self.tree else ""

    @property
    def value(self) -> str | int | float | bool | None:
        """The scalar as YAML 1.2 means it (`on` is text, unquoted `true` is not); None for all else."""
        if self.tree is None or self.tree.kind != "scalar":
            return None
        return self.text if self.tree.style or self.tree.tag else _plain(self.text)

    @property
    def raw(self) -> str:
        """What stands in the file."""
        return self.doc.text[self.start : self.end]

    @property
    def line(self) -> int:
        """From 1."""
        return self.doc.place(self.start)[0]

    @property
    def column(self) -> int:
        """From 1."""
        return self.doc.place(self.start)[1]

    @property
    def indent(self) -> str:
        """The spaces before the line it begins on: for fixes."""
        line = self.doc.lines[self.line - 1]
        return line[: len(line) - len(line.lstrip(" "))]

    @property
    def comment(self) -> str:
        """The text of the comment behind it on the same line, without `#`; empty when there is none."""
        end = self.find(r"[|>][-+0-9]*")[0].end if self._is_block else self.end
        found = _COMMENT.match(self.doc.text, end, self.doc.line_end(end))
        return found[1].strip() if found else ""

    @property
    def _is_block(self) -> bool:
        return self.tree is not None and self.tree.style in ("|", ">")

    def items(self) -> list[tuple[Node, Node]]:
        """The pairs of a mapping, key and value, with those that `<<` brings; of a key that stands twice the last."""
        return list(self._by_key().values())

    def keys(self) -> list[str]:
        """The texts of the keys."""
        return list(self._by_key())

    def __iter__(self) -> Iterator[Node]:
        """The items of a sequence; none of anything else."""
        return iter([Node(self.doc, item) for item in self.tree.items] if self.tree else [])

    def __contains__(self, key: str) -> bool:
        """Whether it is a mapping with this key."""
        return key in self._by_key()

    def get(self, step: Step) -> Node:
        """The value of a key, or the item at a position; a missing node when it is not there."""
        if isinstance(step, str):
            pair = self._by_key().get(step)
            return pair[1] if pair else self._missing()
        items = self.tree.items if self.tree else []
        return Node(self.doc, items[step]) if -len(items) <= step < len(items) else self._missing()

    def at(self, *steps: Step) -> Node:
        """The value below: `at("jobs", "train", "steps", 0, "uses")`."""
        node = self
        for step in steps:
            node = node.get(step)
        return node

    def key(self, name: str) -> Node:
        """The node of the key itself: where to point when the value is long."""
        pair = self._by_key().get(name)
        return pair[0] if pair else self._missing()

    def texts(self) -> list[str]:
        """A scalar or a list of scalars as texts: what many keys of CI files take."""
        found = [self] if self.is_scalar else list(self)
        return [node.text for node in found if node.text]

    def find(self, pattern: str | re.Pattern[str]) -> list[Part]:
        """Every place in what stands in the file (`raw`) that a regular expression matches."""
        found = re.compile(pattern).finditer(self.doc.text, self.start, self.end)
        return [Part(start=match.start(), end=match.end(), match=match) for match in found]

    def _missing(self) -> Node:
        return Node(self.doc, None, self.start)

    def _by_key(self) -> dict[str, tuple[Node, Node]]:
        if self._keys is None:
            found = _merged(self.tree)
            self._keys = {name: (Node(self.doc, key), Node(self.doc, value)) for name, (key, value) in found.items()}
        return self._keys


def walk(node: Node) -> Iterator[tuple[tuple[Step, ...], Node]]:
    """Yield every node with the path to it, parents first; what aliases share comes once."""
    seen: set[int] = set()
    waiting: list[tuple[tuple[Step, ...], Node]] = [((), node)]
    while waiting:
        path, here = waiting.pop()
        if not here or id(here.tree) in seen:
            continue
        seen.add(id(here.tree))
        yield path, here
        below: list[tuple[tuple[Step, ...], Node]] = [((*path, key.text), value) for key, value in here.items()]
        below += [((*path, number), item) for number, item in enumerate(here)]
        waiting += reversed(below)


def _kind(trees: Sequence[Tree]) -> Kind | None:
    keys = _merged(trees[-1]) if trees else {}
    if "jobs" in keys:
        return "workflow"
    if "runs" in keys:
        return "action"
    if "updates" in keys:
        return "dependabot"
    below = [value for _, value in keys.values()]
    is_pipeline = _GITLAB & keys.keys() or any(_GITLAB_JOB & _merged(value).keys() for value in below)
    return "gitlab" if is_pipeline else None


def _merged(tree: Tree | None) -> dict[str, tuple[Tree, Tree]]:
    """The pairs of a mapping by key, as GitLab reads them: what stands below counts, be it a key or what `<<` brings.

    Of several sources of one `<<` the first counts.
    """
    found: dict[str, tuple[Tree, Tree]] = {}
    seen: set[int] = set()
    # Mappings, and pairs with a key; what counts most is taken first, from the end.
    waiting: list[tuple[Tree | None, Tree]] = [(None, tree)] if tree else []
    while waiting:
        key, here = waiting.pop()
        if key and key.text == "<<":
            waiting += [(None, source) for source in reversed(here.items or [here])]
        elif key:
            found.setdefault(key.text, (key, here))
        elif id(here) not in seen:  # else all its keys are there: what merges itself, or one a million times, ends
            seen.add(id(here))
            waiting += here.pairs
    return dict(reversed(found.items()))


def _plain(text: str) -> str | int | float | bool | None:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INT.match(text) and len(text) <= _MAX_DIGITS:
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text
