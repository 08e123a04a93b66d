"""What a reader has to know besides the verdict, in words: notices, and what the intervals are worth."""

from __future__ import annotations

from collections.abc import Sequence

from mlcicd.runtime.evidence import Method
from mlcicd.runtime.markdown import Words
from mlcicd.runtime.report.model import GpuCheck, Machine, Metric, Notice, Outdated, Report, SelfTest, Training
from mlcicd.runtime.report.numbers import size
from mlcicd.runtime.report.words import Sentence, hardware, listed

ONE_RUN = Words(
    "One run on each side: a difference of this size can be noise, so it is called neither better nor worse."
)
FEW_SEEDS = 5
MANY_READINGS = 10


def comparison(report: Report) -> Words:
    """Return what the difference of two numbers is worth."""
    if any(metric.reading == "untrained" for metric in report.metrics):
        return Words("The base was not trained as it is, so a difference from it is called neither better nor worse.")
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


def notice(item: Notice) -> Sentence:
    """Return a notice as a sentence."""
    names = listed(item.names)
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
        "base-untrained": (
            Words(
                "The base was not trained as it is, so nothing is called better or worse than its metrics, and gates "
                "against them are inconclusive. Since it was trained: "
            ),
            *names,
            Words(". Run "),
            "dvc repro",
            Words(" there and commit, or let CI do it: "),
            "train: {lock: propose}",
            Words("; "),
            "status: {}",
            Words(" refuses such a change before it is merged."),
        ),
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
        "plots": (Words("Plots that are not shown here: "), *names),
        "sections": (Words("Not all that the project adds to the report is here: "), *names),
        "secrets": (Words("Values of secrets are hidden in: "), *names),
        "templates": (Words("Of the team's own templates for this report: "), *names),
        "steps": (Words("Of another commit are steps of the team's own: "), *names),
        "cut": (Words("Too many to show all: "), *names),
        "dropped": (Words("Left out, because the report would be too large: "), *names),
        "fork": (Words("The code of a fork reported these numbers about itself; nothing here vouches for them."),),
    }[item.kind]


def outdated(item: Outdated) -> Sentence:
    """Return a warning that evidence is used which is not of this commit."""
    other = f"of the commit {item.sha[:7]}" if item.sha else "of another dvc.lock"
    return (
        Words("Evidence of another commit: what "),
        f"mlcicd {item.job}",
        Words(f" left here is {other}, so the report mixes two states. Run it again."),
    )


def machines(report: Report) -> Sentence:
    """Return what both sides were trained on, when the type of machine changed."""
    if report.base_machine is None or report.training is None:
        return ()
    return (
        Words("The type of machine changed, which moves times and memory by itself: base "),
        *machine(report.base_machine),
        Words("; this change "),
        *machine(report.training),
    )


def machine(found: Machine | Training, checked: GpuCheck | None = None) -> Sentence:
    """Return a machine, with the first of its GPUs: those that training could use, where they were checked."""
    if checked and checked.devices and not checked.problem:
        return (hardware(found), *_checked(checked))
    gpus = tuple(part for gpu in found.gpus[:2] for part in (Words(", "), gpu))
    return (hardware(found), *gpus)


def _checked(checked: GpuCheck) -> Sentence:
    gpus = tuple(
        part
        for gpu in checked.devices[:2]
        for part in (Words(", "), gpu.name, Words(f" ({size(gpu.memory)})" if gpu.memory > 0 else ""))
    )
    return (*gpus, Words(", driver "), checked.driver) if checked.driver else gpus


def no_gpu(training: Training | None) -> Sentence:
    """Return that training ran on the CPU, where a GPU was preferred."""
    if training is None or not training.no_gpu:
        return ()
    return (Words("Trained on the CPU, for there was no usable GPU: "), training.no_gpu)


def self_test(found: SelfTest | None) -> Words:
    """Return how the gates did when they were shown a far worse model."""
    if found is None or not found.closed:
        return Words("")
    did = (
        "1 gate was shown a far worse model and closed"
        if found.closed == 1
        else (f"{found.closed} gates were shown a far worse model and closed")
    )
    return Words(f"Self-test: {did}.")
