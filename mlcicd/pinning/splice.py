"""One value of a YAML file set or taken out in its text, where every other character stays.

The text that comes out is read again: a form of YAML that is not foreseen here is refused, and never half changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mlcicd import yamlio, yamltree
from mlcicd.errors import UsageError
from mlcicd.yamltree import Tree

_REST_OF_LINE = re.compile(r"[^\r\n]*")
_LINE_END = re.compile(r"\r\n?|\n")
# A line after another one with nothing but a comment, or with nothing.
_NO_VALUE = re.compile(r"(?:\r\n|\r(?!\n)|\n)([ \t]*)(#[^\r\n]*)?(?=[\r\n]|\Z)")
_INDENT = 2


def put(text: str, path: Sequence[str], value: str) -> str:
    """Return the text with this value at a path of keys; the mappings above it are made where they are missing.

    Raises:
        UsageError: when that cannot be done without changing something else.
    """
    wanted = _read(text)
    _set(wanted, path, value)
    made = _put(text, path, value)
    if not _says(made, wanted):
        raise UsageError(
            f"{'.'.join(path)} cannot be changed without changing something else in the file",
            hint=f"write `{path[-1]}: {value}` there by hand",
        )
    return made


def remove(text: str, path: Sequence[str]) -> str | None:
    """Return the text without the value at a path, and without what is empty then.

    None when something else would go with it: a comment, or what a comment below it means.
    """
    nodes = _nodes(_root(text), path)
    if len(nodes) <= len(path):
        return text
    depth = len(path) - 1
    while depth and len(nodes[depth].pairs) == 1:
        depth -= 1
    start, end = _range(text, nodes[depth], path[depth])
    wanted = _read(text)
    _drop(wanted, path)
    made = text[:start] + text[end:]
    return made if "#" not in text[start:end] and _says(made, wanted) else None


def _put(text: str, path: Sequence[str], value: str) -> str:
    nodes = _nodes(root := _root(text), path)
    node, missing = nodes[-1], path[len(nodes) - 1 :]
    if not missing:  # quotes and line breaks around the value stay
        raw = text[node.start : node.end]
        return text[: node.start] + raw.replace(node.text or raw, value) + text[node.end :]
    if node.kind == "mapping":
        return _into(text, node, missing, value, _step(text, root))
    step, above = _step(text, root), nodes[-2]
    if node.start == node.end and not _is_flow(text, above):
        return _lines(text, node.end, missing, value, _column(text, above) + step, step)
    space = " " if node.start == node.end else ""
    return f"{text[: node.start]}{space}{_braces(missing, value)}{text[node.end :]}"


def _into(text: str, mapping: Tree, path: Sequence[str], value: str, step: int) -> str:
    """Put it last into a mapping that is there."""
    if not _is_flow(text, mapping):
        return _lines(text, mapping.end, path, value, _column(text, mapping), step)
    at = mapping.pairs[-1][1].end if mapping.pairs else mapping.start + 1
    return f"{text[:at]}{', ' if mapping.pairs else ''}{_braces(path, value)[1:-1]}{text[at:]}"


def _lines(text: str, offset: int, path: Sequence[str], value: str, column: int, step: int) -> str:
    """Put it below the line of an offset, and below comments there that are as deep."""
    after = _REST_OF_LINE.match(text, offset)
    end = at = after.end() if after else offset
    while found := _NO_VALUE.match(text, at):
        at = found.end()
        if found[2] and len(found[1]) < column:
            break
        end = at if found[2] else end
    newline = _LINE_END.search(text, end) or _LINE_END.search(text)
    keys = [f"{' ' * (column + step * depth)}{yamlio.scalar(key)}:" for depth, key in enumerate(path)]
    return text[:end] + "".join((newline[0] if newline else "\n") + key for key in keys) + f" {value}" + text[end:]


def _braces(path: Sequence[str], value: str) -> str:
    for key in reversed(path):
        value = f"{{{yamlio.scalar(key)}: {value}}}"
    return value


def _range(text: str, mapping: Tree, name: str) -> tuple[int, int]:
    """Return where a pair begins and ends: whole lines, or with one of the commas around it."""
    index = next(index for index, (key, _) in enumerate(mapping.pairs) if key.text == name)
    key, value = mapping.pairs[index]
    if not _is_flow(text, mapping):
        after = _REST_OF_LINE.match(text, value.end)
        end = after.end() if after else value.end
        newline = _LINE_END.match(text, end)
        return key.start - _column(text, mapping), newline.end() if newline else end
    if index + 1 < len(mapping.pairs):
        return key.start, mapping.pairs[index + 1][0].start
    return (mapping.pairs[index - 1][1].end if index else key.start), value.end


def _root(text: str) -> Tree:
    try:
        return yamltree.compose(text)[0]
    except yamlio.Unreadable as error:
        place = f"line {error.place.line}, column {error.place.column}"
        raise UsageError(f"cannot be changed: {error.reason} ({place})", hint="repair that line") from None


def _nodes(root: Tree, path: Sequence[str]) -> list[Tree]:
    """Return the tree and what stands in it along a path, as far as it leads."""
    nodes = [root]
    for name in path:
        found = next((value for key, value in nodes[-1].pairs if key.text == name), None)
        if found is None:
            break
        nodes.append(found)
    return nodes


def _is_flow(text: str, mapping: Tree) -> bool:
    return text[mapping.start] == "{"


def _column(text: str, mapping: Tree) -> int:
    """Return how many characters stand before the keys of a mapping that has some, in block style."""
    start = mapping.pairs[0][0].start
    return start - max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) - 1


def _step(text: str, root: Tree) -> int:
    """Return by how much this file indents."""
    below = (value for _, value in root.pairs if value.kind == "mapping" and not _is_flow(text, value))
    return next((_column(text, one) - _column(text, root) for one in below), _INDENT)


def _read(text: str) -> Any:
    return yamlio.load_foreign(text)


def _set(tree: Any, path: Sequence[str], value: str) -> None:
    for key in path[:-1]:
        tree[key] = tree.get(key) or {}
        tree = tree[key]
    tree[path[-1]] = value


def _drop(tree: Any, path: Sequence[str]) -> None:
    if path[1:]:
        _drop(tree[path[0]], path[1:])
    if not path[1:] or not tree[path[0]]:
        del tree[path[0]]


def _says(text: str, wanted: Any) -> bool:
    try:
        return bool(_read(text) == wanted)
    except yamlio.Unreadable:
        return False
