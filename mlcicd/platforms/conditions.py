"""Whether a job runs: the conditions of generated files, evaluated for one situation at a time.

Both platforms write them with `==`, `!=`, `&&`, `||`, `!` and parentheses. What a person may add to them is far more;
it is refused as unclear, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(
    r"""\s*(?:(?P<word>[$A-Za-z_][A-Za-z0-9_.]*(?:\(\))?)|(?P<text>'[^']*'|"[^"]*")|(?P<sign>==|!=|&&|\|\||[!()]))"""
)


class UnclearError(ValueError):
    """A condition that uses more than is known here."""


def holds(condition: str, known: Mapping[str, str | bool]) -> bool:
    """Evaluate a condition; `known` has the value of every name (`github.event_name`, `$CI_X`, `cancelled()`).

    Raises:
        UnclearError: when there is anything else in it.
    """
    tokens = _tokens(condition)
    value = _either(tokens, known)
    if tokens:
        raise UnclearError(condition)
    return bool(value)


def _tokens(condition: str) -> list[str]:
    tokens, position = [], 0
    while position < len(condition.rstrip()):
        found = _TOKEN.match(condition, position)
        if not found:
            raise UnclearError(condition)
        tokens.append(found[0].strip())
        position = found.end()
    return tokens


def _either(tokens: list[str], known: Mapping[str, str | bool]) -> str | bool:
    value = _both(tokens, known)
    while tokens[:1] == ["||"]:
        tokens.pop(0)
        other = _both(tokens, known)
        value = value or other
    return value


def _both(tokens: list[str], known: Mapping[str, str | bool]) -> str | bool:
    value = _compared(tokens, known)
    while tokens[:1] == ["&&"]:
        tokens.pop(0)
        other = _compared(tokens, known)
        value = value and other
    return value


def _compared(tokens: list[str], known: Mapping[str, str | bool]) -> str | bool:
    value = _single(tokens, known)
    if tokens[:1] in (["=="], ["!="]):
        is_equality = tokens.pop(0) == "=="
        return (value == _single(tokens, known)) is is_equality
    return value


def _single(tokens: list[str], known: Mapping[str, str | bool]) -> str | bool:
    word = tokens.pop(0) if tokens else ""
    if word == "!":
        return not _single(tokens, known)
    if word == "(":
        value = _either(tokens, known)
        if tokens[:1] != [")"]:
            raise UnclearError("a parenthesis is not closed")
        tokens.pop(0)
        return value
    if word[:1] in ("'", '"'):
        return word[1:-1]
    if word not in known:
        raise UnclearError(word)
    return known[word]
