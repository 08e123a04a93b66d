"""Where jobs of the team's own stand among ours: what waits for them, and whom they then keep out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlcicd.config.model import Config
from mlcicd.plan.model import Job


def wired(jobs: Sequence[Job], config: Config) -> list[Job]:
    """Return the jobs in an order that respects `needs`, with what `before` of extra jobs adds to it."""
    waited_for = {job.id: [id for id, extra in config.jobs.items() if job.id in extra.before] for job in jobs}
    wanted = [replace(job, needs=tuple(dict.fromkeys((*job.needs, *waited_for[job.id])))) for job in jobs]
    ordered: list[Job] = []
    while wanted:
        # A circle has no first one; `plan.check` names it.
        job = next((one for one in wanted if _is_due(one, ordered, wanted)), wanted[0])
        wanted.remove(job)
        ordered.append(_as_closed(job, ordered, config))
    return ordered


def _is_due(job: Job, ordered: Sequence[Job], wanted: Sequence[Job]) -> bool:
    missing = {one.id for one in wanted} - {one.id for one in ordered}
    return not missing & set(job.needs)


def _as_closed(job: Job, before: Sequence[Job], config: Config) -> Job:
    """What waits for a job that a fork's pipeline has not cannot run there either, on no platform.

    Only where a job of the team's own is involved; between ours the stages have said so.
    """
    closed = {one.id for one in before if one.trusted}
    involved = [need for need in job.needs if need in config.jobs or job.id in config.jobs]
    return replace(job, trusted=job.trusted or (not job.always and any(need in closed for need in involved)))
