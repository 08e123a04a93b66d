"""From findings to text: a whole mlcicd.yaml, or what an existing one lacks. Pure; nothing is read or written."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mlcicd import yamlio
from mlcicd.config.load import parse
from mlcicd.detect import Found
from mlcicd.errors import UsageError
from mlcicd.render import render
from mlcicd.starter.view import SECTIONS, WITHOUT_EXAMPLE, view

# Longer lines have their note above them.
WIDE = 60
_NOTE = "  # "


@dataclass(frozen=True, kw_only=True)
class Addition:
    """What is appended to an existing file: `text` is "" when there is nothing; `sections` names what it adds."""

    text: str
    sections: tuple[str, ...]


def whole(found: Found) -> str:
    """Return a complete mlcicd.yaml."""
    shown = view(found)
    shown["sections"] = [name for name in SECTIONS if shown[name] or name not in WITHOUT_EXAMPLE]
    return tidy(render("init/mlcicd.yaml.j2", shown))


def missing(found: Found, text: str, name: str) -> Addition:
    """Return what to append to a file that a person wrote; nothing that is in it changes.

    Args:
        found: the findings.
        text: the existing file, whose line ends are kept.
        name: of the file, for messages.

    Raises:
        UsageError: when the file is invalid, or has a form that text cannot be appended to.
    """
    parse(text, name)
    tree, shown = yamlio.load(text), view(found)
    sections = tuple(section for section in SECTIONS if shown[section] and section not in tree)
    if not sections:
        return Addition(text="", sections=())
    block = tidy("".join(render(f"init/{section}.yml.j2", shown) for section in sections))
    indented = textwrap.indent(block, " " * tree.lc.col)
    end = "" if text.endswith(("\n", "\r")) else "\n"
    newline = "\r\n" if "\r\n" in text else "\n"
    addition = (end + indented).replace("\n", newline)
    if not _only_adds(tree, text + addition, sections):
        raise UsageError(
            f"{name}: {', '.join(sections)} can be added, but not at the end of a file of this form",
            hint="put the lines above where they belong",
            detail=block.strip("\n"),
        )
    return Addition(text=addition, sections=sections)


def tidy(text: str) -> str:
    """Line up the notes of each block of lines; the note of a long line goes above it."""
    blocks = itertools.groupby(text.split("\n"), key=bool)
    return "\n".join(line for filled, block in blocks for line in (_aligned(list(block)) if filled else block))


def _aligned(lines: list[str]) -> Iterator[str]:
    column = max((len(code) for code, note in map(_split, lines) if note and len(code) <= WIDE), default=0)
    for code, note in map(_split, lines):
        if not note:
            yield code
        elif len(code) > WIDE:
            yield f"{' ' * (len(code) - len(code.lstrip()))}# {note}"
            yield code
        else:
            yield f"{code:{column}}{_NOTE}{note}"


def _split(line: str) -> tuple[str, str]:
    """Return what stands before and in the note; notes hold no two spaces in a row, which values may."""
    if line.lstrip().startswith("#"):
        return line, ""
    code, mark, note = line.rpartition(_NOTE)
    return (code, note) if mark else (line, "")


def _only_adds(before: Any, text: str, sections: Iterable[str]) -> bool:
    """Tell whether the text is valid and says what `before` says and these sections, nothing else."""
    try:
        parse(text)
        after = yamlio.load(text)
    except (UsageError, yamlio.Unreadable):
        return False
    rest = {key: value for key, value in after.items() if key not in sections}
    return len(after) == len(rest) + len(tuple(sections)) and rest == dict(before)
