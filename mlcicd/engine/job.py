"""One job: its steps, in a clean clone of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from mlcicd.config.load import FILE
from mlcicd.engine import environment, results, workspace
from mlcicd.engine.log import COMMAND, Log
from mlcicd.engine.model import Request, Result, State
from mlcicd.engine.process import Limits, execute
from mlcicd.engine.results import Kept
from mlcicd.engine.workspace import Source
from mlcicd.plan.model import Cache, Call, Folder, Job, Load, Save, Setup, Step

MEANINGS = {
    1: "the answer is no",
    2: "wrong usage or configuration",
    3: "something outside failed",
}

# A step sees no variable of a forge, so a job that may write on one has done nothing.
NOWHERE = "nowhere to post: there is no forge here"


@dataclass(frozen=True, kw_only=True)
class Site:
    """What all jobs of a run share; `clones` is a folder, `environ` what every step sees."""

    request: Request
    source: Source
    kept: Kept
    clones: Path
    environ: Mapping[str, str] = field(repr=False)
    stop: Event


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where one job happens."""

    site: Site
    job: Job
    clone: Path
    log: Log
    limits: Limits


class _StepError(Exception):
    """A step failed; `stopped` when it was us who ended it."""

    def __init__(self, cause: str, *, exit: int | None = None, stopped: bool = False) -> None:
        super().__init__(cause)
        self.cause, self.exit, self.stopped = cause, exit, stopped


def run(job: Job, site: Site, heard: Callable[[str], None]) -> Result:
    """Execute a job to its end; `heard` gets the lines it prints, from this thread."""
    started = time.monotonic()
    path = site.kept.logs / f"{job.id}.log"
    limits = Limits(deadline=started + job.timeout * 60, stop=site.stop, grace=site.request.grace)
    try:
        with Log(path, heard) as log:
            error = _steps(_Place(site=site, job=job, clone=site.clones / job.id, log=log, limits=limits))
            if error:
                log.say(f"mlcicd: {error.cause}")
    except OSError as problem:  # a full disk: not even the log can be written
        error = _StepError(f"{path}: {problem.strerror}")
    seconds = time.monotonic() - started
    if error is None:
        return Result(job=job.id, state="passed", cause=NOWHERE if job.writes else "", seconds=seconds, log=path)
    state: State = "stopped" if error.stopped else "warned" if job.may_fail else "failed"
    return Result(job=job.id, state=state, exit=error.exit, cause=error.cause, seconds=seconds, log=path)


def _steps(place: _Place) -> _StepError | None:
    """Execute the steps; after the first that fails only what is kept matters."""
    first: _StepError | None = None
    for step in place.job.steps:
        if first and (first.stopped or not isinstance(step, Save)):
            continue
        try:
            _step(step, place)
        except _StepError as error:
            first = first or error
        except OSError as error:
            first = first or _StepError(f"{type(step).__name__.lower()}: {error}")
    if first is None:
        _retain(place)
    return first


def _retain(place: _Place) -> None:
    """Keep folders for the next run; a disk that has no room for them fails no job."""
    kept = place.site.kept
    try:
        if place.job.cache:
            results.retain(place.clone / place.job.cache.path, kept.cache)
        for folder in place.job.folders:
            results.retain(place.clone / folder.path, kept.folder_of(folder, place.clone))
    except OSError as error:
        place.log.say(f"mlcicd: data is not kept for the next run: {error}")


def _step(step: Step, place: _Place) -> None:
    match step:
        case Setup():
            _setup(step, place)
        case Call():
            _verb(place, step.name, step.command, step)
        case Save():
            absent = results.save(place.clone, step.paths, place.site.kept.artifacts / step.artifact)
            for path in absent:
                place.log.say(f"mlcicd: nothing to keep: {path} does not exist")
        case Load():
            for artifact in step.artifacts:
                if not results.load(place.site.kept.artifacts / artifact, place.clone):
                    place.log.say(f"mlcicd: no artifact {artifact}")
        case Cache():
            results.restore(place.site.kept.cache, place.clone / step.path)
        case Folder():
            results.restore(place.site.kept.folder_of(step, place.clone), place.clone / step.path)


def _setup(step: Setup, place: _Place) -> None:
    if step.history == "none":
        place.clone.mkdir(parents=True, exist_ok=True)
    else:
        for command in workspace.clone_commands(place.site.source, place.clone):
            _program(place, "clone", command, place.site.clones, place.site.environ)
    if step.project:
        _verb(place, "setup", step.command)


def _verb(place: _Place, name: str, words: Sequence[str], call: Call | None = None) -> None:
    """Run one of our verbs, with the secrets and log-ins it declares and no other."""
    request = place.site.request
    secrets = environment.secrets(request.environ, call.secrets if call else ())
    logins = environment.logins(request.environ, [one.cloud for one in call.identity] if call else ())
    command = (*request.tool, *words, *_config(place))
    place.log.say(COMMAND + " ".join(command[len(request.tool) :]))
    place.log.hide([*secrets.values(), *environment.secret_values(logins)])
    try:
        # Where the caller has started a service of the job's, the caller says so.
        services = environment.secrets(request.environ, [one.variable for one in place.job.services])
        _program(place, name, command, place.clone, {**place.site.environ, **services, **logins, **secrets})
    finally:
        place.log.flush()
        place.log.hide(())


def _config(place: _Place) -> tuple[str, ...]:
    """Name the configuration where it is not where a verb looks; a job without checkout has none at all."""
    path = place.site.request.config
    has_none = any(isinstance(step, Setup) and step.history == "none" for step in place.job.steps)
    return () if path == FILE or has_none else ("--config", path)


def _program(place: _Place, name: str, command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> None:
    ending = execute(command, folder=folder, environ=environ, hear=place.log.write, limits=place.limits)
    if ending.limit == "stopped":
        raise _StepError("stopped", exit=ending.exit, stopped=True)
    if ending.limit == "timeout":
        raise _StepError(f"{name}: not done after {place.job.timeout} min, the limit of the job", exit=ending.exit)
    if ending.exit:
        meaning = f" ({MEANINGS[ending.exit]})" if ending.exit in MEANINGS else ""
        raise _StepError(f"{name}: exit {ending.exit}{meaning}", exit=ending.exit)
