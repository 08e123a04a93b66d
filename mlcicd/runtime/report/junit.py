"""The report as JUnit, which CI systems show without a token: one case per gate and per job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from mlcicd.runtime.markdown import clean
from mlcicd.runtime.report import troubles, words
from mlcicd.runtime.report.model import Report
from mlcicd.runtime.report.render import plain


@dataclass(frozen=True, kw_only=True)
class Case:
    """One test case: `failure` and `error` are messages, `skipped` is a reason; all empty when it passed."""

    group: str
    name: str
    failure: str = ""
    error: str = ""
    skipped: str = ""


def junit(report: Report) -> str:
    """Return the report as a JUnit document."""
    cases = list(_cases(report))
    suite = Xml.Element(
        "testsuite",
        name="mlcicd",
        tests=str(len(cases)),
        failures=str(sum(bool(case.failure) for case in cases)),
        errors=str(sum(bool(case.error) for case in cases)),
        skipped=str(sum(bool(case.skipped) for case in cases)),
    )
    for case in cases:
        element = Xml.SubElement(suite, "testcase", classname=f"mlcicd.{case.group}", name=clean(case.name, 200))
        for kind, message in (("failure", case.failure), ("error", case.error), ("skipped", case.skipped)):
            if message:
                Xml.SubElement(element, kind, message=clean(message, 500))
    return Xml.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _cases(report: Report) -> Iterator[Case]:
    bad = {(trouble.kind, trouble.index): trouble for trouble in troubles.find(report)}
    jobs = (
        ("data", report.data),
        ("status", report.status),
        ("tests", report.tests),
        ("validation", report.validation),
        ("training", report.training),
    )
    if base := bad.get(("base", 0)):
        yield Case(group="report", name="base", error=plain(words.trouble(report, base)))
    if removed := bad.get(("removed", 0)):
        yield Case(group="report", name="configuration", failure=plain(words.trouble(report, removed)))
    for kind, found in jobs:
        if found is not None:
            trouble = next((trouble for trouble in bad.values() if trouble.kind == kind), None)
            said = plain(words.trouble(report, trouble)) if trouble else ""
            yield Case(
                group="job",
                name=kind,
                error=said if trouble and trouble.error else "",
                failure="" if trouble and trouble.error else said,
            )
    for index, name in enumerate(report.missing):
        yield Case(group="job", name=name, error=plain(words.trouble(report, bad["missing", index])))
    for verdict in report.gates:
        said = plain(words.gate(verdict)) if verdict.status != "pass" else ""
        yield Case(
            group="gate",
            name=f"{verdict.metric} {plain(words.rule(verdict))}",
            failure=said if verdict.status == "fail" else "",
            error=said if verdict.status == "error" else "",
            skipped=said if verdict.status in ("no-base", "waiting", *words.UNDECIDED) else "",
        )
