"""A pipeline file of ours, read back: what each job needs, sees and may."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from mlcicd import yamlio
from mlcicd.plan.model import EVENTS, Event
from mlcicd.platforms import conditions
from mlcicd.platforms.common import Laid, UnreadableError
from mlcicd.platforms.conditions import UnclearError

_SOURCES: Mapping[Event, str] = {"pull_request": "merge_request_event", "push": "push", "manual": "web"}
_DURATION = re.compile(r"(\d+)\s*(h|m)")
_OURS, _TEAM, _FORK = "mlcicd-", "1", "2"


def read(text: str) -> dict[str, Laid]:
    """Read every job back from the file, by the plan's ids.

    Raises:
        UnreadableError: when it is no pipeline, or a rule's condition is not one of ours.
    """
    try:
        tree = yamlio.load_foreign(text)
        jobs = {id: job for id, job in tree.items() if id.startswith(_OURS)}
        saved = {id: _saves(job) for id, job in jobs.items()}
        return {id.removeprefix(_OURS): _job(job, saved) for id, job in jobs.items()}
    except yamlio.Unreadable as error:
        raise UnreadableError(f"line {error.place.line}: {error.reason}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableError(f"is no pipeline: {type(error).__name__} {error}") from None


def _job(job: Mapping[str, Any], saved: Mapping[str, frozenset[str]]) -> Laid:
    needs = tuple(need["job"].removeprefix(_OURS) for need in job["needs"])
    try:
        events = frozenset(event for event in EVENTS if _rule(job, event, _TEAM) is not None)
        forks = _rule(job, "pull_request", _FORK) is not None
        always = frozenset(event for event in events if (_rule(job, event, _TEAM) or {}).get("when") == "always")
    except UnclearError as error:
        return Laid(needs=needs, own=job, unclear=str(error))
    loaded = [saved.get(need["job"], frozenset()) for need in job["needs"] if need.get("artifacts", True)]
    image = job.get("image", "")
    return Laid(
        needs=needs,
        events=events,
        forks=forks,
        always=always,
        may_fail=job.get("allow_failure", False) is not False,
        timeout=_minutes(job.get("timeout", "")),
        environment=str((job.get("environment") or {}).get("name", "")),
        verbs=tuple(_verbs(job.get("script", ()))),
        clouds=len(job.get("id_tokens", ())),
        saves=_saves(job),
        loads=frozenset().union(*loaded),
        container=str(image.get("name", "") if isinstance(image, dict) else image),
        services=frozenset(service["alias"] for service in job.get("services", ()) if "alias" in service),
        own=job,
    )


def _rule(job: Mapping[str, Any], event: Event, origin: str) -> Mapping[str, Any] | None:
    """Return the rule by which a job joins a pipeline, the first that holds."""
    is_change = event == "pull_request"
    known = {
        "$CI_PIPELINE_SOURCE": _SOURCES[event],
        "$CI_COMMIT_BRANCH": "" if is_change else "main",
        "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID": origin if is_change else "",
        "$CI_MERGE_REQUEST_PROJECT_ID": _TEAM if is_change else "",
    }
    for rule in job["rules"]:
        if rule.keys() - {"if", "when", "interruptible", "variables"}:
            raise UnclearError(", ".join(sorted(rule)))
        condition = re.sub(r'(\$CI_COMMIT_BRANCH == )"[^"]*"', r'\1"main"', rule.get("if", '"always"'))
        if conditions.holds(condition, known):
            return None if rule.get("when") == "never" else dict(rule)
    return None


def _saves(job: Mapping[str, Any]) -> frozenset[str]:
    artifacts = job.get("artifacts") or {}
    return frozenset([artifacts["name"]] if "name" in artifacts else [])


def _minutes(text: str) -> int:
    return sum(int(number) * {"h": 60, "m": 1}[unit] for number, unit in _DURATION.findall(text))


def _verbs(script: Any) -> Iterator[str]:
    for line in script:
        words = shlex.split(line)
        if words[:1] == ["mlcicd"] and words[1] != "setup":
            yield "check" if words[1:3] == ["generate", "--check"] else words[1]
