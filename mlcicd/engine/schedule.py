"""Which job runs when: after what it needs, and beside what it does not."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Protocol

from mlcicd.engine.model import Result
from mlcicd.errors import UsageError
from mlcicd.plan import model
from mlcicd.plan.model import Job, Pipeline

TICK = 0.2  # seconds between looks at `stop`


class Listener(Protocol):
    """Who is told what happens; all calls come from one thread."""

    def started(self, job: str) -> None:
        """A job begins."""

    def finished(self, result: Result) -> None:
        """A job has ended, or will not run."""


def select(pipeline: Pipeline, event: model.Event, wanted: Sequence[str]) -> tuple[Job, ...]:
    """Return the jobs of an event; of these only the wanted and what they need, when some are wanted.

    Raises:
        UsageError: when a wanted job does not exist, or not on this event.
    """
    jobs = {job.id: job for job in pipeline.on(event)}
    if not wanted:
        return tuple(jobs.values())
    for name in wanted:
        if name not in jobs:
            raise _unknown(pipeline, event, name)
    chosen = set(_closure(jobs, wanted))
    return tuple(job for job in jobs.values() if job.id in chosen)


def execute(
    jobs: Sequence[Job], parallel: int, work: Callable[[Job], Result], stop: Event, listener: Listener
) -> tuple[Result, ...]:
    """Run jobs, up to `parallel` at once, and return their results in the order of `jobs`."""
    results: dict[str, Result] = {}
    running: dict[str, Future[Result]] = {}
    with ThreadPoolExecutor(parallel) as pool:
        try:
            while len(results) < len(jobs):
                for job in _undecided(jobs, results, running):
                    if skipped := _skip(job, jobs, results, stop):
                        results[job.id] = skipped
                        listener.finished(skipped)
                    elif len(running) < parallel and _ready(job, jobs, results):
                        listener.started(job.id)
                        running[job.id] = pool.submit(work, job)
                wait(running.values(), timeout=TICK, return_when=FIRST_COMPLETED)
                for job in [job for job in jobs if job.id in running and running[job.id].done()]:
                    results[job.id] = running.pop(job.id).result()
                    listener.finished(results[job.id])
        except BaseException:
            stop.set()  # or the pool would wait for jobs nobody is waiting for
            raise
    return tuple(results[job.id] for job in jobs)


def _undecided(jobs: Sequence[Job], results: Mapping[str, Result], running: Mapping[str, object]) -> list[Job]:
    return [job for job in jobs if job.id not in results and job.id not in running]


def _needs(job: Job, jobs: Sequence[Job]) -> list[str]:
    """Leave out what does not run this time."""
    present = {other.id for other in jobs}
    return [need for need in job.needs if need in present]


def _ready(job: Job, jobs: Sequence[Job], results: Mapping[str, Result]) -> bool:
    return all(need in results for need in _needs(job, jobs))


def _skip(job: Job, jobs: Sequence[Job], results: Mapping[str, Result], stop: Event) -> Result | None:
    """Say why a job will not run, when that is known."""
    if stop.is_set():
        return Result(job=job.id, state="skipped", cause="the run was stopped")
    if job.foreign:
        platforms = " or ".join(job.foreign)
        return Result(job=job.id, state="skipped", cause=f"only {platforms} can run it", elsewhere=True)
    if job.always:
        return None
    for need in _needs(job, jobs):
        if need in results and not results[need].lets_go_on:
            return Result(job=job.id, state="skipped", cause=f"needs {need}, which {_verdict(results[need])}")
    return None


def _verdict(result: Result) -> str:
    return "failed" if result.state == "failed" else f"was {result.state}"


def _closure(jobs: Mapping[str, Job], wanted: Sequence[str]) -> Iterator[str]:
    for name in wanted:
        if name in jobs:
            yield name
            yield from _closure(jobs, jobs[name].needs)


def _unknown(pipeline: Pipeline, event: model.Event, name: str) -> UsageError:
    events = next((job.events for job in pipeline.jobs if job.id == name), ())
    if events:
        return UsageError(
            f"--job {name}: does not run on {event}", hint=" or ".join(f"--event {other}" for other in events)
        )
    known = [job.id for job in pipeline.on(event)]
    close = difflib.get_close_matches(name, known, n=1)
    guess = f" — did you mean '{close[0]}'?" if close else ""
    return UsageError(f"--job {name}: no such job{guess}", hint=f"the jobs are {', '.join(known)}")
