"""An older mlcicd.yaml to the version that this mlcicd reads, touching nothing but what has to change.

A migration names the characters to be replaced; everything else keeps every byte: comments, quotes, order, indentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mlcicd import yamlio, yamltree
from mlcicd.config.load import FILE, VERSION, known_keys
from mlcicd.errors import UsageError
from mlcicd.yamltree import Tree

# What version 0 knew and version 1 does not, and what to do instead.
_REMOVED = {
    ("report", "predictions", "slices"): "a gate names its column instead: `slice: COLUMN`",
    ("report", "templates"): "each block has its own file now: `templates: {gates: FILE}`",
}


@dataclass(frozen=True, kw_only=True)
class Splice:
    """Put `text` where the characters from `start` to `end` are; `note` tells a person, where there is more to it."""

    start: int
    end: int
    text: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """The text as it is to be, and what is left to do by hand, one sentence each."""

    text: str
    notes: tuple[str, ...] = ()


def migrate(text: str, name: str = FILE) -> Migration:
    """Bring the text of a configuration to the current version; `name` is used in messages.

    Raises:
        UsageError: when it is no YAML mapping, or of a newer version.
    """
    notes: list[str] = []
    while (version := _version(root := _root(text, name), name)) < VERSION:
        splices = sorted(MIGRATIONS[version](text, root), key=lambda splice: splice.start)
        for splice in reversed(splices):
            text = text[: splice.start] + splice.text + text[splice.end :]
        notes += [splice.note for splice in splices if splice.note]
    return Migration(text=text, notes=tuple(notes))


def _root(text: str, name: str) -> Tree:
    try:
        yamlio.load(text)  # anchors, duplicate keys and a second document are refused here as everywhere
        (root,) = yamltree.compose(text) or [Tree("scalar", 0, 0)]
    except yamlio.Unreadable as error:
        raise UsageError(
            f"{name}:{error.place.line}:{error.place.column}: {error.reason}",
            hint="repair that line, then run `mlcicd migrate` again",
        ) from None
    if root.kind != "mapping":
        raise UsageError(f"{name}: no keys and values", hint="`mlcicd init` writes one")
    return root


def _version(root: Tree, name: str) -> int:
    written = next((value.text for key, value in root.pairs if key.text == "version"), "0")
    if not written.isdecimal() or len(written) > 9:
        raise UsageError(f"{name}: version: expected a number, got {written[:40]!r}", hint="`version: 1` is the newest")
    if int(written) > VERSION:
        raise UsageError(
            f"{name}: version {written} is of a newer mlcicd; this one knows {VERSION}",
            hint="use the mlcicd that the file was written for",
        )
    return int(written)


def _from_0(text: str, root: Tree) -> Iterator[Splice]:
    """Version 0 had no `version`, keys in snake_case, and some that are gone."""
    yield _version_1(text, root)
    yield from _below(text, root, ())


def _version_1(text: str, root: Tree) -> Splice:
    for key, value in root.pairs:
        if key.text == "version":
            return Splice(start=value.start, end=value.end, text="1")
    if text[root.start] == "{":
        return Splice(start=root.start + 1, end=root.start + 1, text="version: 1, " if root.pairs else "version: 1")
    return Splice(start=root.start, end=root.start, text=f"version: 1{_line_end(text)}")


def _below(text: str, tree: Tree, path: tuple[str | int, ...]) -> Iterator[Splice]:
    for index, item in enumerate(tree.items):
        yield from _below(text, item, (*path, index))
    for index, (key, value) in enumerate(tree.pairs):
        words = (*path, _kebab(key.text, path))
        # A mapping at the place of the templates is the new form already.
        if words in _REMOVED and (value.kind != "mapping" or words[-1] != "templates"):
            yield _removed(text, tree, index, words)
            continue
        if words[-1] != key.text:
            yield Splice(start=key.start, end=key.end, text=str(words[-1]))
        yield from _below(text, value, words)


def _kebab(key: str, path: tuple[str | int, ...]) -> str:
    """Return the key as it is written now; one that the team chose stays as it is."""
    written = key.replace("_", "-")
    return written if written in known_keys(path) and key not in known_keys(path) else key


def _removed(text: str, parent: Tree, index: int, path: tuple[str | int, ...]) -> Splice:
    """Make a comment of a key in block style; in flow style there is no room for one, so the note alone says it."""
    key, value = parent.pairs[index]
    dotted, why = ".".join(map(str, path)), _REMOVED[path]  # type: ignore[index]
    if text[parent.start] == "{":
        start, end = _with_comma(parent, index)
        return Splice(
            start=start, end=end, text="", note=f"{dotted} was removed ({text[key.start : value.end]}): {why}"
        )
    end = max(value.end, key.end + 1)
    lines = text[key.start : end].rstrip().splitlines()
    indent = text[text.rfind("\n", 0, key.start) + 1 : key.start]
    kept = [lines[0], *(line.removeprefix(indent) for line in lines[1:])]
    comment = f"{_line_end(text)}{indent}".join(f"# {line}" for line in (f"removed in version 1: {why}", *kept))
    return Splice(start=key.start, end=key.start + len(text[key.start : end].rstrip()), text=comment,
                  note=f"{dotted} is a comment now: {why}")  # fmt: skip


def _with_comma(parent: Tree, index: int) -> tuple[int, int]:
    key, value = parent.pairs[index]
    if index + 1 < len(parent.pairs):
        return key.start, parent.pairs[index + 1][0].start
    return (parent.pairs[index - 1][1].end if index else key.start), value.end


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


MIGRATIONS: Mapping[int, Callable[[str, Tree], Iterator[Splice]]] = {0: _from_0}
