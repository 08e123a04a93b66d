"""A report as markdown and as a page. Templates lay out; what they print is escaped unless it is ours."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from mlcicd import resources
from mlcicd.runtime.markdown import Words, clean, code, fenced, tag
from mlcicd.runtime.report import charts
from mlcicd.runtime.report.model import Report
from mlcicd.runtime.report.numbers import counted
from mlcicd.runtime.report.view import view

MAX_COMMENT = 60_000  # bytes; every reading of the forges' limits allows that many
MAX_CHARTS = 3
# What goes first when the comment is too long; what remains always fits.
DROPPED = ("curves", "what changed", "tests", "in step", "data validation", "last lines", "most rows")

# The blocks of the comment in their order, each with what it shows and, when it can go, its name in `DROPPED`.
BLOCKS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "gates": (("gates",), ""),
    "metrics": (("metrics", "unread"), ""),
    "tail": (("tail",), "last lines"),
    "curves": (("charts_shown",), "curves"),
    "changes": (("params", "stages"), "what changed"),
    "status": (("status",), "in step"),
    "validation": (("validation",), "data validation"),
    "tests": (("tests",), "tests"),
}

Printer = Callable[[Any], str]


def markdown(report: Report, limit: int = MAX_COMMENT) -> str:
    """Return the comment, at most `limit` bytes of UTF-8: whole blocks are left out, and a line says which."""
    shown = view(report)
    laid_out = [(curve.title, charts.mermaid(curve)) for curve in report.curves[:MAX_CHARTS]]
    shown["charts_shown"] = [(title, chart) for title, chart in laid_out if chart]
    for count in range(len(DROPPED) + 1):
        dropped = DROPPED[:count]
        blocks = [
            block
            for block, (shows, name) in BLOCKS.items()
            if name not in dropped and any(shown[what] for what in shows)
        ]
        few = 1 if "most rows" in dropped else 5
        text = _markdown().get_template("report/report.md.j2").render(shown, blocks=blocks, dropped=dropped, few=few)
        if len(text.encode()) <= limit:
            break
    return text


def html(report: Report) -> str:
    """Return the whole report as one page that needs nothing but itself."""
    shown = view(report)
    shown["pictures"] = [picture for picture in map(charts.picture, report.curves) if picture]
    return _html().get_template("report/report.html.j2").render(shown)


def terminal(report: Report) -> str:
    """Return the verdict and the gates in a few lines."""
    shown = view(report)
    lines = [f"{shown['icon']} {plain(shown['title'])}", f"  {plain(shown['alert'])}"]
    rows = [tuple(plain(row[name]) for name in ("status", "metric", "rule", "outcome")) for row in shown["gates"]]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    lines += [
        "  " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([*lines, *(f"  note: {plain(item)}" for item in shown["notices"])])


def plain(value: Any) -> str:
    """Print a cell for a terminal."""
    if isinstance(value, tuple):
        return "".join(map(plain, value))
    return str(value) if isinstance(value, Words) else clean(str(value))


@functools.cache
def _markdown() -> ImmutableSandboxedEnvironment:
    env = _environment(_as_markdown, autoescape=False)
    env.globals |= {"link": _link, "fenced": fenced, "tag": tag, "counted": counted}
    env.filters |= {"word": _word, "ours": Words}
    return env


@functools.cache
def _html() -> ImmutableSandboxedEnvironment:
    env = _environment(_as_html, autoescape=True)
    env.globals |= {"counted": counted}
    env.filters |= {"cleaned": lambda text: Words(clean(text, 300))}
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


def _as_markdown(value: Any) -> str:
    if isinstance(value, tuple):
        return "".join(map(_as_markdown, value))
    return str(value) if isinstance(value, Words | int) else code(str(value))


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
    return Words(f"[{code(text)}]({address})") if address else code(text)
