"""Every form of a report, each printed from the report alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

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


def printed(path: Path, form: str) -> str:
    """Return the report of a report.json in one of `FORMS`.

    Raises:
        UsageError: when the file is no report.
    """
    return FORMS[form](document.load(path))
