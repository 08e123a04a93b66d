"""The embedded engine: the jobs of a `Pipeline`, executed on this machine."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mlcicd.config.load import FILE
from mlcicd.engine import environment, job, progress, results, schedule, signals, workspace
from mlcicd.engine.model import Outcome, Request, Result
from mlcicd.engine.progress import Plain, places
from mlcicd.plan.model import Event, Job, Pipeline

__all__ = ["Outcome", "Request", "Result", "committed", "places", "run"]


def committed(folder: Path, config: Path = Path(FILE)) -> tuple[str, str]:
    """Return the text of the configuration as it is in HEAD, and its path relative to the repository.

    Raises:
        UsageError: when there is no repository, no commit, or no such file in it.
        OutsideError: when there is no git.
    """
    return workspace.committed(workspace.find(folder, os.environ), folder, config)


def run(pipeline: Pipeline, request: Request, display: Plain | None = None) -> Outcome:
    """Execute the jobs of one event, each in a clean clone of HEAD; the caller's working tree is only read.

    Args:
        pipeline: what to execute.
        request: how.
        display: who shows what happens; by default whatever suits standard output.

    Raises:
        UsageError: when the repository, the base or a job is not there; nothing has run then.
        OutsideError: when there is no git.
    """
    source = workspace.find(request.folder, request.environ)
    event, base = workspace.compare(source, pipeline.branch, request.event, request.base)
    jobs = schedule.select(pipeline, event, request.jobs)
    stop = threading.Event()
    with (
        signals.watched(stop) as received,
        results.opened(source.root) as kept,
        display or progress.choose() as shown,
        _clones(request.keep, shown) as clones,
    ):
        environ = environment.machine(request.environ, source.commit, base, event)
        site = job.Site(request=request, source=source, kept=kept, clones=clones, environ=environ, stop=stop)
        shown.opened(_heading(source, event, base, jobs), [one.id for one in jobs])
        done = _execute(jobs, site, shown)
        outcome = Outcome(
            event=event,
            commit=source.commit,
            base=base,
            jobs=done,
            folder=kept.folder,
            artifacts=kept.artifacts,
            clones=clones if request.keep else None,
            signal=received[0] if received else 0,
        )
        shown.closed(outcome)
    return outcome


def _execute(jobs: Sequence[Job], site: job.Site, shown: Plain) -> tuple[Result, ...]:
    for text in _notices(site.source, jobs, site.request):
        shown.notice(text)
    parallel = site.request.parallel or min(4, os.cpu_count() or 1)
    done = schedule.execute(jobs, parallel, partial(_work, site=site, shown=shown), site.stop, shown)
    results.publish(site.kept, [save.artifact for one in jobs for save in one.saves])
    return done


def _work(one: Job, *, site: job.Site, shown: Plain) -> Result:
    return job.run(one, site, partial(shown.heard, one.id))


@contextmanager
def _clones(keep: bool, shown: Plain) -> Iterator[Path]:
    """Make the folder of the clones, outside the repository, so that no tool finds its way up into it."""
    folder = Path(tempfile.mkdtemp(prefix="mlcicd-run-")).resolve()
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
            if folder.exists():
                shown.notice(f"{folder} could not be removed completely")


def _heading(source: workspace.Source, event: Event, base: str | None, jobs: Sequence[Job]) -> str:
    where = f" on {source.branch}" if source.branch else ""
    against = f", compared with {base[:7]}" if base else ""
    count = "1 job" if len(jobs) == 1 else f"{len(jobs)} jobs"
    return f"{event.replace('_', ' ')}: commit {source.commit[:7]}{where}{against}, {count}"


def _notices(source: workspace.Source, jobs: Sequence[Job], request: Request) -> Iterator[str]:
    if source.changes:
        files = "1 uncommitted change is" if source.changes == 1 else f"{source.changes} uncommitted changes are"
        yield f"{files} not part of this run; commit to include them"
    if contained := [one.id for one in jobs if one.container]:
        yield f"run here without their containers: {', '.join(contained)}"
    away = [one for job in jobs for one in job.services if not request.environ.get(one.variable)]
    if away:
        told = ", ".join(dict.fromkeys(f"{one.name} ({one.variable})" for one in away))
        yield f"services are not started here; start them yourself and set where they are: {told}"
    declared = dict.fromkeys(name for one in jobs for name in one.secrets)
    missing = [name for name in declared if not request.environ.get(name)]
    if missing:
        yield f"not set in your environment, so steps run without: {', '.join(missing)}"
