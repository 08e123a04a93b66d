"""`step`: run a step or job of the team's own, with the variables and secrets that are its, and record the result."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from mlcicd import secrets
from mlcicd.config.fields import minutes
from mlcicd.config.model import Config, ExtraJob, ExtraStep
from mlcicd.errors import Refused, UsageError
from mlcicd.runtime import facts, process
from mlcicd.runtime.facts import StepFacts
from mlcicd.runtime.project import Project


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to run.

    Attributes:
        slug: names the facts: a step's name as small letters, digits and dashes, or a job's id.
        name: what people call it.
        command: shell text.
        env: variables that it sees.
        secrets: secrets that it sees.
        timeout: minutes.
    """

    slug: str
    name: str
    command: str
    env: Mapping[str, str]
    secrets: tuple[str, ...]
    timeout: int


def run(project: Project, name: str, say: Callable[[str], None]) -> StepFacts:
    """Run it in the project's environment and leave `.mlcicd/steps/<slug>.json`, also when it fails.

    Raises:
        Refused: when it fails, or is ended at its time limit.
        UsageError: when there is no step or job of this name, or only a platform can run it.
    """
    order = find(project.config, name)
    facts.make()
    facts.forget(order.slug, facts.STEPS)
    environ = replace(project, env=order.env, seen=order.secrets).environ()
    done = process.run(process.shell(order.command), cwd=project.root, environ=environ, timeout=60 * order.timeout)
    found = StepFacts(
        name=order.name,
        command=order.command,
        exit=done.exit,
        seconds=round(done.seconds, 3),
        tail=secrets.lines(done.tail, environ) if done.exit else (),
    )
    facts.write(found, order.slug, facts.STEPS)
    if done.timed_out:
        raise Refused(
            f"{order.name}: not done after {order.timeout} min, its time limit", hint="raise its `timeout`, or do less"
        )
    if done.exit:
        raise Refused(f"{order.name} failed with exit status {done.exit}", hint=process.advice(done.exit))
    say(f"{order.name}: done in {found.seconds:.1f} s")
    return found


def find(config: Config, name: str) -> Order:
    """Return the step called `name` (or by its slug), or the job of this id.

    Raises:
        UsageError: when there is none, or only a platform can run it.
    """
    if step := next((one for one in config.steps if name in (one.name, one.slug)), None):
        return _of_step(config, step)
    if name in config.jobs:
        return _of_job(name, config.jobs[name])
    known = [*(one.slug for one in config.steps), *config.jobs]
    close = difflib.get_close_matches(name, known, n=1)
    guess = f" — did you mean '{close[0]}'?" if close else ""
    raise UsageError(
        f"{name}: no such step or job{guess}",
        hint=f"there are {', '.join(known)}" if known else "add one under `steps` or `jobs` in mlcicd.yaml",
    )


def _of_step(config: Config, step: ExtraStep) -> Order:
    return Order(
        slug=step.slug,
        name=step.name,
        command=step.run,
        env=config.env(step.stage) | step.env,
        secrets=step.secrets,
        timeout=minutes(step.timeout),
    )


def _of_job(id: str, job: ExtraJob) -> Order:
    if job.run is None:
        raise UsageError(
            f"{id}: this job is in the words of {' and '.join(job.files)}, and only the platform can run it",
            hint=f"push, and look there; or give it `run` instead of {' and '.join(job.files.values())}",
        )
    return Order(
        slug=id,
        name=job.name or id,
        command=job.run,
        env=job.env,
        secrets=job.secrets,
        timeout=minutes(job.timeout),
    )
