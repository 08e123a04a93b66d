"""Train several times with different seeds, for the report's intervals: the last time with the committed seed.

So what lies in the workspace afterwards, and what `dvc.lock` says, is of the committed parameters. A repetition that
fails costs only its numbers; but when more than half of them fail, the numbers say nothing and training has failed.
When it comes to no good end, `dvc.lock` and the metrics are put back: those of another seed are nobody's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlcicd.config.model import Train
from mlcicd.errors import MlcicdError, UsageError
from mlcicd.runtime import metrics
from mlcicd.runtime.facts import Seed
from mlcicd.runtime.process import Finished
from mlcicd.runtime.project import Project
from mlcicd.runtime.storage import dvc
from mlcicd.runtime.training import params
from mlcicd.runtime.training.progress import Stages

VARIABLE = "MLCICD_SEED"
_PIPELINE = re.compile(r"^\s*dvc\s+(repro|exp\s+run)\b", re.MULTILINE)
_FORCED = re.compile(r"\s(--force|-[A-Za-z]*f[A-Za-z]*)\b")
_SPARE = 1.1  # no two trainings take the same time


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One run of the training command.

    Attributes:
        seed: None when it is the only one.
        stages: what DVC told.
        stopped_in: the stage that ran when it was ended, or "".
        metrics: its numbers by `file:key`, when it is one of several.
        is_pipeline: DVC decided which stages run.
    """

    seed: int | None
    done: Finished
    stages: Stages
    stopped_in: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    is_pipeline: bool = False


def is_pipeline(command: str) -> bool:
    """Tell whether a command lets DVC decide which stages run."""
    return bool(_PIPELINE.search(command))


def seeds(root: Path, settings: Train, command: str) -> tuple[int | None, ...]:
    """Return the seeds to train with, in order; one None when it is done once.

    Raises:
        UsageError: when the parameter is no whole number, or DVC would see no reason to train again.
    """
    if settings.repeat == 1:
        return (None,)
    if settings.seed is None and is_pipeline(command) and not _FORCED.search(command):
        raise UsageError(
            "train.repeat: DVC runs a stage again only when something changed that it knows of, and no seed does",
            hint="name the parameter that holds the seed under train.seed (or let train.command end in --force)",
        )
    committed = params.number(root, settings.seed) if settings.seed else 0
    return (*range(committed + 1, committed + settings.repeat), committed)


def fits(attempts: Sequence[Attempt], left: float) -> bool:
    """Tell whether there is time for one more repetition before the last one, which must not be lost.

    Args:
        attempts: those so far.
        left: seconds until the time limit.
    """
    longest = max((attempt.done.seconds for attempt in attempts), default=0)
    return left > 2 * _SPARE * longest


def is_hopeless(attempts: Sequence[Attempt], count: int) -> bool:
    """Tell whether no further repetition of `count` can make the training a success.

    So it is when more than half have failed, and when DVC refuses the pipeline before any stage: the seed is then
    not the reason.
    """
    failed = [attempt for attempt in attempts if attempt.done.exit]
    return 2 * len(failed) > count or any(is_refusal(attempt) for attempt in failed)


def is_refusal(attempt: Attempt) -> bool:
    """Tell whether DVC itself refused, before any stage: a circle, merge markers, no repository."""
    return bool(attempt.done.exit) and attempt.is_pipeline and not attempt.stages.states


def status(attempts: Sequence[Attempt]) -> int:
    """Return the exit status of all together: that of the last, unless more than half failed."""
    failed = [attempt.done.exit for attempt in attempts if attempt.done.exit]
    return attempts[-1].done.exit or (failed[-1] if 2 * len(failed) > len(attempts) else 0)


def facts(attempts: Sequence[Attempt]) -> tuple[Seed, ...]:
    """Return the repetitions as facts; none when there was one run only."""
    return tuple(
        Seed(
            seed=attempt.seed,
            exit=attempt.done.exit,
            seconds=round(attempt.done.seconds, 3),
            metrics=dict(attempt.metrics),
        )
        for attempt in attempts
        if attempt.seed is not None
    )


def measure(project: Project, environ: Mapping[str, str]) -> dict[str, float]:
    """Return the finite metrics that lie in the workspace now, by `file:key`; what cannot be read is not there."""
    files = project.config.report.metrics
    if files:
        found = metrics.join(metrics.from_file(project.root, file) for file in files)
    else:
        found = metrics.join(_declared(project, environ))
    return {f"{file}:{key}": value for (file, key), value in found.numbers.items() if math.isfinite(value)}


def _declared(project: Project, environ: Mapping[str, str]) -> list[metrics.Values]:
    if not (project.root / "dvc.yaml").is_file():
        return []
    try:
        known = dvc.find(project.root, environ).metrics()
    except MlcicdError:
        return []
    return [metrics.from_tree(file, tree) for file, tree in known.items() if not isinstance(tree, dvc.Broken)]
