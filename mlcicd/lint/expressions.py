"""Expressions, `${{ }}`, each in the one form that rules match: small letters, dots, no escapes of the file around it.

The platform takes `GITHUB['head_ref']`, `github . head_ref` and, in quotes, `github.head\\x5fref` for the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from mlcicd.lint.document import Node, Part

# As the platform reads it: what stands in quotes does not end it, and one without an end spoils the rest of the text.
_EXPRESSION = re.compile(r"\$\{\{(?:[^'}]|'[^']*'|\}(?!\}))*+\}\}")
_INDEX = r"\[\s*+(?:'(?P<key>[\w-]++)'|\d++)\s*+\]"
_PIECE = re.compile(rf"{_INDEX}|(?P<string>'[^']*+'?)|(?P<dot>\s*+\.\s*+)|\s++", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Expression:
    """One expression of a scalar.

    Attributes:
        shown: as it was written, on one line.
        text: what rules match: the inside, normalised.
        part: where it stands; None where the file writes it in another way.
    """

    shown: str
    text: str
    part: Part | None


def expressions(node: Node) -> Iterator[Expression]:
    """Yield the expressions of a scalar, of equal ones the first."""
    seen: set[str] = set()
    found = list(_matches(node.text))
    if not found:
        return
    places = [_part(match, node.start) for match in _matches(node.raw)]
    for number, match in enumerate(found):
        if match[0] not in seen:
            seen.add(match[0])
            part = places[number] if len(places) == len(found) else None
            yield Expression(shown=" ".join(match[0].split()), text=normal(match[0][3:-2]), part=part)


def inside(text: str) -> list[str]:
    """Return the expressions of a text, normalised."""
    return [normal(match[0][3:-2]) for match in _matches(text)]


def plain(text: str) -> str:
    """Return a text with each expression in it normalised."""
    done, made = 0, []
    for match in _matches(text):
        made += [text[done : match.start()], "${{ ", normal(match[0][3:-2]), " }}"]
        done = match.end()
    return "".join([*made, text[done:]])


def condition(node: Node) -> str:
    """Return an `if`, normalised; it is an expression with and without `${{ }}`."""
    text = node.text.strip()
    whole = _EXPRESSION.fullmatch(text)
    return normal(text[3:-2]) if whole else normal(text)


@lru_cache(maxsize=4096)
def normal(expression: str) -> str:
    """Return an expression in small letters, `a['b']` as `a.b`, `a[0]` as `a.*`, with single spaces."""
    return _PIECE.sub(_piece, expression).strip().lower()


def _piece(found: re.Match[str]) -> str:
    if found["string"]:
        return found["string"]
    if found["dot"]:
        return "."
    if found[0].isspace():
        return " "
    return f".{found['key'] or '*'}"


def _matches(text: str) -> Iterator[re.Match[str]]:
    at = text.find("${{")
    while at >= 0:
        found = _EXPRESSION.match(text, at)
        if not found:
            return
        yield found
        at = text.find("${{", found.end())


def _part(match: re.Match[str], offset: int) -> Part:
    return Part(start=offset + match.start(), end=offset + match.end(), match=match)
