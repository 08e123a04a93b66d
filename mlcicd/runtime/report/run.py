"""The verb `report`: collect, build, write every form of the report."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mlcicd import secrets
from mlcicd.errors import Refused
from mlcicd.runtime import base, facts, project, redact
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.report import (
    build,
    custom,
    document,
    headline,
    junit,
    openmetrics,
    plotted,
    provenance,
    render,
    sections,
    shorten,
)
from mlcicd.runtime.report.build import Collected
from mlcicd.runtime.report.collect import collect
from mlcicd.runtime.report.model import Report


@dataclass(frozen=True, kw_only=True)
class Written:
    """A report and the files that it became."""

    report: Report
    files: tuple[Path, ...]

    @property
    def told(self) -> str:
        """The verdict and the gates in a few lines, and where the rest is."""
        return f"{render.terminal(self.report)}\nwritten: {' '.join(map(str, self.files))}"

    def raise_for_state(self) -> None:
        """Refuse when the report says no.

        Raises:
            Refused: when a gate, the data, the tests or the training failed, or a job left nothing.
        """
        if self.report.state in ("fail", "error"):
            raise Refused(
                "the report says no: " + render.plain(headline.title(self.report)), hint=f"read {self.files[2]}"
            )


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
    templates = custom.at_commit(found.base.sha, config)
    found = _with_context(found, config, templates)
    sha = ci.sha if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", ci.sha) else base.commit(Path(), "HEAD")
    redactor = secrets.redactor()
    make = partial(build.build, ci=ci, sha=sha)
    pictures = plotted.pictures(found.plots, found.base.sha)
    leaky = [name for name, raw in pictures.items() if redactor.holds(raw)]
    made, found = _made(found, make, redactor, [f"{name} (left out)" for name, _ in leaky])
    own = custom.lay_out(made, templates)
    if own.failures:
        found = dataclasses.replace(found, notices=(*custom.failed(own), *found.notices))
        made, _ = redact.record(make(found), redactor)
    complete, _ = redact.record(build.whole(made, found), redactor)
    texts = {
        "report.json": document.dump(made),
        "report.md": redactor.hide(render.markdown(made, own=own.blocks)),
        "report.html": render.html(complete, {name: raw for name, raw in pictures.items() if name not in leaky}),
        "junit.xml": junit.junit(made),
        "metrics.txt": openmetrics.openmetrics(complete),
    }
    # Only our own folder hides itself from git: another one may hold more than the report.
    if output == facts.FOLDER:
        facts.make(output)
    output.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (output / name).write_text(text, encoding="utf-8")
    summarize(ci, redactor.hide(render.summary(complete, own.blocks)))
    return Written(report=made, files=tuple(output / name for name in texts))


def _made(
    found: Collected, make: Callable[[Collected], Report], redactor: secrets.Redactor, files: Sequence[str]
) -> tuple[Report, Collected]:
    """Make the report without secrets; when there were some, it says where, and so does what it was made of.

    `files` are those that are left out because of one.
    """
    made, count = redact.record(make(found), redactor)
    here = (f"{count} text{'s' * (count > 1)} of this report",) if count else ()
    where = (*here, *files, *(found.training.hidden if found.training else ()))
    if not where:
        return made, found
    told = dataclasses.replace(found, notices=(shorten.notice("secrets", *where), *found.notices))
    return redact.record(make(told), redactor)[0], told


def _with_context(found: Collected, config: Path, templates: custom.Found) -> Collected:
    """Add what the project says itself, and which data both sides are of."""
    own = project.load(config)
    data, texts = provenance.data(own.root, found.base.sha), sections.read(own)
    units = () if found.smoke else provenance.units(found.change, found.before)
    altered = custom.altered(own.config, found.base.sha, templates)
    notices = (*found.notices, *data.notices, *units, *texts.notices, *altered)
    return dataclasses.replace(found, revision=data.revision, sections=texts.sections, notices=notices)


def summarize(ci: Ci, markdown: str) -> None:
    """Append to what the platform shows as the run's summary, where it has such a thing."""
    if ci.summary:
        with ci.summary.open("a", encoding="utf-8") as stream:
            stream.write(markdown + "\n")
