"""Generated files, read back: what they say of every job must be what the plan says, whatever a template did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcicd.errors import UsageError
from mlcicd.plan.access import Access
from mlcicd.plan.model import Call, Job, Load, Pipeline
from mlcicd.platforms import PLATFORMS
from mlcicd.platforms.common import Laid, UnreadableError

# Keys that stand in the configuration, or that every job gets, and not in the file of a job in a platform's words.
_ADDED = ("needs", "if", "rules", "permissions")


def require(platform: str, text: str, pipeline: Pipeline) -> None:
    """Refuse a text whose jobs are not the plan's.

    Raises:
        UsageError: when a template of the team's own made it so.
        AssertionError: when one of ours did.
    """
    if problems := list(differences(platform, text, pipeline)):
        own = [name for name in pipeline.templates if name.startswith(f"{platform}/")]
        if not own:
            raise AssertionError(f"a template lost the plan: {'; '.join(problems)}")
        raise UsageError(
            f"tool.templates: what {', '.join(own)} makes is not what mlcicd.yaml asks for",
            detail="\n".join(problems),
            hint="compare it with the template of the same name that mlcicd brings (`mlcicd plan` shows what is meant)",
        )


def differences(platform: str, text: str, pipeline: Pipeline) -> Iterator[str]:
    """Yield where a platform's main file says something else than the plan, one line each."""
    try:
        found = PLATFORMS[platform].read(text)
    except UnreadableError as error:
        yield f"{PLATFORMS[platform].MAIN}: {error}"
        return
    meant = {job.id: job for job in pipeline.jobs}
    yield from (f"{id}: the job is missing" for id in meant if id not in found)
    yield from (f"{id}: there is no such job in the plan" for id in found if id not in meant)
    for id, job in meant.items():
        if id in found:
            access = PLATFORMS[platform].access(job)
            compare = _foreign(job, found[id], platform) if job.foreign else _laid(job, found[id], access)
            yield from (f"{id}: {line}" for line in compare)


def _laid(job: Job, found: Laid, access: Access) -> Iterator[str]:
    if found.unclear:
        yield f"when it runs is not clear: {found.unclear}"
        return
    for name, meant in _meant(job, access).items():
        said = getattr(found, name)
        if said is not None and said != meant and not _is_same(name, job, said):
            yield f"{name}: expected {_show(meant)}, found {_show(said)}"
    image = job.container or ""
    # A runner's own image may stand there, and a pin may have added a digest.
    if image and found.container.partition("@")[0] != image.partition("@")[0]:
        yield f"container: expected {image}, found {found.container or 'none'}"


def _meant(job: Job, access: Access) -> Mapping[str, object]:
    loads = [name for step in job.steps if isinstance(step, Load) for name in step.artifacts]
    return {
        "needs": job.needs,
        "events": frozenset(job.events),
        "forks": access.forks,
        "always": frozenset(job.events if job.always else ()),
        "may_fail": job.may_fail,
        "timeout": job.timeout,
        "environment": access.environment,
        "verbs": tuple(step.verb for step in job.steps if isinstance(step, Call)),
        "secrets": frozenset(access.secrets),
        "writes": job.writes,
        "rights": frozenset(f"{right.level} {right.scope}" for right in job.permissions),
        "clouds": len(job.identity),
        "saves": frozenset(save.artifact for save in job.saves),
        "loads": frozenset(loads),
        "services": frozenset(one.name for one in job.services),
    }


def _is_same(name: str, job: Job, said: object) -> bool:
    """Tell whether a right stands for tokens: with it a job asks for as many as it logs in to clouds."""
    return name == "clouds" and said == -1 and bool(job.identity)


def _foreign(job: Job, found: Laid, platform: str) -> Iterator[str]:
    """A job in the platform's own words comes out as it went in."""
    if found.needs != job.needs:
        yield f"needs: expected {_show(job.needs)}, found {_show(found.needs)}"
    meant = _plain(job.foreign[platform].tree)
    said = {key: value for key, value in found.own.items() if key in meant or key not in _ADDED}
    for key in sorted({*meant, *said}):
        if _plain(said.get(key)) != meant.get(key):
            yield f"{key}: is not what {job.foreign[platform].path} says"


def _plain(value: Any) -> Any:
    """Return a tree of YAML as plain values, so that two readers' trees compare."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _show(value: object) -> str:
    if isinstance(value, frozenset | tuple):
        return ", ".join(sorted(map(str, value)) if isinstance(value, frozenset) else map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "none"
