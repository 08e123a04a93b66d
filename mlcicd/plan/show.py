"""The plan as people read it: text, JSON, a mermaid graph."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from mlcicd.config.model import Config
from mlcicd.plan.model import Call, Job, Pipeline


def text(pipeline: Pipeline) -> str:
    """Return one block for each job, the one that posts for forks from a run of its own last."""
    posters = (pipeline.for_forks,) if pipeline.for_forks else ()
    return "\n\n".join("\n".join(_block(job)) for job in (*pipeline.jobs, *posters)) + "\n"


def as_json(config: Config, pipeline: Pipeline) -> str:
    """Return everything, for programs: the effective configuration, and the jobs with their steps' kinds."""
    settings = config.model_dump(mode="json", by_alias=True)
    return json.dumps({"config": settings, "jobs": [_facts(job) for job in pipeline.jobs]}, indent=2) + "\n"


def mermaid(pipeline: Pipeline) -> str:
    """Return a flowchart; a dashed arrow means "runs even when that one failed"."""
    lines = ["flowchart LR"]
    lines += [f'  {job.id}["{job.name}"]' for job in pipeline.jobs]
    lines += [f"  {need} {'-.->' if job.always else '-->'} {job.id}" for job in pipeline.jobs for need in job.needs]
    return "\n".join(lines) + "\n"


def _block(job: Job) -> Iterator[str]:
    yield f"{job.id} — {job.name}"
    yield f"  {job.why}"
    rows = {
        "runs on": ", ".join(job.events) + (", not for forks" if job.trusted else ""),
        "after": ", ".join(job.needs) + (" (also when one failed)" if job.always else ""),
        "runner": _runner(job),
        "timeout": f"{job.timeout} min",
        "may": "; ".join(f"{right.level} {right.scope} ({right.why})" for right in job.permissions),
        "secrets": ", ".join(job.secrets),
        "logs in": ", ".join(f"{one.cloud} ({one.audience})" for one in job.identity),
        "does": " → ".join(step.verb for step in job.steps if isinstance(step, Call)),
        "keeps": "; ".join(f"{save.artifact} ({save.days} days)" for save in job.saves),
    }
    yield from (f"  {name:<8} {value}" for name, value in rows.items() if value)


def _runner(job: Job) -> str:
    words = [f"{platform}: {' '.join(labels)}" for platform, labels in job.machine.labels.items() if labels]
    return f"{job.machine.name} ({'; '.join(words)})" if words else job.machine.name


def _facts(job: Job) -> dict[str, Any]:
    facts = asdict(job)
    facts["steps"] = [{"kind": type(step).__name__.lower(), **asdict(step)} for step in job.steps]
    return {**facts, "secrets": list(job.secrets), "identity": [asdict(one) for one in job.identity]}
