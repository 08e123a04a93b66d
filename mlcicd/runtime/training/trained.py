"""What a training left: its facts, the results that go on to other jobs, and why it failed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlcicd import secrets
from mlcicd.config.model import Train
from mlcicd.errors import MlcicdError, Refused, UsageError
from mlcicd.runtime import metrics
from mlcicd.runtime.facts import Hardware, Stage, TrainFacts
from mlcicd.runtime.project import Project
from mlcicd.runtime.storage import locked, tracked
from mlcicd.runtime.training import copies, cost, crash, handover, params, repeat, seed_record
from mlcicd.runtime.training.copies import Copies
from mlcicd.runtime.training.params import Value
from mlcicd.runtime.training.repeat import Attempt
from mlcicd.runtime.training.trackers import Tracker
from mlcicd.runtime.training.usage import Gpus, Used

MAX_HELD = 10 * 1024 * 1024  # bytes of an output that git holds: more is nothing for git


@dataclass(frozen=True, kw_only=True)
class Training:
    """What one call of `train` is about.

    Attributes:
        overrides: parameters of a smoke training; empty in a full one.
        no_gpu: why it runs on the CPU although its runner prefers a GPU; "" otherwise.
        seeds: what to train with, in order.
        deadline: when it is ended, on the monotonic clock.
        declared: results that `dvc.yaml` declared before.
    """

    project: Project
    settings: Train
    command: str
    environ: Mapping[str, str]
    overrides: Mapping[str, Value]
    seeds: tuple[int | None, ...]
    deadline: float
    declared: Sequence[str]
    gpus: Gpus
    tracker: Tracker
    no_gpu: str = ""
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def smoke(self) -> tuple[str, ...]:
        """The parameters of a smoke training, as `name=value`."""
        return tuple(f"{name}={metrics.text(value)}" for name, value in self.overrides.items())


def record(training: Training, used: Used) -> TrainFacts:
    """Keep the results for the report's job, and return the facts."""
    project, last = training.project, training.attempts[-1]
    exit = repeat.status(training.attempts)

    def scrub(line: str) -> str:
        return secrets.hide(line, training.environ)

    seeds = repeat.facts(training.attempts)
    machine = _hardware(training.gpus.names)
    recorded = seed_record.write(project.root, seeds, machine) if not exit else []
    kept = handover.keep([*_results(project, training.declared), *recorded], project.root)
    states = {state for attempt in training.attempts for state in attempt.stages.states.values()}
    trained = not states or bool(states & {"run", "failed"})
    failed = [attempt for attempt in training.attempts if attempt.done.exit]
    seconds = round(sum(attempt.done.seconds for attempt in training.attempts), 3)
    return TrainFacts(
        command=training.command,
        exit=exit,
        seconds=seconds,
        cpu_seconds=used.cpu_seconds,
        peak_memory=used.memory,
        gpu_memory=used.gpu_memory,
        hardware=machine,
        timed_out=last.done.timed_out,
        smoke=training.smoke,
        no_gpu=training.no_gpu,
        cost=cost.of(project.config, training.settings.runner, seconds),
        seeds=seeds,
        stages=_graph(project, last),
        outputs=kept.files,
        hidden=kept.told,
        tracked=training.tracker.found(project.root, scrub=scrub, trained=trained),
        tail=secrets.lines(failed[-1].done.tail, training.environ) if exit else (),
    )


def refused(project: Project, command: str, error: MlcicdError) -> TrainFacts:
    """Return the facts of a training that could not begin, so that the report tells why."""
    tail = secrets.lines(error.message.splitlines(), project.environ())
    return TrainFacts(command=command, exit=error.exit_code, seconds=0, hardware=_hardware(), tail=tail)


def before(project: Project, settings: Train) -> Copies:
    """Copy what a repetition changes of what git holds: `dvc.lock` and the results, but no file of parameters."""
    report = project.config.report
    stages = _stages(project.root).values()
    asked = {file for stage in stages for file in stage.params} | set(report.params)
    seed = {params.split(settings.seed)[0]} if settings.seed else set()
    outs = [out for stage in stages for out in stage.held]
    found = (*report.metrics, *tracked.results(project.root), *outs)
    return copies.take(project.root, [path for path in found if path not in asked | seed])


def _graph(project: Project, attempt: Attempt) -> tuple[Stage, ...]:
    """Return the stages that DVC told of, each with those of them whose results it reads."""
    stages = attempt.stages.facts()
    names = {stage.name for stage in stages}
    try:
        needs = tracked.needs(tracked.read(project.root).stages) if stages else {}
    except UsageError:  # a lock that a stopped training left half-written; the report goes on without the graph
        needs = {}
    known = {stage.name: [name for name in needs.get(stage.name, ()) if name in names] for stage in stages}
    return tuple(stage.model_copy(update={"needs": tuple(known[stage.name])}) for stage in stages)


def summary(found: TrainFacts) -> str:
    """Return how it went, on one line."""
    states = [stage.state for stage in found.stages]
    counted = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    word = "training failed" if found.exit else "smoke training done" if found.smoke else "trained"
    gpu = f", {found.gpu_memory / 1024**2:,.0f} MiB on the GPU" if found.gpu_memory else ""
    seeds = f" with {len(found.seeds)} seeds" if found.seeds else ""
    return (
        f"{word}{seeds} in {found.seconds:.1f} s, {found.cpu_seconds:.1f} s of processor time, "
        f"peak {found.peak_memory / 1024**2:,.0f} MiB{gpu}" + (f"; stages: {counted}" if counted else "")
    )


def failure(training: Training, found: TrainFacts) -> Refused:
    """Say why, where, and what to do next."""
    attempt = [attempt for attempt in training.attempts if attempt.done.exit][-1]
    if attempt.done.timed_out:
        return _too_long(training, attempt)
    stages = attempt.stages.facts()
    failed = [stage.name for stage in stages if stage.state == "failed"]
    where = f" in stage {', '.join(failed)}" if failed else ""
    count = sum(bool(seed.exit) for seed in found.seeds)
    seeds = f" with {count} of {len(training.seeds)} seeds, at last" if count and not repeat.is_refusal(attempt) else ""
    cause, hint = crash.explain(
        attempt.done.exit, found.tail, ran=any(name in attempt.stages.seconds for name in failed)
    )
    told = f": {cause}" if cause else ""
    return Refused(f"training failed{seeds}{where} with exit status {attempt.done.exit}{told}", hint=hint)


def _too_long(training: Training, attempt: Attempt) -> Refused:
    name, done = attempt.stopped_in, len(training.attempts) - 1
    where = f", in stage {name} after {attempt.stages.seconds[name]:.0f} s of it" if name else ""
    seeds = f", after {done} of {len(training.seeds)} seeds" if attempt.seed is not None else ""
    return Refused(
        f"training was ended at its time limit of {training.settings.timeout}{seeds}{where}",
        hint="raise train.timeout, or train less (train.smoke on pull requests, a smaller train.repeat)"
        + ("" if attempt.seed is not None else "; the metrics that it wrote before are kept"),
    )


def _results(project: Project, declared: Sequence[str]) -> list[str]:
    """Return what the report and the lock's way back need: metrics and plots, `dvc.lock`, what git holds of outputs."""
    # A training that broke dvc.yaml still has the results that were declared before.
    with contextlib.suppress(UsageError):
        declared = tracked.results(project.root)
    outs = [out for stage in _stages(project.root).values() for out in stage.held]
    report = project.config.report
    predictions = [report.predictions.file] if report.predictions else []
    held = [out for out in (*outs, *predictions) if _size(project.root / out) <= MAX_HELD]
    named = [*report.metrics, *report.params, *report.sections]
    return [*named, *declared, *held, *tracked.files(project.root, "*dvc.lock")]


def _stages(root: Path) -> Mapping[str, locked.Locked]:
    """Return what the locks say of each stage; nothing when training broke one of DVC's files."""
    try:
        tracked.read(root)
    except UsageError:
        return {}
    return locked.read(root)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _hardware(gpus: tuple[str, ...] = ()) -> Hardware:
    return Hardware(
        cpus=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        gpus=gpus,
    )
