"""Every form of a report, each printed from the report alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mlcicd.errors import UsageError
from mlcicd.runtime.report import document, junit, openmetrics, render
from mlcicd.runtime.report.model import Report

FORMS: Mapping[str, Callable[[Report], str]] = {
    "terminal": lambda report: render.terminal(report) + "\n",
    "markdown": render.markdown,
    "html": render.html,
    "junit": junit.junit,
    "openmetrics": openmetrics.openmetrics,
    "json": document.dump,
}


def again(config: Path, source: Path | None, form: str | None, *, templates: bool) -> str:
    """Return what `--from`, `--format` and `--templates` ask for together.

    Args:
        config: the configuration whose `report.templates` lay blocks out.
        source: a report.json.
        form: one of `FORMS`; when None, a few lines for a terminal, and markdown with templates.
        templates: use those templates.

    Raises:
        UsageError: when they do not go together, the file is no report, or a template cannot be used.
    """
    if source is None:
        option = "--templates" if form is None else "--format"
        raise UsageError(f"{option} goes with --from", hint="the report itself is written in every form")
    if templates and form not in (None, "markdown"):
        raise UsageError("--templates lay out markdown, and no other form", hint="leave --format out")
    return tried(source, config) if templates else printed(source, form or "terminal")


def printed(path: Path, form: str) -> str:
    """Return the report of a report.json in one of `FORMS`.

    Raises:
        UsageError: when the file is no report.
    """
    return FORMS[form](document.load(path))


def tried(path: Path, config: Path) -> str:
    """Return the report of a report.json as markdown, by the templates that a configuration names, as they are here.

    Raises:
        UsageError: when the file is no report, or a template cannot be used.
    """
    from mlcicd.runtime.report import custom

    report = document.load(path)
    return render.markdown(report, own=custom.tried(report, config))
