"""The report as JUnit, which CI systems show without a token: one case per gate, slice and job."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from mlcicd.runtime.markdown import clean
from mlcicd.runtime.report import headline, ruling, troubles, words
from mlcicd.runtime.report.model import Report
from mlcicd.runtime.report.render import plain
from mlcicd.runtime.verdict import Verdict

NAME = 200  # characters


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
    cases = list(_unique(_cases(report)))
    suite = Xml.Element(
        "testsuite",
        name="mlcicd",
        tests=str(len(cases)),
        failures=str(sum(bool(case.failure) for case in cases)),
        errors=str(sum(bool(case.error) for case in cases)),
        skipped=str(sum(bool(case.skipped) for case in cases)),
    )
    for case in cases:
        element = Xml.SubElement(suite, "testcase", classname=f"mlcicd.{case.group}", name=case.name)
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
        yield Case(group="report", name="base", error=plain(headline.trouble(report, base)))
    if removed := bad.get(("removed", 0)):
        yield Case(group="report", name="configuration", failure=plain(headline.trouble(report, removed)))
    for kind, found in jobs:
        if found is not None:
            trouble = next((trouble for trouble in bad.values() if trouble.kind == kind), None)
            said = plain(headline.trouble(report, trouble)) if trouble else ""
            yield Case(
                group="job",
                name=kind,
                error=said if trouble and trouble.error else "",
                failure="" if trouble and trouble.error else said,
            )
    for index, step in enumerate(report.steps):
        said = plain(headline.trouble(report, bad["step", index])) if step.failed else ""
        yield Case(group="step", name=step.name, failure=said)
    for index, name in enumerate(report.missing):
        yield Case(group="job", name=name, error=plain(headline.trouble(report, bad["missing", index])))
    for index, item in enumerate(report.outdated):
        if not item.used:
            yield Case(group="job", name=item.job, error=plain(headline.trouble(report, bad["outdated", index])))
    for verdict in report.gates:
        yield from _slices(verdict) if verdict.slices and verdict.status != "error" else [_gate(verdict)]
    if open_ := bad.get(("self-test", 0)):
        yield Case(group="gate", name="self-test", error=plain(headline.trouble(report, open_)))


def _gate(verdict: Verdict) -> Case:
    by = f" by {verdict.column}" if verdict.column else ""
    said = plain(ruling.gate(verdict)) if verdict.status != "pass" else ""
    return _case(verdict, _name(verdict) + by, verdict.status, said)


def _slices(verdict: Verdict) -> Iterator[Case]:
    """Yield a case for each slice: which one is the worst may differ from run to run."""
    for one in verdict.slices:
        status = "overridden" if verdict.status == "overridden" and one.status == "fail" else one.status
        said = plain(ruling.of_slice(verdict, one)) if one.status != "pass" else ""
        yield _case(verdict, f"{_name(verdict)} in {one.name}", status, said)


def _case(verdict: Verdict, name: str, status: str, said: str) -> Case:
    return Case(
        group="gate" if verdict.source == "base" else "gate-of-this-change",
        name=name,
        failure=said if status == "fail" else "",
        error=said if status == "error" else "",
        skipped=said if status in ("no-base", "waiting", "few", *words.UNDECIDED) else "",
    )


def _name(verdict: Verdict) -> str:
    return f"{verdict.metric} {plain(ruling.rule(verdict))}"


def _unique(cases: Iterable[Case]) -> Iterator[Case]:
    """Count what has the same name: readers keep one case of each."""
    seen: Counter[tuple[str, str]] = Counter()
    for case in cases:
        name = clean(case.name, NAME)
        seen[case.group, name] += 1
        again = seen[case.group, name]
        yield dataclasses.replace(case, name=name if again == 1 else f"{name} ({again})")
