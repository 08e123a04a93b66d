"""What a run of act did, read from its log of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

UNMAPPED = "Skipping unsupported platform"


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """A `::error::`, `::warning::` or `::notice::`, with its `file`, `line`, `title`, … in `place`."""

    level: str
    message: str
    place: Mapping[str, str]


@dataclass(kw_only=True)
class Step:
    """One step; `id` is the path of ids for steps inside composite actions, `result` "" when it did not end."""

    id: tuple[str, ...]
    stage: str
    name: str
    result: str = ""
    log: str = ""


@dataclass(kw_only=True)
class Job:
    """One job, all its matrix entries together.

    Attributes:
        result: success, failure, skipped, or `unmapped` when no runner carries its label (act says nothing then).
        steps: in order of start; of stage Main unless the action has Pre and Post parts.
        log: what its steps printed.
        summary: what its steps wrote to GITHUB_STEP_SUMMARY.
        results: each matrix entry's result.
    """

    id: str
    result: str = "skipped"
    steps: list[Step] = field(default_factory=list)
    log: str = ""
    summary: str = ""
    annotations: list[Annotation] = field(default_factory=list)
    results: list[str] = field(default_factory=list)

    def step(self, name: str) -> Step:
        """Return the main stage of the step with this name or id (of the last element of it)."""
        for step in self.steps:
            if step.stage == "Main" and name in (step.name, step.id[-1]):
                return step
        raise AssertionError(f"job {self.id} ran no step {name!r}; it ran {[step.name for step in self.steps]}")


@dataclass(frozen=True, kw_only=True)
class ActRun:
    """What one event did.

    Attributes:
        code: act's exit code.
        jobs: every job of the workflows that listen to the event, by id, whether or not it ran.
        artifacts: the zip archive of each uploaded artifact, by name.
        text: act's log, as it came.
        left: processes that the run left behind (ended meanwhile).
    """

    code: int
    jobs: Mapping[str, Job]
    artifacts: Mapping[str, Path]
    text: str
    left: tuple[str, ...]

    def assert_jobs(self, expected: Mapping[str, str]) -> None:
        """Compare the result of every job, so that none can be skipped or added unnoticed."""
        actual = {id: job.result for id, job in self.jobs.items()}
        if actual == dict(expected):
            return
        wrong = [id for id in {**actual, **expected} if actual.get(id) != expected.get(id)]
        told = [f"{id}: expected {expected.get(id, 'no such job')}, was {actual.get(id, 'absent')}" for id in wrong]
        logs = [f"--- {id}\n{_last(self.jobs[id].log)}" for id in wrong if id in self.jobs and self.jobs[id].log]
        raise AssertionError("\n".join([*told, *logs] if logs else [*told, "--- act", _last(self.text)]))


def read_jobs(text: str, ids: Iterable[str]) -> dict[str, Job]:
    """Return every job of `ids`, and whatever other job the log tells of."""
    jobs = {id: Job(id=id) for id in ids}
    for line in text.splitlines():
        entry = _entry(line)
        if entry.get("jobID"):
            _take(entry, jobs.setdefault(entry["jobID"], Job(id=entry["jobID"])))
    return jobs


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _take(entry: Mapping[str, Any], job: Job) -> None:
    message = entry.get("msg", "")
    step = _step(entry, job)
    if entry.get("raw_output"):
        job.log += message
        step.log += message
    elif entry.get("command") == "summary":
        job.summary += entry["content"]
    elif entry.get("command") in ("error", "warning", "notice"):
        place = entry.get("kvPairs") or {}
        job.annotations.append(Annotation(level=entry["command"], message=entry.get("arg", message), place=place))
    elif "stepResult" in entry:
        step.result = entry["stepResult"]
    elif "jobResult" in entry:
        job.results.append(entry["jobResult"])
        job.result = max(job.results, key=("skipped", "success", "failure").index)
    elif UNMAPPED in message:
        job.result = "unmapped"


def _step(entry: Mapping[str, Any], job: Job) -> Step:
    """Return the step an entry belongs to; entries of the job itself get a step that is not kept."""
    id, stage = tuple(entry.get("stepID") or ()), entry.get("stage", "")
    matrix = entry.get("matrix") or {}
    key = (*(str(value) for value in matrix.values()), *id)
    for step in job.steps:
        if (step.id, step.stage) == (key, stage):
            return step
    made = Step(id=key, stage=stage, name=entry.get("step", ""))
    if id:
        job.steps.append(made)
    return made


def _last(text: str) -> str:
    return "\n".join(text.splitlines()[-25:])
