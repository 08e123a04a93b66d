"""The verb `report`: collect, build, write every form of the report."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcicd.errors import Refused
from mlcicd.runtime import base, facts
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.report import junit, render, words
from mlcicd.runtime.report.build import build
from mlcicd.runtime.report.collect import collect
from mlcicd.runtime.report.document import dump
from mlcicd.runtime.report.model import Report

MAX_SUMMARY = 900_000  # bytes; a platform drops a summary of more than 1 MiB


@dataclass(frozen=True, kw_only=True)
class Written:
    """A report and the files that it became."""

    report: Report
    files: tuple[Path, ...]

    def raise_for_state(self) -> None:
        """Refuse when the report says no.

        Raises:
            Refused: when a gate, the data, the tests or the training failed, or a job left nothing.
        """
        if self.report.state in ("fail", "error"):
            raise Refused("the report says no: " + render.plain(words.title(self.report)), hint=f"read {self.files[2]}")


def report(
    config: Path,
    explicit_base: str,
    metric_files: Sequence[str],
    output: Path,
    ci: Ci,
    say: Callable[[str], None] = lambda line: None,
) -> Written:
    """Make the report of what the jobs left in `.mlcicd/`, and write it to `output` and to the run's summary."""
    found = collect(config, explicit_base, metric_files, ci, say)
    sha = ci.sha if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", ci.sha) else base.commit(Path(), "HEAD")
    made = build(found, ci, sha)
    texts = {
        "report.json": dump(made),
        "report.md": render.markdown(made),
        "report.html": render.html(made),
        "junit.xml": junit.junit(made),
    }
    # Only our own folder hides itself from git: another one may hold more than the report.
    if output == facts.FOLDER:
        facts.make(output)
    output.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (output / name).write_text(text, encoding="utf-8")
    summarize(ci, render.markdown(made, limit=MAX_SUMMARY))
    return Written(report=made, files=tuple(output / name for name in texts))


def summarize(ci: Ci, markdown: str) -> None:
    """Append to what the platform shows as the run's summary, where it has such a thing."""
    if ci.summary:
        with ci.summary.open("a", encoding="utf-8") as stream:
            stream.write(markdown + "\n")
