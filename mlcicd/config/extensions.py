"""What must hold of the team's own variables, folders, steps and jobs: their names, their places, their order."""

from __future__ import annotations

import graphlib
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mlcicd.config.placed import PlacedError

if TYPE_CHECKING:
    from mlcicd.config.around import Surroundings
    from mlcicd.config.model import Config, ExtraJob, ExtraStep

Place = tuple[str | int, ...]

# Which of our jobs come before which, where both exist; a test holds this against the plan.
_ORDER: Mapping[str, tuple[str, ...]] = {
    "check": (),
    "status": (),
    "test": (),
    "validate": (),
    "train": ("test", "validate"),
    "lock": ("train",),
    "report": ("status", "test", "validate", "train"),
    "comment": ("report",),
}
# They do not run on every event, and what waits for them would not either.
_SOMETIMES = ("lock", "comment")
# With these a program would be another one than it says, or our own would be led astray.
_NAMES = frozenset(
    {
        "PATH", "HOME", "SHELL", "IFS", "ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS", "VIRTUAL_ENV", "CI",
        "LD_PRELOAD", "LD_AUDIT", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONEXECUTABLE",
    }
)  # fmt: skip
_PREFIXES = ("GITHUB_", "GITLAB_", "RUNNER_", "ACTIONS_", "INPUT_", "CI_", "MLCICD_", "GIT_", "DYLD_", "BASH_FUNC_")
# What may write to the forge is for our verbs; a token of the team's own has a name of its own.
_TOKENS = ("GITHUB_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN", "MLCICD_TOKEN")
# A copy that an earlier run left must not replace what decides what runs.
_OURS = (".", ".git", ".github", ".gitlab", ".mlcicd", ".mlcicd-cache")
_FILES = 2  # that GitLab takes for a cache's key
_COPIES = 4  # caches that GitLab takes for a job


def free(name: str) -> str:
    """Return the name of a variable when the team may set it.

    Raises:
        ValueError: when it belongs to the shell, the runner, git or mlcicd.
    """
    if name in _NAMES or name.startswith(_PREFIXES):
        raise ValueError(f"{name} cannot be set here: it belongs to the shell, the runner, git or mlcicd")
    return name


def plain(path: str) -> str:
    """Return a path that means the same to every platform.

    Raises:
        ValueError: when a platform would read more than a path in it.
    """
    if re.search(r"[*?\[\]!$%\"',]", path):
        raise ValueError("must be a plain path, without wildcards, quotes and $")
    return path


def outlives(path: str) -> str:
    """Return a folder that may be kept between jobs or runs.

    Raises:
        ValueError: when it holds what decides what runs.
    """
    if posixpath.normpath(path).partition("/")[0] in _OURS:
        raise ValueError("must be a folder of the project's own, and not the repository, git's or mlcicd's")
    return plain(path)


def check(config: Config) -> None:
    """Refuse steps and jobs that have no place, or that would not run.

    Raises:
        PlacedError: at the first problem.
    """
    for place, one in _surroundings(config):
        _check_surroundings(config, place, one)
    _check_steps(config)
    for id, job in config.jobs.items():
        _check_job(config, id, job)
    _check_order(config)


def targets(config: Config) -> tuple[str, ...]:
    """Return the jobs that this configuration makes by itself, in their order."""
    made = {
        "status": config.status is not None,
        "test": config.test is not None,
        "validate": config.validate_ is not None and config.validate_.at("data"),
        "train": config.train is not None,
        "lock": config.train is not None and config.train.lock != "none",
        "comment": config.report.comment != "never",
    }
    return tuple(id for id in _ORDER if made.get(id, True))


def _surroundings(config: Config) -> Iterator[tuple[Place, Surroundings]]:
    stages = {"status": config.status, "test": config.test, "validate": config.validate_, "train": config.train}
    yield from (((key,), one) for key, one in stages.items() if one is not None)
    yield from ((("jobs", id), job) for id, job in config.jobs.items())


def _check_surroundings(config: Config, place: Place, one: Surroundings) -> None:
    for name in one.services:
        try:
            free(host(name))
        except ValueError as error:
            raise PlacedError((*place, "services", name), f"choose another name: {error}") from None
    spare = _COPIES - int(place in (("validate",), ("train",)) and bool(config.data and config.data.cache))
    if "gitlab" in config.platforms and len(one.cache) > spare:
        raise PlacedError((*place, "cache", spare), f"GitLab keeps {_COPIES} folders of a job, with that of data.cache")
    slugs: dict[str, int] = {}
    for number, kept in enumerate(one.cache):
        if slugs.setdefault(slug(kept.path), number) != number:
            raise PlacedError((*place, "cache", number, "path"), "is not told apart from another folder of this job")
        if "gitlab" in config.platforms and len(kept.key) > _FILES:
            raise PlacedError((*place, "cache", number, "key"), "GitLab takes two files at most for the key of a copy")


def _check_steps(config: Config) -> None:
    sections = {
        "status": config.status,
        "test": config.test,
        "validate": config.validate_,
        "train": config.train,
        "report": config.report,
    }
    stages = [name for name, section in sections.items() if section is not None]
    seen: dict[str, int] = {}
    for number, step in enumerate(config.steps):
        place: Place = ("steps", number)
        _check_step(step, place, stages)
        if not step.slug:
            raise PlacedError((*place, "name"), "needs a letter (a to z) or a digit")
        if seen.setdefault(step.slug, number) != number:
            raise PlacedError((*place, "name"), f"is also the name of steps[{seen[step.slug]}]")
        if step.slug in config.jobs:
            raise PlacedError((*place, "name"), f"is also the id of a job: `mlcicd step {step.slug}` could mean both")


def _check_step(step: ExtraStep, place: Place, stages: Sequence[str]) -> None:
    if (step.before is None) == (step.after is None):
        raise PlacedError(place, "needs exactly one of before and after")
    key = "before" if step.before else "after"
    if step.stage not in stages:
        raise PlacedError((*place, key), f"there is no {step.stage} here; this configuration has {', '.join(stages)}")
    if step.secrets and step.stage == "report":
        raise PlacedError((*place, "secrets"), "the report is also made for forks: use a job with `after: [report]`")
    _check_secrets(step.secrets, place)


def _check_secrets(names: Sequence[str], place: Place) -> None:
    if token := next((name for name in names if name in _TOKENS), None):
        raise PlacedError(
            (*place, "secrets"), f"{token} may write to the repository, and is for mlcicd alone: name a secret of yours"
        )


def _check_job(config: Config, id: str, job: ExtraJob) -> None:
    place: Place = ("jobs", id)
    if id in _ORDER:
        raise PlacedError(place, f"mlcicd has a job of this name; taken are {', '.join(_ORDER)}")
    _check_secrets(job.secrets, place)
    if job.runner != "default" and job.runner not in config.runners:
        known = ", ".join(["default", *config.runners])
        raise PlacedError((*place, "runner"), f"no runner is named '{job.runner}'; known: {known}")
    if (job.run is None) == (not job.files):
        raise PlacedError(place, "needs either run, or a file for each platform")
    if job.run is not None:
        return
    if missing := [name for name in config.platforms if name not in job.files]:
        raise PlacedError(place, f"has no file for {missing[0]}, which is one of platforms: add `{missing[0]}: …`")
    own = job.model_fields_set - {"name", "after", "before", "github", "gitlab"}
    if own:
        key = sorted(own)[0].replace("_", "-")
        raise PlacedError((*place, key), "stands in the platform's own file, where there is one")


def _check_order(config: Config) -> None:
    """Refuse jobs that wait for what does not exist, or for each other."""
    ours = targets(config)
    graph = {id: {other for other in _ORDER[id] if other in ours} for id in ours}
    graph |= {id: set() for id in config.jobs}
    waitable = [id for id in graph if id not in _SOMETIMES]
    for id, job in config.jobs.items():
        _check_known("after", id, job.after, waitable)
        _check_known("before", id, job.before, list(graph))
        graph[id].update(job.after)
        for other in job.before:
            graph[other].add(id)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle: list[str] = error.args[1]
        first = next(id for id in circle if id in config.jobs)
        key = "before" if config.jobs[first].before else "after"
        raise PlacedError(("jobs", first, key), f"would wait for itself: {' → '.join(circle)}") from None


def _check_known(key: str, id: str, named: Sequence[str], known: Sequence[str]) -> None:
    for number, other in enumerate(named):
        if other == id:
            raise PlacedError(("jobs", id, key, number), "is the job itself")
        if other not in known:
            choice = ", ".join(name for name in known if name != id)
            why = "does not run on every event" if other in _SOMETIMES else "there is no such job"
            raise PlacedError(("jobs", id, key, number), f"{other}: {why}; jobs that can be named here: {choice}")


def slug(text: str) -> str:
    """Return text as small letters, digits and dashes; "" when there is nothing of the kind in it."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def host(service: str) -> str:
    """Return the variable that says where a service is found."""
    return f"{service.upper().replace('-', '_')}_HOST"
