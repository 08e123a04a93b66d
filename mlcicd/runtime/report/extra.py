"""What steps and jobs of the team's own left in `.mlcicd/steps/`, as the report takes it."""

from __future__ import annotations

from collections.abc import Iterator

from mlcicd.config.model import Config
from mlcicd.errors import UsageError
from mlcicd.runtime import facts, origin
from mlcicd.runtime.facts import StepFacts
from mlcicd.runtime.report.model import Notice, OwnStep
from mlcicd.runtime.report.shorten import notice, step


def read(config: Config | None, notices: list[Notice], *, in_ci: bool) -> tuple[OwnStep, ...]:
    """Read what the steps and jobs that the configuration names have left, in its order.

    Args:
        config: none of them is known without one.
        notices: filled with what could not be read, and with what is of another commit.
        in_ci: what is of another commit is not used.
    """
    left = [(slug, found) for slug in _slugs(config) if (found := _facts(slug, notices)) is not None]
    if config is None or not left:
        return ()
    head = origin.committed().commit
    old = {slug: found for slug, found in left if _is_of_another(found, head)}
    if old:
        notices.append(notice("steps", *(_said(found, used=not in_ci) for found in old.values())))
    return tuple(_placed(config, slug, found) for slug, found in left if not (in_ci and slug in old))


def _slugs(config: Config | None) -> Iterator[str]:
    """Yield the names of the files; what stands after the report has not run yet, whatever lies there."""
    if config is not None:
        yield from (step.slug for step in config.steps if step.after != "report")
        yield from (id for id, job in config.jobs.items() if job.run and "report" not in job.after)


def _placed(config: Config, slug: str, found: StepFacts) -> OwnStep:
    beside = next((one for one in config.steps if one.slug == slug), None)
    if beside is None:
        return step(found, may_fail=config.jobs[slug].may_fail)
    return step(found, when="before" if beside.before else "after", stage=beside.before or beside.after or "")


def _is_of_another(found: StepFacts, head: str) -> bool:
    return bool(found.origin and found.origin.commit and head and found.origin.commit != head)


def _said(found: StepFacts, *, used: bool) -> str:
    commit = found.origin.commit[:7] if found.origin else ""
    return f"{found.name} ({commit}{'' if used else ', not used'})"


def _facts(slug: str, notices: list[Notice]) -> StepFacts | None:
    try:
        return facts.read(StepFacts, slug, facts.STEPS)
    except UsageError as error:
        notices.append(notice("facts", error.message))
        return None
