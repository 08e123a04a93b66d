"""What our comment says about itself: which run wrote it, how that ended, and the runs before it.

It stands in the comment's first line, where a forge keeps it and nobody sees it. It is read back as text that anybody
may have changed: what does not have the form is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlcicd.runtime.report import words

MAX_EARLIER = 5
_STATE = r"[a-z-]{1,16}"
_RUN = r"[0-9]{1,9}"
_HISTORY = rf"state=({_STATE}) earlier=([0-9a-z:,-]{{0,200}}) "
_MARK = re.compile(rf"run=({_RUN}) attempt=({_RUN}) .{{0,100}}?(?:{_HISTORY})?-->")
_EARLIER = re.compile(rf"({_RUN}):({_STATE})")
# What the program `cml` appends, to find its comment again.
_WATERMARK = re.compile(r"\s*!\[\]\([^()\s]*#[0-9a-fA-F]+ \"CML watermark[^\"]*\"\)\s*\Z")

Ended = tuple[int, str]  # number of a run, and the state that it reported


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Who wrote a comment.

    Attributes:
        run, attempt: which run; zeros when the comment does not say.
        state: what it reported, "" when unknown.
        earlier: the runs before it, newest first.
    """

    run: int = 0
    attempt: int = 0
    state: str = ""
    earlier: tuple[Ended, ...] = ()

    @property
    def order(self) -> tuple[int, int]:
        """Of two comments, the one with the larger order is the newer."""
        return self.run, self.attempt


def read(body: str, key: str) -> Mark | None:
    """Return what a comment with this key says about itself; None when it has another key, or none."""
    line = body.partition("\n")[0]
    if not re.match(rf"<!-- mlcicd:report v=1 key={re.escape(key)} ", line):
        return None
    found = _MARK.search(line[:500])
    if not found:
        return Mark()
    earlier = tuple((int(run), state) for run, state in _EARLIER.findall(found[4] or "") if state in words.ICONS)
    state = found[3] if found[3] in words.ICONS else ""
    return Mark(run=int(found[1]), attempt=int(found[2]), state=state or "", earlier=earlier[:MAX_EARLIER])


def before(mark: Mark, run: int) -> tuple[Ended, ...]:
    """Return the runs before `run`, as the comment with this mark knows them, newest first."""
    known = dict(mark.earlier) | ({mark.run: mark.state} if mark.state else {})
    newest = sorted((number for number in known if number < run), reverse=True)[:MAX_EARLIER]
    return tuple((number, known[number]) for number in newest)


def write(text: str, state: str, earlier: tuple[Ended, ...]) -> str:
    """Return a report's markdown as a comment: its first line says how it ended, its last one what was before."""
    first, _, rest = text.partition("\n")
    known = ",".join(f"{run}:{ended}" for run, ended in earlier)
    line = f"{first.removesuffix('-->')}state={state} earlier={known} -->\n{rest}"
    if not earlier:
        return line
    shown = " · ".join(f"{words.ICONS[ended]} {run}" for run, ended in earlier)
    return f"{line.rstrip()}\n<sub>Earlier runs: {shown}</sub>\n"


def same(one: str, other: str) -> bool:
    """Tell whether two comments say the same: apart from their marks, and from what a forge and `cml` do to a text."""
    return _content(one) == _content(other)


def _content(body: str) -> str:
    text = body.replace("\r\n", "\n").partition("\n")[2]
    return _WATERMARK.sub("", text).rstrip()
