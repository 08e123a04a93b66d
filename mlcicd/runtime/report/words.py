"""All sentences of the report, in one place. Every printer (markdown, HTML, terminal) prints these.

A sentence is a tuple: `Words` stand as they are, every other text is from outside and gets escaped.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlcicd.runtime.evidence import Method
from mlcicd.runtime.gate import Verdict
from mlcicd.runtime.markdown import Words
from mlcicd.runtime.report import troubles
from mlcicd.runtime.report.model import InStep, Metric, Notice, Report, Revision, Training
from mlcicd.runtime.report.numbers import counted, difference, duration, number, size
from mlcicd.runtime.report.troubles import Trouble

Sentence = tuple[str, ...]

ICONS = {
    "pass": Words("✅"),
    "fail": Words("❌"),
    "error": Words("❌"),
    "no-base": Words("⚪"),
    "waiting": Words("⚪"),
    "smoke": Words("⚪"),
    "no-baseline": Words("⚪"),
    "inconclusive": Words("⚠️"),
    "overridden": Words("⚠️"),
    "warning": Words("⚠️"),
}
ALERTS = {
    "pass": Words("TIP"),
    "fail": Words("CAUTION"),
    "error": Words("CAUTION"),
    "no-baseline": Words("NOTE"),
    "smoke": Words("NOTE"),
    "inconclusive": Words("WARNING"),
}
STATUS = {
    "pass": Words("pass"),
    "fail": Words("fail"),
    "error": Words("error"),
    "no-base": Words("no base"),
    "waiting": Words("waits"),
    "inconclusive": Words("inconclusive"),
    "overridden": Words("overridden"),
}
ARROWS = {"higher": Words(" ↑"), "lower": Words(" ↓"), "": Words("")}
READING_ICONS = {"better": Words("🟢 "), "worse": Words("🔴 "), "small": Words("⚪ "), "unclear": Words("⚪ ")}
READINGS = {
    "better": Words("better"),
    "worse": Words("worse"),
    "changed": Words("changed"),
    "small": Words("too small to matter"),
    "unclear": Words("no evidence of change"),
    "single": Words("one run each"),
    "same": Words("same"),
    "": Words("–"),
}
UNDECIDED = ("inconclusive", "overridden")
# What a group of checks is called before its name.
GROUPS = {
    "checkpoint": Words("checkpoint"),
    "suite": Words("suite of"),
    "checks": Words("checks of"),
    "split": Words("split"),
    "scan": Words("scan of"),
}

ONE_RUN = Words(
    "One run on each side: a difference of this size can be noise, so it is called neither better nor worse."
)


_CALM = {
    "pass": Words("passed"),
    "no-baseline": Words("no baseline to compare with"),
    "smoke": Words("smoke training passed"),
}


FEW_SEEDS = 5
MANY_READINGS = 10


def comparison(report: Report) -> Words:
    """Return what the difference of two numbers is worth."""
    runs = max((len(metric.seeds) for metric in report.metrics), default=0)
    return (
        Words(ONE_RUN.replace("One run on each side", f"{runs} seeds here, one run at the base")) if runs else ONE_RUN
    )


def evidence(metrics: Sequence[Metric]) -> list[Words]:
    """Return how the intervals were found, one sentence for each way, and what they leave out."""
    known = {(metric.interval.method, metric.interval.n) for metric in metrics if metric.interval}
    found = [_method(method, n) for method, n in sorted(known)]
    if sum(metric.interval is not None for metric in metrics) >= MANY_READINGS:
        found.append(Words("Each is read alone: of 20 metrics without a change, one seems better or worse by chance."))
    if any(metric.margin for metric in metrics if metric.interval):
        found.append(Words("A difference that report.margins calls too small to matter is called neither."))
    return found


def _method(method: Method, n: int) -> Words:
    noise = "test-set noise only; training noise not measured"
    rough = ": fewer than 5, so it is rough" if n < FEW_SEEDS else ""
    return Words({
        "paired-t": f"95 % interval of the difference over {n} seeds, in pairs{rough}.",
        "welch-t": f"95 % interval of the difference over {n} seeds on each side{rough}.",
        "bootstrap": f"95 % interval from {n:,} examples or groups, resampled in pairs: {noise}.",
        "paired-mean": f"95 % interval from {n:,} examples or groups, in pairs: {noise}.",
        "history": f"95 % interval against the mean of the last {n} values of the base branch on the same data.",
    }[method])  # fmt: skip


def revision(found: Revision) -> Sentence:
    """Return which data the change is of, and whether the base has the same."""
    same = "as at the base" if found.base == found.change else "changed" if found.base else ""
    return (found.change[:8], Words(f" ({same})" if same else ""))


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
        return (Words("incomplete: no result of "), report.missing[first.index])
    return ({
        "base": Words("the base could not be found"),
        "removed": Words("checks were taken out"),
        "data": Words("data could not be fetched"),
        "status": Words("not in step"),
        "validation": Words("data validation failed"),
        "tests": Words("tests failed"),
        "training": Words("training failed"),
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
    return (*gate(first), Words("."), more)


def _smoke(report: Report) -> Sentence:
    named = _list(report.training.smoke) if report.training else ()
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
        return (Words("This change takes out of the configuration what the base asks for: "), *_list(names))
    if found.kind == "data" and report.data:
        return (Words("The data could not be fetched: "), report.data.error)
    if found.kind == "status" and report.status:
        return _status(report.status)
    if found.kind == "validation":
        return _validation(report)
    if found.kind == "tests":
        return _tests(report)
    if found.kind == "training" and report.training:
        return _training(report.training)
    if found.kind == "missing":
        why = "it was not started" if found.effect else "it was cancelled, ran out of time or could not start"
        return (Words("The job "), report.missing[found.index], Words(f" left no result: {why}"))
    return gate(report.gates[found.index])


def gate(verdict: Verdict) -> Sentence:
    """Return why a gate does not pass."""
    named = (verdict.metric, Words(" in "), verdict.slice) if verdict.slice else (verdict.metric,)
    if verdict.status == "overridden":
        return (*named, Words(f" does not pass ({verdict.was}), overridden by "), verdict.by, Words(": "), verdict.why)
    if verdict.low is not None:
        return (*named, *_by_interval(verdict))
    if verdict.status != "fail":
        return (*named, Words(" could not be judged: "), *outcome(verdict))
    value, bound = number(verdict.value, verdict.bound), number(verdict.bound, verdict.value)
    if verdict.rule in ("min", "max"):
        side = "at least" if verdict.rule == "min" else "at most"
        return (*named, Words(f" is {value}, the gate asks for {side} {bound}"))
    moved = abs((verdict.value or 0) - (verdict.base or 0))
    verb = "fell" if verdict.rule == "max-drop" else "rose"
    before, after = number(verdict.base, verdict.value), number(verdict.value, verdict.base)
    far, allowed = number(moved, verdict.bound), number(verdict.bound, moved)
    return (*named, Words(f" {verb} by {far}, from {before} to {after}; the gate allows {allowed}"))


def _by_interval(verdict: Verdict) -> Sentence:
    allowed, verb = number(verdict.bound), "fell" if verdict.rule == "max-drop" else "rose"
    where = f"the 95 % interval of the difference is {interval(verdict.low, verdict.high)}"
    if verdict.status == "fail" and verdict.cause != "inconclusive":
        return (Words(f" {verb} by more than {allowed}, which is all that the gate allows: {where}"),)
    moved = "fallen" if verdict.rule == "max-drop" else "risen"
    return (Words(f" may have {moved} by more than the {allowed} that the gate allows: {where}{_needed(verdict)}"),)


def _needed(verdict: Verdict) -> str:
    unit = {"paired-t": "seeds", "welch-t": "seeds on each side"}.get(verdict.method or "", "examples")
    return f"; about {verdict.needed:,} {unit} would tell" if verdict.needed else ""


def interval(low: float | None, high: float | None) -> Words:
    """Return both ends of a difference, with their signs."""
    return Words(f"{difference(0.0, low)} … {difference(0.0, high)}")


def rule(verdict: Verdict) -> Sentence:
    """Return what a gate asks for."""
    bound = number(verdict.bound, verdict.value)
    side = {"min": f"≥ {bound}", "max": f"≤ {bound}"}
    if verdict.rule in side:
        return (Words(side[verdict.rule]),)
    way = "below" if verdict.rule == "max-drop" else "above"
    return (Words(f"at most {bound} {way} base"),) if verdict.against == "base" else (
        Words(f"at most {bound} {way} "), verdict.against,
    )  # fmt: skip


def outcome(verdict: Verdict) -> Sentence:
    """Return the metric's value, or why it says nothing."""
    value = number(verdict.value, verdict.bound)
    because = (Words(" ("), verdict.reason, Words(")")) if verdict.reason else ()
    if verdict.cause == "missing":
        likely = (Words(", did you mean "), verdict.likely, Words("?")) if verdict.likely else (Words("."),)
        known = (Words(" Known: "), *_list(verdict.names)) if verdict.names else (Words(" No metric is known at all"),)
        return (Words("no such metric"), *because, *likely, *known)
    between = Words(f" (Δ {interval(verdict.low, verdict.high)}{_needed(verdict)})")
    known = (value,) if verdict.low is None else (value, between)
    if verdict.status == "overridden":
        return (*known, Words("; overridden by "), verdict.by, Words(": "), verdict.why)
    return {
        "": known,
        "inconclusive": known,
        "no-reference": (verdict.against, Words(" could not be found"), *because),
        "no-slices": (Words("there are no slices to judge"), *because),
        "few-rows": (Words("no value of "), verdict.slice, Words(f" has {verdict.count:,} rows")),
        "ambiguous": (Words("several files have it: write one of "), *_list(verdict.names)),
        "not-finite": (value, Words(" is not a number to judge")),
        "no-base": (value, Words("; there is no base to compare with")),
        "new": (value, Words("; the base does not have this metric")),
        "base-ambiguous": (Words("several files of the base have it: write one of "), *_list(verdict.names)),
        "base-unreadable": (Words("its value at the base could not be read"), *because),
        "base-not-finite": (Words("its value at the base is "), number(verdict.base)),
        "not-measured": (Words("nothing was measured, because training did not finish"),),
        "smoke": (Words("waits for the full training"),),
    }[verdict.cause]


def source(verdict: Verdict) -> Words:
    """Return whose configuration asks for it."""
    return Words("base branch") if verdict.source == "base" else Words("this change")


def notice(item: Notice) -> Sentence:
    """Return a notice as a sentence."""
    names = _list(item.names)
    return {
        "gates-changed": (
            Words("The gates are changed in this change. Both the base's and the new ones are judged: "),
            *names,
        ),
        "settings-changed": (Words("This change alters how it is examined: "), *names),
        "sections-removed": (Words("This change removes from the configuration: "), *names),
        "base-config": (
            Words("The base's configuration could not be read, so this change's own gates are judged: "),
            *names,
        ),
        "base-lost": (Words("Only the gates of this change itself are judged, for those of the base are unknown."),),
        "not-measured": (Words("Metric files in the repository are not used, because training did not finish."),),
        "no-metrics": (
            Words("No metric file is known: declare one in "),
            "dvc.yaml",
            Words(" or name it under "),
            "report.metrics",
        ),
        "facts": (Words("What a job left behind could not be read: "), *names),
        "dvc": (Words("DVC could not say everything: "), *names),
        "metric-code": (Words("Code that the metrics come from is changed in this change: "), *names),
        "outputs-changed": (Words("What counts as a metric or a plot is changed in this change: "), *names),
        "weak-gates": (Words("A far worse model would pass these gates too: "), *names),
        "seeds": (Words("Not used as repeated trainings: "), *names),
        "predictions": (Words("Predictions: "), *names),
        "overrides": (Words("An override could not be read: "), *names),
        "data-changed": (
            Words("The data is not that of the base, which moves metrics by itself. Changed: "),
            *names,
        ),
        "units": (
            Words("So far apart that a unit may have changed, which makes both sides incomparable: "),
            *names,
        ),
        "sections": (Words("Not all that the project adds to the report is here: "), *names),
        "cut": (Words("Too many to show all: "), *names),
        "dropped": (Words("Left out, because the report would be too large: "), *names),
        "fork": (Words("The code of a fork reported these numbers about itself; nothing here vouches for them."),),
    }[item.kind]


def hardware(training: Training) -> Words:
    """Return the machine in a few words; names of GPUs are printed elsewhere, as text from outside."""
    parts = [counted(training.cpus, "CPU") if training.cpus else "", size(training.memory) if training.memory else ""]
    return Words(", ".join(part for part in parts if part))


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
    return (Words("The DVC remote lacks what the lock names: "), *_list(status.missing[:3]))


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


def _training(training: Training) -> Sentence:
    if training.timed_out:
        limit = duration(training.seconds)
        return (Words("Training ran out of time: "), training.command, Words(f" was ended after {limit}"))
    last = next((line for line in reversed(training.tail) if line.strip()), "")
    said = (Words("; its last line is "), last) if last else ()
    return (
        Words("Training failed: "),
        training.command,
        Words(f" ended with exit status {training.exit} after {duration(training.seconds)}"),
        *said,
    )


def _list(names: tuple[str, ...]) -> Sentence:
    """Return names with commas between them."""
    return tuple(part for index, name in enumerate(names) for part in ((Words(", "), name) if index else (name,)))
