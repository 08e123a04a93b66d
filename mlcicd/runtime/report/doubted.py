"""Metrics that are not results of the commit that they stand in: those are not believed, or called untrained.

`dvc.lock` says what a training wrote, and of what. A number that somebody wrote over is worth nothing on either side;
one of the base that was measured before its parameters, code or data changed judges no change.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from mlcicd.config.model import Train
from mlcicd.errors import UsageError
from mlcicd.runtime import committed
from mlcicd.runtime.committed import Doubts
from mlcicd.runtime.facts import TrainFacts
from mlcicd.runtime.metrics import Problem, Values
from mlcicd.runtime.storage import tracked

_DVC = re.compile(r"\bdvc\s+(repro|exp)\b")
MOST = 5  # reasons that are told


def is_by_dvc(train: Train | None, training: TrainFacts | None) -> bool:
    """Tell whether `dvc.lock` goes with the metrics: DVC trains, or nobody does. Another program leaves it alone.

    Args:
        train: how the configuration trains.
        training: what was trained; its stages tell of DVC inside another program.
    """
    if training and (training.stages or _DVC.search(training.command)):
        return True
    return train is None or bool(_DVC.search(train.command))


def measured(root: Path, values: Values, training: TrainFacts | None, train: Train | None) -> Values:
    """Return the metrics of the workspace without those that are not of its training.

    Args:
        root: the project's folder.
        values: the metrics.
        training: what was trained; None when nothing was.
        train: how the configuration trains.
    """
    if not is_by_dvc(train, training):
        return values
    try:
        found = committed.altered(root, {posixpath.normpath(file) for file in _files(values)})
    except UsageError:  # told by who needs it
        return values
    hidden = training.hidden if training else ()  # what was handed on has no secrets, so it is not what was written
    return without(values, {file: stage for file, stage in found.items() if file not in hidden})


def without(values: Values, altered: Mapping[str, str]) -> Values:
    """Return metrics without those of files that somebody wrote over, which become problems.

    Args:
        values: the metrics.
        altered: by file, the stage that `dvc.lock` says wrote it.
    """
    written = {file: altered.get(posixpath.normpath(file)) for file in _files(values)}
    files = [file for file, stage in written.items() if stage]
    told = "not what {} wrote, says dvc.lock: run dvc repro"
    problems = tuple(Problem(file=file, reason=told.format(written[file])) for file in files)
    numbers = {key: number for key, number in values.numbers.items() if key[0] not in files}
    return Values(numbers=numbers, problems=(*values.problems, *problems))


def untrained(values: Values, doubts: Doubts) -> dict[str, str]:
    """Return, by metric file, what has changed at a commit since the file was written, where anything has."""
    return {
        file: _told(why)
        for file in _files(values)
        for path, why in doubts.untrained.items()
        if tracked.overlap(posixpath.normpath(file), path)
    }


def _files(values: Values) -> list[str]:
    return sorted({file for file, _ in values.numbers})


def _told(why: tuple[str, ...]) -> str:
    rest = f" and {len(why) - MOST} more" if len(why) > MOST else ""
    return "; ".join(why[:MOST]) + rest
