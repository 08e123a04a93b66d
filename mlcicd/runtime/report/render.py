"""A report as markdown and as a page. Templates lay out; what they print is escaped unless it is ours."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from mlcicd import resources
from mlcicd.runtime.markdown import LIMIT, Words, clean, code, fenced, tag
from mlcicd.runtime.report import layout, page
from mlcicd.runtime.report.model import Report
from mlcicd.runtime.report.numbers import counted
from mlcicd.runtime.report.view import FEW_SLICES, view

MAX_COMMENT = 60_000  # bytes; every reading of the forges' limits allows that many
MAX_SUMMARY = 900_000  # bytes; a platform drops a summary of more than 1 MiB

# The blocks of the comment in their order, each with what it shows: without any of that it is not there.
BLOCKS: Mapping[str, tuple[str, ...]] = {
    "gates": ("gates",),
    "slices": ("slices",),
    "metrics": ("metrics", "unread"),
    "tail": ("tail",),
    "curves": ("charts_shown",),
    "confusion": ("confusions",),
    "bars": ("bars_shown",),
    "images": ("images",),
    "changes": ("params", "stages"),
    "status": ("status",),
    "validation": ("validation",),
    "tests": ("tests",),
    "steps": ("steps",),
    "sections": ("sections",),
}

Printer = Callable[[Any], str]
Own = Mapping[str, Words]
NONE: Own = MappingProxyType({})
# Stand for a bar, and for the words about what is not there, while a comment is laid out; `clean` lets none through.
_PIPE, _GONE = "\ue000", "\ue001"


def markdown(report: Report, limit: int = MAX_COMMENT, own: Own = NONE) -> str:
    """Return the comment, at most `limit` bytes of UTF-8: what goes is left out whole, and a line names it.

    A limit under 2 KB may not be met. `own` are blocks that the team's templates laid out.
    """
    return _first_that_fits(report, limit, layout.FEW, own)


def summary(report: Report, own: Own = NONE) -> str:
    """Return what a platform shows as a run's summary: the comment, with every row where there is room."""
    return _first_that_fits(report, MAX_SUMMARY, layout.EVERY, own)


def _first_that_fits(report: Report, limit: int, few: int, own: Own) -> str:
    everything = view(report) | {"shortened": Words(_GONE)}
    before, gone = "", []
    for one in layout.layouts(few):
        shown = layout.shown(everything, report, one)
        blocks = _blocks(shown, one, own if one.own else NONE)
        body = _markdown(one.width).get_template("report/report.md.j2").render(shown, blocks=blocks)
        gone += [one.step] if one.step and body != before else []  # a step may find nothing to leave out
        before = body
        text = _piped(body).replace(_GONE, _shortened(gone if blocks else ["all but the verdict"]) if gone else "")
        if len(text.encode()) <= limit:
            break
    return text


def _blocks(shown: Mapping[str, Any], one: layout.Layout, own: Own) -> list[Mapping[str, str]]:
    """Return the blocks that are there, by name; `own` is what a template made of one, "" where ours lays it out."""
    there = {block: own[block] if block in own else any(map(shown.get, names)) for block, names in BLOCKS.items()}
    return [{"name": block, "own": own.get(block, "")} for block in there if there[block] and block not in one.without]


def _shortened(gone: Sequence[str]) -> str:
    return f"Shortened: {', '.join(gone)} left out here; the full HTML report has everything.\n\n"


def html(report: Report, pictures: page.Pictures = MappingProxyType({})) -> str:
    """Return the whole report as one page that needs nothing but itself; `pictures` are those that it holds."""
    return _html().get_template("report/report.html.j2").render(view(report) | page.parts(report, pictures))


def terminal(report: Report) -> str:
    """Return the verdict and the gates in a few lines."""
    shown = view(report)
    lines = [f"{shown['icon']} {plain(shown['title'])}", f"  {plain(shown['alert'])}"]
    rows = [tuple(plain(row[name]) for name in ("status", "metric", "rule", "outcome")) for row in shown["gates"]]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    lines += [
        "  " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines += [line for table in shown["slices"] for line in _slices(table)]
    lines += _steps(shown["steps"]) if shown["steps"] else []
    return "\n".join([*lines, *(f"  note: {plain(item)}" for item in shown["notices"])])


def _slices(table: Mapping[str, Any]) -> list[str]:
    """Return the slices of a gate that do not pass; those that do are counted."""
    head = f"  {plain(table['metric'])} {plain(table['rule'])} by {plain(table['column'])}: {table['summary']}"
    bad = [row for row in table["rows"] if row["kind"] != "pass"][:FEW_SLICES]
    return [head, *(f"    {row['status']}  {plain(row['name'])}  {row['value']}  ({row['count']} rows)" for row in bad)]


def _steps(found: Mapping[str, Any]) -> list[str]:
    """Return how many steps of the team's own are done, or those that are not."""
    bad = [row for row in found["rows"] if row["exit"] != "0"]
    said = [f"    exit {row['exit']}  {plain(row['name'])}  {row['place']}  {row['seconds']}" for row in bad]
    return [f"  steps of the team's own: {found['summary']}", *said]


def plain(value: Any) -> str:
    """Print a cell for a terminal."""
    if isinstance(value, tuple):
        return "".join(map(plain, value))
    return str(value) if isinstance(value, Words) else clean(str(value))


@functools.cache
def _markdown(width: int) -> ImmutableSandboxedEnvironment:
    env = _environment(functools.partial(_as_markdown, width=width), autoescape=False)
    env.globals |= {"link": _link, "fenced": fenced, "tag": tag, "counted": counted}
    env.filters |= {"word": _word, "ours": Words}
    return env


@functools.cache
def _html() -> ImmutableSandboxedEnvironment:
    env = _environment(_as_html, autoescape=True)
    env.globals |= {"counted": counted}
    env.filters |= {"cleaned": lambda text: Words(clean(text, 300)), "short": lambda text: Words(clean(text, 20))}
    return env


def _environment(printer: Printer, *, autoescape: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(resources.find("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=autoescape,
        finalize=printer,
    )


def _as_markdown(value: Any, width: int) -> str:
    if isinstance(value, tuple):
        return "".join(_as_markdown(part, width) for part in value)
    return str(value) if isinstance(value, Words | int) else _span(str(value), width)


def _as_html(value: Any) -> Markup:
    if isinstance(value, tuple):
        return Markup("").join(map(_as_html, value))
    if isinstance(value, Markup):  # what a block or an include has escaped already
        return value
    if isinstance(value, Words | int | float):
        return escape(value)
    text = clean(str(value), 200).strip()
    return Markup("<code>{}</code>").format(text) if text else Markup("–")


def _word(text: str) -> Words:
    """For the marker, whose values the model has checked to be of letters, digits and dots."""
    return Words(text)


def _link(text: str, address: Words) -> Words:
    return Words(f"[{_span(text)}]({address})") if address else _span(text)


def _span(text: str, width: int = LIMIT) -> Words:
    return Words(code(text, width).replace("\\|", _PIPE))


def _piped(text: str) -> str:
    """Escape the bars of code spans where they stand in a table; elsewhere the backslash would show."""
    return "\n".join(line.replace(_PIPE, "\\|" if line.startswith("|") else "|") for line in text.split("\n"))
