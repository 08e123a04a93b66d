"""Our own YAML: reading with places, and printing one value safely; `yamltree` reads the files of others."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, ScalarEvent
from ruamel.yaml.nodes import MappingNode, ScalarNode

MAX_DEPTH = 100
MAX_SHARED = 100_000  # values that all aliases of a file stand for
# Read the same by YAML 1.1 and 1.2, in block and in flow: words of characters that mean nothing to YAML, the
# first starting with a letter (after a dot or `./`, maybe); or a number and a word, such as "14 days". `0xcafe` is a
# number to all, `.e-5` to Ruby's reader.
_WORD = r"[A-Za-z0-9_./@=()-]*(?::[A-Za-z0-9_./@=()-]+)*"
_PLAIN = re.compile(
    rf"(?:[A-Za-z]|\.\.?/|\.(?![eE]-)[A-Za-z]){_WORD}(?: [A-Za-z0-9_./@(-]{_WORD})*\Z|(?!0[xob])[0-9]+ ?[a-z]+\Z",
)
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", ".inf", ".nan"})
_ANCHOR = re.compile(r"(?:^|[\s\[{,:])[&*][^\s&]", re.MULTILINE)
_SIMPLE = re.compile(r"[ !-&(-~]+\Z")
# Printable JSON strings are valid double-quoted YAML but for these, which YAML readers refuse or fold.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A position in a text; `line` and `column` count from 1."""

    line: int
    column: int


class Unreadable(Exception):
    """Text that is no YAML document we accept; carries the reason and the place."""

    def __init__(self, reason: str, place: Place) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place


def load(text: str) -> Any:
    """Parse one document, keeping comments and places (ruamel's round-trip tree).

    Raises:
        Unreadable: on syntax errors, duplicate keys, anchors, aliases and merge keys.
    """
    _refuse_depth(text)
    _read(_refuse_anchors, text)
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    return _read(yaml.load, text)


def load_plain(text: str) -> Any:
    """Parse a file of ours into plain values, without comments and places.

    Raises:
        Unreadable: as `load`.
    """
    _refuse_depth(text)
    _read(_refuse_anchors, text)
    return load_foreign(text)


def load_foreign(text: str) -> Any:
    """Parse a file of another tool into plain values; unlike ours it may use anchors.

    Raises:
        Unreadable: on syntax errors, duplicate keys, and aliases that stand for a great many values.
    """
    if _ANCHOR.search(text):  # what cannot hold one is not parsed twice
        _read(_refuse_bomb, text)
    with warnings.catch_warnings(action="ignore", category=ReusedAnchorWarning):
        return _read(YAML(typ="safe", pure=True).load, text)


def _read(reader: Callable[[str], Any], text: str) -> Any:
    try:
        return reader(text)
    except Unreadable:
        raise
    except MarkedYAMLError as error:
        # At the end of the file the place where the unfinished thing began says more.
        ended = "end of stream" in (error.problem or "")
        raise Unreadable(_reason(error), _place(error.context_mark if ended else error.problem_mark)) from None
    except Exception as error:
        # ruamel lets through whatever its constructors raise: ValueError for the 45th of a month, TypeError for
        # a mapping as a key, RecursionError for deep nesting. All of them mean the same here.
        reason = "nested too deeply" if isinstance(error, RecursionError) else f"not readable as YAML ({error})"
        raise Unreadable(reason.splitlines()[0][:200], Place(line=1, column=1)) from None


def dump(tree: Any) -> str:
    """Print a round-trip tree with the comments and quotes it was read with, indented as our own files are."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = StringIO()
    yaml.dump(tree, stream)
    return stream.getvalue()


def place(tree: Any, path: Sequence[str | int]) -> Place:
    """Return where the value at `path` stands; the nearest parent's place when it is absent."""
    line, column = 0, 0
    node = tree
    for step in path:
        if isinstance(node, CommentedMap) and step in node:
            # Where nothing was written, the reader says the place of what comes next.
            line, column = _known(node.lc.key if node[step] is None else node.lc.value, step) or (line, column)
        elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
            line, column = node.lc.item(step)
        else:
            break
        node = node[step]
    return Place(line=line + 1, column=column + 1)


def _known(look: Callable[[Any], tuple[int, int] | None], key: str | int) -> tuple[int, int] | None:
    """Return a place as the reader knows it; beside a merge key without a value it has lost all of them."""
    try:
        return look(key)
    except KeyError:
        return None


def span(text: str, path: Sequence[str]) -> tuple[int, int] | None:
    """Return where the scalar at `path` begins and ends in the text; None when no scalar of its own stands there.

    Raises:
        Unreadable: on syntax errors.
    """
    node = _read(YAML(typ="safe", pure=True).compose, text)
    after = -1
    for step in path:
        pairs = node.value if isinstance(node, MappingNode) else []
        key, node = next((pair for pair in pairs if pair[0].value == step), (None, None))
        if key is None:
            return None
        after = key.end_mark.index
    # What an alias stands for is written before the key.
    if not isinstance(node, ScalarNode) or node.start_mark.index < after:
        return None
    start, end = node.start_mark.index, node.end_mark.index
    # Where nothing was written, the reader says the place of what comes next.
    return (start, end) if start < end else (text.index(":", after) + 1,) * 2


def key_place(tree: Any, path: Sequence[str | int]) -> Place:
    """Return where the key that ends `path` stands (for a key that should not be there)."""
    parent = tree
    for step in path[:-1]:
        parent = parent[step]
    found = _known(parent.lc.key, path[-1])
    return Place(line=found[0] + 1, column=found[1] + 1) if found else place(tree, path[:-1])


def scalar(value: object) -> str:
    """Print a value so that it cannot break out of its place: plain where harmless, else quoted.

    Lists and mappings come out in flow style, on one line.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(str(key))}: {scalar(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(scalar(item) for item in value) + "]"
    text = str(value)
    if _is_plain(text):
        return text
    # Single quotes where double ones would need escapes: the reader sees the text as it is.
    return f"'{text}'" if '"' in text and _SIMPLE.match(text) else _quoted(text)


def _is_plain(text: str) -> bool:
    return bool(_PLAIN.match(text)) and text.lower() not in _WORDS


def _quoted(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _refuse_depth(text: str) -> None:
    """The scanner's time grows with the square of the depth: 20,000 brackets would take a minute."""
    depth = deepest = 0
    for char in text:
        depth += (char in "[{") - (char in "]}")
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise Unreadable(f"nested too deeply (more than {MAX_DEPTH} brackets)", Place(line=1, column=1))


def _refuse_bomb(text: str) -> None:
    """Ten lines of aliases of aliases stand for a thousand million values: to merge or to print them takes for ever."""
    sizes: dict[str, int] = {}
    opened: list[tuple[str | None, int]] = []
    count = shared = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        if isinstance(event, CollectionEndEvent):
            anchor, before = opened.pop()
            sizes |= {anchor: count - before} if anchor else {}
        elif isinstance(event, CollectionStartEvent):
            opened.append((event.anchor, count))
            count += 1
        elif isinstance(event, AliasEvent):
            count += sizes.get(event.anchor, 1)
            shared += sizes.get(event.anchor, 1)
        elif isinstance(event, ScalarEvent):
            count += 1
            sizes |= {event.anchor: 1} if event.anchor else {}
        if shared > MAX_SHARED:
            reason = f"aliases stand for more than {MAX_SHARED:,} values: write out what is meant"
            raise Unreadable(reason, _place(event.start_mark))


def _refuse_anchors(text: str) -> None:
    if not _ANCHOR.search(text):
        return  # what cannot hold one is not parsed twice
    for event in YAML(typ="rt").parse(text):
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise Unreadable("anchors and aliases are not used here: write the value out", _place(event.start_mark))


def _reason(error: MarkedYAMLError) -> str:
    problem = (error.problem or "not valid YAML").splitlines()[0]
    if error.problem_mark and "<<<<<<< " in (error.problem_mark.buffer or ""):
        return "there are merge conflict markers in the file: resolve them first"
    if "found duplicate key" in problem:
        return problem.split(" with value")[0].replace("found ", "")
    if "found another document" in problem:
        return "a second document begins here, and one file holds one: remove this line"
    if "\\t" in problem or "'\t'" in problem:
        return "a tab cannot indent YAML: use spaces"
    return problem


def _place(mark: Any) -> Place:
    return Place(line=mark.line + 1, column=mark.column + 1) if mark else Place(line=1, column=1)
