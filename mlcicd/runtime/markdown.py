"""Text from outside, made harmless for a markdown comment.

Untrusted text stands only in a code span, in a `<code>` tag on a line of HTML, or in a fence. Everything
else that is printed is `Words`: text that stands in this program's source, or a number that it formatted.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable

LIMIT = 80
LINE_LIMIT = 300
_BACKTICKS = re.compile("`+")
# Letters by their category, yet drawn as nothing.
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_DROPPED = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


class Words(str):
    """Text of our own: printed as it is."""

    __slots__ = ()


def clean(text: str, limit: int = LIMIT) -> str:
    """Return one line of visible text, at most `limit` characters; a cut is marked by an ellipsis."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    # Cut first: a megabyte of text is not worth normalising. Ten is more than any character decomposes into.
    spaced = "".join(" " if char.isspace() else char for char in text[: limit * 10])
    visible = "".join(char for char in unicodedata.normalize("NFC", spaced) if _is_visible(char))
    return visible if len(visible) <= limit else visible[: limit - 1] + "…"


def code(text: str, limit: int = LIMIT) -> Words:
    """Return a code span that no text can leave, also inside a table cell."""
    body = clean(text, limit).strip().replace("|", "\\|")
    if not body:
        return Words("–")
    fence = "`" * (_longest(body) + 1)
    pad = " " if "`" in body else ""
    return Words(f"{fence}{pad}{body}{pad}{fence}")


def tag(text: str, limit: int = LIMIT) -> Words:
    """Return a `<code>` element for a line of HTML such as `<summary>`, where markdown is not read."""
    return Words(f"<code>{html.escape(clean(text, limit).strip())}</code>")


def anywhere(text: str, limit: int = LIMIT) -> Words:
    """Return a `<code>` element for any place that somebody's template may have: a paragraph, a cell, a line of HTML.

    All but letters and digits are character references, which neither markdown nor HTML reads as markup. Addresses of
    mail are found all the same, in what the references stand for, but not across two elements.
    """
    body = clean(text, limit).strip()
    coded = "".join(char if char.isalnum() or char == " " else f"&#{ord(char)};" for char in body)
    return Words(f"<code>{coded.replace('&#64;', '&#64;</code><code>')}</code>") if body else Words("–")


def fenced(lines: Iterable[str]) -> Words:
    """Return a fenced block, its fence longer than any inside."""
    body = [clean(line, LINE_LIMIT).rstrip() for line in lines]
    fence = "`" * max(3, max(map(_longest, body), default=0) + 1)
    return Words("\n".join([f"{fence}text", *body, fence]))


def label(text: str) -> Words:
    """Return text for a quoted label of a mermaid chart, which knows no escapes."""
    kept = (char if char.isalnum() or char in " _./:@%+-" else " " for char in clean(text, 60))
    # Two percent signs begin a comment, also inside quotes.
    return Words(re.sub("%+", "%", "".join(kept)).strip() or "value")


def _is_visible(char: str) -> bool:
    return char == " " or (unicodedata.category(char) not in _DROPPED and char not in _INVISIBLE)


def _longest(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
