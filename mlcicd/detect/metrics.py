"""Metric values as they are in the workspace, read and named as the report will read and name them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mlcicd.detect.files import Folder
from mlcicd.runtime import metrics


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One finite number: `key` is its path in the file, `name` what a gate calls it."""

    name: str
    key: str
    value: float
    file: str


def read(folder: Folder, files: Sequence[str]) -> tuple[Metric, ...]:
    """Return the numbers in these files, in their order; files that are not here give none."""
    inside = [file for file in files if not file.startswith(("/", "..")) and folder.has(file)]
    found = metrics.join(metrics.from_file(folder.path, file) for file in inside)
    for problem in found.problems:
        if not problem.key:
            folder.note(problem.file, f"not used: {problem.reason}")
    names = metrics.names(found.numbers)
    return tuple(
        Metric(name=names[file, key], key=key, value=value, file=file)
        for (file, key), value in found.numbers.items()
        if math.isfinite(value)
    )
