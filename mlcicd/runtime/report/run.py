"""The verb `report`: collect, build, write every form of the report."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcicd.errors import Refused
from mlcicd.runtime import base, facts, project
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.report import build, document, junit, openmetrics, plotted, provenance, render, sections, words
from mlcicd.runtime.report.build import Collected
from mlcicd.runtime.report.collect import collect
from mlcicd.runtime.report.model import Report


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
    found = _with_context(collect(config, explicit_base, metric_files, ci, say), config)
    sha = ci.sha if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", ci.sha) else base.commit(Path(), "HEAD")
    made = build.build(found, ci, sha)
    complete = build.whole(made, found)
    texts = {
        "report.json": document.dump(made),
        "report.md": render.markdown(made),
        "report.html": render.html(complete, plotted.pictures(found.plots, found.base.sha)),
        "junit.xml": junit.junit(made),
        "metrics.txt": openmetrics.openmetrics(complete),
    }
    # Only our own folder hides itself from git: another one may hold more than the report.
    if output == facts.FOLDER:
        facts.make(output)
    output.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (output / name).write_text(text, encoding="utf-8")
    summarize(ci, render.summary(complete))
    return Written(report=made, files=tuple(output / name for name in texts))


def _with_context(found: Collected, config: Path) -> Collected:
    """Add what the project says itself, and which data both sides are of."""
    own = project.load(config)
    data, texts = provenance.data(own.root, found.base.sha), sections.read(own)
    units = () if found.smoke else provenance.units(found.change, found.before)
    notices = (*found.notices, *data.notices, *units, *texts.notices)
    return dataclasses.replace(found, revision=data.revision, sections=texts.sections, notices=notices)


def summarize(ci: Ci, markdown: str) -> None:
    """Append to what the platform shows as the run's summary, where it has such a thing."""
    if ci.summary:
        with ci.summary.open("a", encoding="utf-8") as stream:
            stream.write(markdown + "\n")
