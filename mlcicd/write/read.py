"""A CI file as plain values, where two ways to write one thing are one value.

Any file that a platform reads is read: anchors, merge keys and tags such as `!reference` are other tools' business.
What platforms read in different ways is refused, or is a value of its own, the same as nothing else.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from mlcicd import yamltree
from mlcicd.yamlio import Place, Unreadable
from mlcicd.yamltree import Tree

MAX_VALUES = 50_000

# These may be written alone or as a list of one.
_ONE_OR_MANY = frozenset({"needs", "on", "branches", "tags", "types", "runs-on", "script", "before_script", "paths"})
# How YAML 1.1 and 1.2 both read what is written without quotes, and every platform with them.
_WORDS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INT = re.compile(r"(0|-?[1-9][0-9]{0,14})\Z")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]{0,6})\.[0-9]{1,7}\Z")
# And what one of them may take for truth, nothing, a number, a date or a symbol, while another takes it for a text.
_UNSURE = re.compile(
    r"(y|n|yes|no|on|off|true|false|null|[-+]?\.(inf|nan)|<<|[-+]?\.?[0-9][0-9a-f_,.:xotz+ \t-]*)\Z|[=:]",
    re.IGNORECASE,
)
_RELEASE = re.compile(r"[0-9]+(\.[0-9]+){2,}\Z")
_UNQUOTED = "!unquoted"


def values(text: str) -> Any:
    """Return what a text says: dicts, lists, texts, numbers, truth and None.

    Raises:
        Unreadable: on syntax errors, a key that stands twice, a second document, and an anchor that has no end.
    """
    documents = _documents(text)
    if len(documents) > 1:
        _refuse("a second document begins here, and one file holds one", documents[1], text)
    return _Reader(text).value(documents[0], "") if documents else None


def line(text: str, place: Sequence[str | int]) -> int:
    """Return the line, from 1, where the value at `place` stands; the nearest one's above it when it is not there."""
    offset, _ = _way(text, place)[-1]
    return text.count("\n", 0, offset) + 1


def behind(text: str, place: Sequence[str | int]) -> str:
    """Return what follows the value at `place` on its line; "" when it is not there."""
    way = _way(text, place)
    return text[way[-1][1].end :].partition("\n")[0] if len(way) > len(place) else ""


# The same text is asked for its values, for a line, and for what stands behind each pin.
@functools.lru_cache(maxsize=4)
def _documents(text: str) -> list[Tree]:
    return yamltree.compose(text)


def _way(text: str, place: Sequence[str | int]) -> list[tuple[int, Tree]]:
    """Return where each step of `place` begins and what is there, the document first, as far as they are there."""
    node = (_documents(text) or [Tree("scalar", 0, 0)])[0]
    way = [(node.start, node)]
    for step in place:
        if isinstance(step, int):
            below = [(item.start, item) for item in node.items[step : step + 1]]
        else:
            below = [(key.start, value) for key, value in node.pairs if _name(key) == step]
        if not below:
            break
        way.append(below[0])
        node = below[0][1]
    return way


class _Reader:
    """Counts what it reads: anchors that repeat each other would make a few lines endless."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.left = MAX_VALUES
        self.open: list[Tree] = []

    def value(self, tree: Tree, key: str) -> Any:
        self.left -= 1
        if self.left < 0 or any(tree is above for above in self.open):
            _refuse("too many values: are there anchors that repeat each other?", tree, self.text)
        self.open.append(tree)
        made = self._mapping(tree) if tree.kind == "mapping" else self._other(tree, key)
        self.open.pop()
        return {tree.tag: made} if tree.tag else made

    def _mapping(self, tree: Tree) -> dict[str, Any]:
        made: dict[str, Any] = {}
        inherited: dict[str, Any] | None = None
        for key, value in tree.pairs:
            if key.kind != "scalar" or key.tag or key.text.startswith("!"):
                _refuse("a key must be a word, without a tag", key, self.text)
            if key.text == "<<" and not key.style:
                if inherited is not None:
                    _refuse('the key "<<" stands twice', key, self.text)
                inherited = self._inherited(value)
                if twice := sorted(inherited.keys() & made.keys()):
                    # Readers disagree which of the two counts; where the key comes after `<<`, they do not.
                    _refuse(f"`<<` brings {json.dumps(twice[0])}, which stands above it", key, self.text)
            elif _name(key) in made:
                _refuse(f"the key {json.dumps(key.text)} stands twice", key, self.text)
            else:
                made[_name(key)] = self.value(value, key.text)
        return {**(inherited or {}), **made}

    def _inherited(self, tree: Tree) -> dict[str, Any]:
        """What comes first in a list of several wins."""
        sources = tree.items if tree.kind == "sequence" else [tree]
        if any(source.kind != "mapping" or source.tag for source in sources):
            _refuse("`<<` must name keys and values", tree, self.text)
        found = [self.value(one, "") for one in reversed(sources)]
        return {key: value for one in found for key, value in one.items()}

    def _other(self, tree: Tree, key: str) -> Any:
        if tree.kind == "scalar":
            value = _scalar(tree)
            return self._list(key, [value]) if key in _ONE_OR_MANY and isinstance(value, str) else value
        return self._list(key, [self.value(item, "") for item in tree.items])

    def _list(self, key: str, items: list[Any]) -> Any:
        if key == "on" and all(isinstance(item, str) for item in items):
            return dict.fromkeys(items)
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if key == "needs" else items


def _scalar(tree: Tree) -> Any:
    """Resolve as all readers do; what they resolve in different ways is the same as nothing but itself."""
    if tree.style or tree.tag:
        return tree.text
    if tree.text in _WORDS:
        return _WORDS[tree.text]
    if _INT.match(tree.text):
        return int(tree.text)
    if _FLOAT.match(tree.text):
        return float(tree.text)
    return {_UNQUOTED: tree.text} if _is_unsure(tree.text) else tree.text


def _name(key: Tree) -> str:
    """Return a key as it is told from others: `on` is the word that everybody writes, `1` is not `"1"`."""
    quoted = key.style or key.text in ("on", "") or not (key.text in _WORDS or _is_unsure(key.text))
    return key.text if quoted else f"{_UNQUOTED} {key.text}"


def _is_unsure(text: str) -> bool:
    return _UNSURE.match(text) is not None and not _RELEASE.match(text)


def _refuse(reason: str, tree: Tree, text: str) -> NoReturn:
    raise Unreadable(reason, Place(line=text.count("\n", 0, tree.start) + 1, column=1))
