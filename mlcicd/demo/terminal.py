"""report.md for a terminal: without what only a forge can show."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_FENCE = re.compile(r" {0,3}(`{3,})\s*(\w*)")
_SUMMARY = re.compile(r"<summary>(.*)</summary>")
_CODE = re.compile(r"<code>(.*?)</code>")
_TAG = re.compile(r"<!--.*?-->|</?(?:details|summary|sub|b|br)(?: open)?>")
_ALERT = re.compile(r"> \[!\w+\]\s*")


def readable(markdown: str) -> str:
    """Return the text without comments, fold-outs and diagrams; the table beside a diagram stays."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_lines(markdown))).strip() + "\n"


def _lines(markdown: str) -> Iterator[str]:
    fence, language = "", ""
    for line in markdown.splitlines():
        if fence:
            if language != "mermaid":
                yield line
            if line.strip() == fence:
                fence = ""
        elif opening := _FENCE.match(line):
            fence, language = opening.groups()
            if language != "mermaid":
                yield line
        elif not _ALERT.fullmatch(line):
            yield _plain(line)


def _plain(line: str) -> str:
    line = _SUMMARY.sub(r"#### \1", line)
    line = _CODE.sub(lambda found: f"`{html.unescape(found[1])}`", line)
    return _TAG.sub("", line)
