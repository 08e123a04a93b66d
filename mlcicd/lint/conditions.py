"""What follows from an `if`: a word in it proves nothing in `... || true`, nor behind a `!`."""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKEN = re.compile(r"&&|\|\||!(?!=)|[()]|'[^']*+'?|(?:[^&|!()']|&(?!&)|\|(?!\|)|!=)++")
_COMPARED = re.compile(r"(?P<left>.*?)\s*(?P<sign>[!=]=)\s*(?P<value>true|false)", re.DOTALL)
_SIGN = re.compile(r"[!=]=")
_GROUP = re.compile(r"[!=]=\s*\(")
_STRING = re.compile(r"'[^']*'")
_BINDS = {"||": 1, "&&": 2, "!": 3}

# What is sure where it is true, and where it is false.
Sure = tuple[bool, bool]
_NOTHING: Sure = (False, False)
_CONSTANTS: dict[str, Sure] = {"true": (False, True), "false": (True, False)}


def proves(condition: str, shows: re.Pattern[str], denies: re.Pattern[str]) -> bool:
    """Return whether something is sure wherever a condition is true.

    Args:
        condition: normalised, see `expressions.condition`.
        shows: matches a comparison or call that, where it is true, makes it sure.
        denies: matches one that does so where it is false.
    """
    return _Reader(lambda words: (bool(shows.search(words)), bool(denies.search(words)))).read(condition)[0]


class _Reader:
    """Puts values and operators on two stacks, so that no nesting is too deep."""

    def __init__(self, judge: Callable[[str], Sure]) -> None:
        self.judge = judge
        self.values: list[Sure] = []
        self.signs: list[str] = []

    def read(self, condition: str) -> Sure:
        words: list[str] = []  # of the comparison or call that is being read
        depth = 0  # of the parentheses in it
        for piece in _TOKEN.findall(condition):
            if depth or (piece == "(" and any(not word.isspace() for word in words)):
                depth += (piece == "(") - (piece == ")")
                words.append(piece)
            elif piece in _BINDS or piece in "()":
                self._value(words)
                words = []
                self._sign(piece)
            else:
                words.append(piece)
        self._value(words)
        self._apply(0)
        return self.values[0] if len(self.values) == 1 and not self.signs else _NOTHING

    def _value(self, words: list[str]) -> None:
        text = "".join(words).strip()
        if text:
            sure = _sure(text, self.judge)
            compared = _SIGN.search(text)  # `!a == b` is `(!a) == b`
            self.values.append(_NOTHING if compared and self.signs[-1:] == ["!"] else sure)

    def _sign(self, sign: str) -> None:
        if sign in ("(", "!"):
            self.signs.append(sign)
        elif sign == ")":
            self._apply(0)
            if self.signs:
                self.signs.pop()
        else:
            self._apply(_BINDS[sign])
            self.signs.append(sign)

    def _apply(self, least: int) -> None:
        """Apply the operators on top that bind at least so closely."""
        while self.signs and _BINDS.get(self.signs[-1], -1) >= max(least, 1) and self.values:
            sign, right = self.signs.pop(), self.values.pop()
            if sign == "!":
                self.values.append((right[1], right[0]))
                continue
            left = self.values.pop() if self.values else _NOTHING
            both = (left[0] and right[0], left[1] or right[1])
            either = (left[0] or right[0], left[1] and right[1])
            self.values.append(either if sign == "&&" else both)


def _sure(text: str, judge: Callable[[str], Sure]) -> Sure:
    """`x == false` is `!x`; of a chain of comparisons, and what is compared with a group, nothing is sure."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    signs = len(_SIGN.findall(_STRING.sub("''", text)))
    compared = _COMPARED.fullmatch(text) if signs == 1 else None
    if compared:
        sure = judge(compared["left"])
        same = (compared["sign"] == "==") == (compared["value"] == "true")
        return sure if same else (sure[1], sure[0])
    return judge(text) if signs <= 1 and not _GROUP.search(text) else _NOTHING
