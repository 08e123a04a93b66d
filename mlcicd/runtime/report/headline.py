"""The verdict in words: the title, the one sentence a reviewer acts on, and what each trouble is."""

from __future__ import annotations

import re

from mlcicd.runtime.markdown import Words
from mlcicd.runtime.report import ruling, troubles
from mlcicd.runtime.report.model import InStep, Outdated, OwnStep, Report, Training
from mlcicd.runtime.report.numbers import counted, duration
from mlcicd.runtime.report.troubles import Trouble
from mlcicd.runtime.report.words import GROUPS, UNDECIDED, Sentence, listed

_DVC = re.compile(r"ERROR: ")
_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit)(?:: |$)")
_CALM = {
    "pass": Words("passed"),
    "no-baseline": Words("no baseline to compare with"),
    "smoke": Words("smoke training passed"),
}


def title(report: Report) -> Sentence:
    """Return the state in a few words."""
    found = [trouble for trouble in troubles.find(report) if not trouble.effect]
    if not found:
        if report.state == "inconclusive":
            return (_undecided(report),)
        return (Words("passed, nothing moved") if troubles.is_still(report) else _CALM[report.state],)
    first = found[0]
    if first.kind == "gate":
        return (_gates(found),)
    if first.kind == "missing":
        if report.missing[first.index] == "train" and _no_gpu(report):
            return (Words("no usable GPU"),)
        return (Words("incomplete: no result of "), report.missing[first.index])
    if first.kind == "step":
        return (*_step(report.steps[first.index]), Words(" failed"))
    return ({
        "base": Words("the base could not be found"),
        "removed": Words("checks were taken out"),
        "data": Words("data could not be fetched"),
        "status": Words("not in step"),
        "validation": Words("data validation failed"),
        "tests": Words("tests failed"),
        "training": Words("training failed"),
        "outdated": Words("evidence of another commit"),
        "self-test": Words("a gate that no model can fail"),
    }[first.kind],)  # fmt: skip


def alert(report: Report) -> Sentence:
    """Return the one sentence a reviewer acts on."""
    found = troubles.find(report)
    if found:
        more = len([trouble for trouble in found[1:] if not trouble.effect])
        rest = Words(f" And {counted(more, 'more problem')}, below.") if more else Words("")
        return (*trouble(report, found[0]), Words("."), rest)
    if report.state == "smoke":
        return _smoke(report)
    if report.state == "inconclusive":
        return _inconclusive(report)
    judged = [verdict for verdict in report.gates if verdict.status == "pass"]
    gates = Words(f"{counted(len(judged), 'gate')} passed") if judged else Words("Nothing failed; no gate was judged")
    if report.state == "no-baseline":
        waiting = len(report.gates) - len(judged)
        open_ = Words(f" Not judged without one: {counted(waiting, 'gate')}.") if waiting else Words("")
        why = report.base_found or "no commit"
        return (Words("There is no baseline to compare with: "), why, Words(". "), gates, Words("."), open_)
    checks = sum(checkpoint.passed for checkpoint in report.validation.checkpoints) if report.validation else 0
    still = Words(" No stage had to run; no metric, parameter or data differs from the base.")
    met = Words(f", {counted(checks, 'data expectation')} met.") if checks else Words(".")
    return (gates, met, still if troubles.is_still(report) else Words(""))


def _inconclusive(report: Report) -> Sentence:
    first, *others = [verdict for verdict in report.gates if verdict.status in UNDECIDED]
    more = Words(f" And {counted(len(others), 'more gate')}, below.") if others else Words("")
    return (*ruling.gate(first), Words("."), more)


def _smoke(report: Report) -> Sentence:
    named = listed(report.training.smoke) if report.training else ()
    waiting = len(report.gates)
    gates = f"{counted(waiting, 'gate')} {'waits' if waiting == 1 else 'wait'} for" if waiting else "No gate waits for"
    return (
        Words("The code trains. This was a smoke training ("),
        *named,
        Words(f"), so its metrics say nothing. {gates} the full training."),
    )


def trouble(report: Report, found: Trouble) -> Sentence:
    """Return what is wrong, without a full stop."""
    if found.kind == "base":
        return (Words("The base could not be found, so its gates are unknown: "), report.base_found)
    if found.kind == "removed":
        names = next(item.names for item in report.notices if item.kind == "sections-removed")
        return (Words("This change takes out of the configuration what the base asks for: "), *listed(names))
    if found.kind == "data" and report.data:
        return (Words("The data could not be fetched: "), report.data.error)
    if found.kind == "status" and report.status:
        return _status(report.status)
    if found.kind == "validation":
        return _validation(report)
    if found.kind == "tests":
        return _tests(report)
    if found.kind == "step":
        return _failed_step(report, report.steps[found.index])
    if found.kind == "training" and report.training:
        return _training(report.training)
    if found.kind == "missing":
        job = report.missing[found.index]
        if job == "train" and (problem := _no_gpu(report)):
            return (Words("Training did not begin, for there is no usable GPU: "), problem)
        why = "it was not started" if found.effect else "it was cancelled, ran out of time or could not start"
        return (Words("The job "), job, Words(f" left no result: {why}"))
    if found.kind == "outdated":
        return _outdated(report.outdated[found.index])
    if found.kind == "self-test" and report.self_test:
        return (Words("The worst model there can be would pass these gates: "), *listed(report.self_test.open))
    return ruling.gate(report.gates[found.index])


def _no_gpu(report: Report) -> str:
    """Return why training, which needs a GPU, had none; "" when that is not so."""
    return report.gpu.problem if report.gpu and report.gpu.need == "required" else ""


def _outdated(item: Outdated) -> Sentence:
    made = f" left was made at the commit {item.sha[:7]}, which is not the one of this run, so it is not used"
    return (Words("What the job "), item.job, Words(made))


def _gates(found: list[Trouble]) -> Words:
    failed = len([trouble for trouble in found if trouble.kind == "gate" and not trouble.error])
    broken = len([trouble for trouble in found if trouble.kind == "gate" and trouble.error])
    parts = [
        counted(failed, "gate") + " failed" if failed else "",
        counted(broken, "gate") + " not judged" if broken else "",
    ]
    return Words(", ".join(part for part in parts if part))


def _undecided(report: Report) -> Words:
    counts = {status: sum(verdict.status == status for verdict in report.gates) for status in UNDECIDED}
    return Words(", ".join(f"{counted(count, 'gate')} {status}" for status, count in counts.items() if count))


def _status(status: InStep) -> Sentence:
    if status.error:
        return (Words("Whether all is in step could not be told: "), status.error)
    if status.stale:
        first, more = status.stale[0], len(status.stale) - 1
        why = (Words(" ("), first.why[0], Words(")")) if first.why else ()
        rest = Words(f", and {counted(more, 'more')}".removesuffix("s") if more else "")
        return (Words("Not in step with the lock: "), first.name, *why, rest)
    return (Words("The DVC remote lacks what the lock names: "), *listed(status.missing[:3]))


def _validation(report: Report) -> Sentence:
    checkpoints = report.validation.checkpoints if report.validation else ()
    for checkpoint in checkpoints:
        if checkpoint.error:
            group = GROUPS[checkpoint.kind]
            return (Words(f"{group} ".capitalize()), checkpoint.name, Words(" could not be judged: "), checkpoint.error)
    for checkpoint in checkpoints:
        for item in checkpoint.expectations:
            if not item.success and item.severity == "critical":
                column = (Words(" on column "), item.column) if item.column else ()
                said = item.error or item.observed
                observed = (Words(" (observed "), said, Words(")")) if said else ()
                return (
                    Words("Data validation failed: "),
                    item.type,
                    *column,
                    Words(f" in {GROUPS[checkpoint.kind]} "),
                    checkpoint.name,
                    *observed,
                )
    return (
        Words("Data validation failed: "),
        (report.validation.error if report.validation else "") or "no expectation is named",
    )


def _tests(report: Report) -> Sentence:
    tests = report.tests
    if tests is None or tests.failed < 1:
        return (
            Words("Tests failed: "),
            tests.command if tests else "",
            Words(f" ended with exit status {tests.exit if tests else 1}"),
        )
    total = tests.passed + tests.failed
    first = (Words(", first "), tests.failures[0]) if tests.failures else ()
    return (Words(f"{tests.failed} of {counted(total, 'test')} failed"), *first)


def _step(step: OwnStep) -> Sentence:
    return (Words("the job " if step.when == "job" else "the step "), step.name)


def _failed_step(report: Report, step: OwnStep) -> Sentence:
    what, name = _step(step)
    place = f" {step.when} {step.stage}" if step.stage else ""
    ended = f" ended with exit status {step.exit} after {duration(step.seconds)}"
    stopped = f", so {step.stage} did not run" if step.stage in report.missing else ""
    return (Words(what.capitalize()), name, Words(place + ended + stopped), *_last_line(step.tail))


def _last_line(tail: tuple[str, ...]) -> Sentence:
    said = [line for line in tail if line.strip() and not _DVC.match(line)] or [line for line in tail if line.strip()]
    # A program's own exception says more than what is printed while everything around it ends.
    last = next((line for line in reversed(said) if _EXCEPTION.match(line)), said[-1] if said else "")
    return (Words("; its last line is "), last) if last else ()


def _training(training: Training) -> Sentence:
    if training.timed_out:
        limit = duration(training.seconds)
        return (Words("Training ran out of time: "), training.command, Words(f" was ended after {limit}"))
    return (
        Words("Training failed: "),
        training.command,
        Words(f" ended with exit status {training.exit} after {duration(training.seconds)}"),
        *_last_line(training.tail),
    )
