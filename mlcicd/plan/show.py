"""The plan as people read it: text, JSON, a mermaid graph."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Protocol

from mlcicd.config import prices
from mlcicd.config.model import Config
from mlcicd.plan.access import Access, Code, code
from mlcicd.plan.model import Call, Job, Pipeline


class Platform(Protocol):
    """What a platform has to be asked."""

    @property
    def NO_FORKS(self) -> str:  # noqa: N802 - a module's constant
        """Why nothing can be posted there for a fork, "" where it can."""
        ...

    def access(self, job: Job) -> Access:
        """Say which environment, secrets and forks a job meets."""
        ...


Platforms = Mapping[str, Platform]

_STARTED = "a fork's pull request run"
_CODE: Mapping[Code, str] = {
    "runs": "runs the change's code",
    "reads": "reads the change's code, and runs none of it",
    "none": "none of the change",
    "unknown": "only its file says",
}


def text(pipeline: Pipeline, platforms: Platforms) -> str:
    """Return one block for each job, the one that posts for forks from a run of its own last.

    Args:
        pipeline: the plan.
        platforms: those that the configuration names.
    """
    blocks = [_block(job, platforms) for job in pipeline.jobs]
    posting = _posting(platforms)
    blocks += [_block(pipeline.for_forks, posting)] if pipeline.for_forks and posting else []
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def as_json(config: Config, pipeline: Pipeline, platforms: Platforms) -> str:
    """Return everything, for programs: the effective configuration, and the jobs with their steps' kinds."""
    poster, posting = pipeline.for_forks, _posting(platforms)
    told = {
        "config": config.model_dump(mode="json", by_alias=True),
        "jobs": [_facts(job, platforms) for job in pipeline.jobs],
        "for_forks": {**_facts(poster, posting), "started_by": _STARTED} if poster and posting else None,
    }
    return json.dumps(told, indent=2) + "\n"


def mermaid(pipeline: Pipeline) -> str:
    """Return a flowchart; a dashed arrow means "runs even when that one failed"."""
    lines = ["flowchart LR"]
    lines += [f'  {job.id}["{job.name}"]' for job in pipeline.jobs]
    lines += [f"  {need} {'-.->' if job.always else '-->'} {job.id}" for job in pipeline.jobs for need in job.needs]
    return "\n".join(lines) + "\n"


def _posting(platforms: Platforms) -> Platforms:
    return {name: platform for name, platform in platforms.items() if not platform.NO_FORKS}


def _block(job: Job, platforms: Platforms) -> Iterator[str]:
    met = {name: platform.access(job) for name, platform in platforms.items()}
    yield f"{job.id} — {job.name}"
    yield f"  {job.why}"
    rows = {
        "runs on": _events(job, met),
        "after": ", ".join(job.needs) + (" (also when one failed)" if job.always else ""),
        "runner": _runner(job),
        "timeout": "" if job.foreign else f"{job.timeout} min",
        "costs": _costs(job),
        "code": _CODE[code(job)],
        "may": "; ".join(f"{right.level} {right.scope} ({right.why})" for right in job.permissions),
        "environment": _where({name: one.environment for name, one in met.items()}),
        "secrets": _where({name: ", ".join(one.secrets) for name, one in met.items()}),
        "logs in": ", ".join(f"{one.cloud} ({one.audience})" for one in job.identity),
        "in": job.container or "",
        "beside": ", ".join(f"{one.name} ({one.image}, {one.variable})" for one in job.services),
        "does": " → ".join(f"{step.verb} {step.argument}".strip() for step in job.steps if isinstance(step, Call)),
        "from": ", ".join(f"{one.path} ({platform})" for platform, one in job.foreign.items()),
        "reuses": ", ".join(folder.path for folder in job.folders),
        "keeps": "; ".join(f"{save.artifact} ({save.days} days)" for save in job.saves),
    }
    yield from (f"  {name:<11} {value}" for name, value in rows.items() if value)


def _events(job: Job, met: Mapping[str, Access]) -> str:
    if not job.events:
        return f"after {_STARTED} ({', '.join(met)})"
    # A job in a platform's own words may have its own word on forks.
    closed = [] if job.foreign or "pull_request" not in job.events else [name for name in met if not met[name].forks]
    where = "" if len(closed) == len(met) else f" on {', '.join(closed)}"
    return ", ".join(job.events) + (f", not for forks{where}" if closed else "")


def _where(values: Mapping[str, str]) -> str:
    """Print what all platforms agree on once, and else what each says."""
    if len({*values.values()}) == 1:
        return next(iter(values.values()))
    return "; ".join(f"{value} ({name})" for name, value in values.items() if value)


def _runner(job: Job) -> str:
    words = [f"{platform}: {' '.join(labels)}" for platform, labels in job.machine.labels.items() if labels]
    return f"{job.machine.name} ({'; '.join(words)})" if words else job.machine.name


def _costs(job: Job) -> str:
    """Return what the job costs at most, for a machine that the team chose; nothing is known of others."""
    if isinstance(job.machine.price, (int, float)):
        return f"at most {prices.estimate(prices.Price(minute=job.machine.price / 60), job.timeout)}"
    labels = {platform: names for platform, names in job.machine.labels.items() if names}
    known = {platform: price for platform, names in labels.items() if (price := prices.find(job.machine.price, names))}
    if known:
        return "; ".join(f"{platform}: at most {prices.estimate(one, job.timeout)}" for platform, one in known.items())
    return f"no price known: runners.{job.machine.name}.price" if labels else ""


def _facts(job: Job, platforms: Platforms) -> dict[str, Any]:
    return {
        **asdict(job),
        "steps": [{"kind": type(step).__name__.lower(), **asdict(step)} for step in job.steps],
        "secrets": list(job.secrets),
        "identity": [asdict(one) for one in job.identity],
        "code": code(job),
        "platforms": {name: asdict(platform.access(job)) for name, platform in platforms.items()},
    }
