"""The team's own: jobs of theirs, and what stands beside a stage in its job."""

from __future__ import annotations

from mlcicd.config import extensions
from mlcicd.config.around import Surroundings
from mlcicd.config.fields import minutes
from mlcicd.config.model import Config, ExtraJob, ExtraStep
from mlcicd.plan.model import EVENTS, Call, Folder, Foreign, Job, Load, Save, Service, Setup
from mlcicd.plan.stages.common import READ_CODE, machine

_KEEPING = ("status", "test", "validate", "train", "report")


def jobs(config: Config) -> list[Job]:
    """Return the jobs under `jobs`; what waits for them is said in `plan.order`."""
    return [_foreign(id, job) if job.files else _neutral(config, id, job) for id, job in config.jobs.items()]


def _neutral(config: Config, id: str, job: ExtraJob) -> Job:
    return Job(
        id=id,
        name=job.name or id,
        why="A job of this repository's own (`jobs` in mlcicd.yaml).",
        events=EVENTS,
        needs=job.after,
        may_fail=job.may_fail,
        trusted=bool(job.secrets),
        machine=machine(config, job.runner),
        timeout=minutes(job.timeout),
        permissions=(READ_CODE,),
        container=job.container,
        services=services(job),
        steps=(
            Setup(),
            *_results(config, job),
            *folders(id, job),
            Call(name=job.name or id, verb="step", argument=id, secrets=job.secrets),
            Save(artifact=f"mlcicd-{id}", paths=(_facts(id), *job.keep)),
        ),
    )


def _results(config: Config, job: ExtraJob) -> list[Load]:
    """Bring here what the jobs before it have kept; not all keep something for others."""
    neutral = [id for id, other in config.jobs.items() if not other.files]
    keeping = [id for id in job.after if id in (*_KEEPING, *neutral)]
    return [Load(artifacts=tuple(f"mlcicd-{id}" for id in keeping))] if keeping else []


def _foreign(id: str, job: ExtraJob) -> Job:
    return Job(
        id=id,
        name=job.name or id,
        why=f"A job of this repository's own, from {' and '.join(job.files.values())}.",
        events=EVENTS,
        needs=job.after,
        steps=(),
        foreign={platform: Foreign(path=path) for platform, path in job.files.items()},
    )


def beside(config: Config, stage: str, main: Call) -> tuple[Call, ...]:
    """Return what a stage does with the team's own steps right before and right after it."""
    return (
        *(_call(step) for step in config.steps if step.before == stage),
        main,
        *(_call(step) for step in config.steps if step.after == stage),
    )


def secrets_beside(config: Config, stage: str) -> tuple[str, ...]:
    """Return the secrets that the team's own steps of a stage see."""
    return tuple(name for step in _steps(config, stage) for name in step.secrets)


def minutes_beside(config: Config, *stages: str) -> int:
    """Return how much longer the job may take for the team's own steps."""
    return sum(minutes(step.timeout) for step in _steps(config, *stages))


def left(config: Config, *stages: str) -> tuple[str, ...]:
    """Return what the team's own steps leave in `.mlcicd/`: each by name, so that none can speak for another."""
    return tuple(_facts(step.slug).removeprefix(".mlcicd/") for step in _steps(config, *stages))


def folders(id: str, around: Surroundings) -> tuple[Folder, ...]:
    """Return the folders that outlive the job."""
    return tuple(
        Folder(purpose=f"{id}-{extensions.slug(kept.path)}", path=kept.path, files=kept.key) for kept in around.cache
    )


def services(around: Surroundings) -> tuple[Service, ...]:
    """Return the programs beside the job."""
    return tuple(
        Service(name=name, variable=extensions.host(name), image=one.image, port=one.port, env=one.env)
        for name, one in around.services.items()
    )


def _steps(config: Config, *stages: str) -> list[ExtraStep]:
    return [step for step in config.steps if step.stage in stages]


def _call(step: ExtraStep) -> Call:
    return Call(name=step.name, verb="step", argument=step.slug, secrets=step.secrets)


def _facts(slug: str) -> str:
    return f".mlcicd/steps/{slug}.json"
