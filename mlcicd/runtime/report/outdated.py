"""Which evidence is of another commit than the report: a job's facts that lay around, or came out of another run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlcicd.runtime import origin
from mlcicd.runtime.facts import VerbFacts
from mlcicd.runtime.report.model import Job, Outdated

# Names of the facts that a report reads, and the job that leaves them.
JOBS: Mapping[str, Job] = {
    "data": "data",
    "status": "status",
    "test": "test",
    "validate": "validate",
    "validate-train": "validate",
    "train": "train",
}


def find(left: Mapping[str, VerbFacts], root: Path, *, in_ci: bool) -> tuple[Outdated, ...]:
    """Return the jobs whose facts are of another commit.

    In CI such facts are not used: a job that left none is not different from one of another run. Elsewhere they are,
    with a warning, and the locks count too, for they may have changed between two verbs without any commit.

    Args:
        left: the facts by name, those that are there.
        root: where `dvc.lock` files are looked for.
        in_ci: a run of a CI system makes the report.
    """
    head = origin.committed(root)
    known = {name: facts.origin for name, facts in left.items() if facts.origin}
    # Training writes the lock, so what other verbs saw is that of HEAD, and what follows is that of training.
    locks = {head.lock, origin.here(root).lock, *(one.lock for name, one in known.items() if name == "train")}
    found: dict[Job, Outdated] = {}
    for name, one in known.items():
        if one.commit and head.commit and one.commit != head.commit:
            found[JOBS[name]] = Outdated(job=JOBS[name], sha=one.commit, used=not in_ci)
        elif not in_ci and one.lock not in locks:
            found.setdefault(JOBS[name], Outdated(job=JOBS[name], used=True))
    return tuple(found.values())
