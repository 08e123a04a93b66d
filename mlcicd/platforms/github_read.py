"""A workflow of ours, read back: what each job needs, sees and may."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlcicd import yamlio
from mlcicd.plan.model import EVENTS, Event
from mlcicd.platforms import conditions
from mlcicd.platforms.common import Laid, UnreadableError
from mlcicd.platforms.conditions import UnclearError

_TRIGGERS: Mapping[str, Event] = {"pull_request": "pull_request", "push": "push", "workflow_dispatch": "manual"}
_NAMES: Mapping[Event, str] = {event: name for name, event in _TRIGGERS.items()}
_SCOPES = {"contents": "code", "pull-requests": "comments", "id-token": "identity", "actions": "runs"}
_SECRET = re.compile(r"secrets\.([A-Za-z_][A-Za-z0-9_]*)")
_OURS = re.compile(r"(?:/actions/|^\./\.github/mlcicd/)(?:ghes/)?([a-z]+)(?:@|$)")
# Steps that are no verb's: they make the job's surroundings, or pass its results on.
_AROUND = ("setup", "save", "load", "cache", "folder")
_STATUS = re.compile(r"\b(?:always|cancelled|failure|success)\(\)")
# Whose code an event brings; only a pull request's can be a fork's.
_TEAM, _FORK = "acme/ml", "somebody/ml"


def read(text: str) -> dict[str, Laid]:
    """Read every job back from the workflow.

    Raises:
        UnreadableError: when it is not a workflow, or a job's condition is not one of ours.
    """
    try:
        tree = yamlio.load_foreign(text)
        if tree.get("permissions") != {}:
            raise UnreadableError("permissions: the workflow gives rights to every job")
        triggers = frozenset(event for name, event in _TRIGGERS.items() if name in tree["on"])
        return {id: _job(job, triggers) for id, job in tree["jobs"].items()}
    except yamlio.Unreadable as error:
        raise UnreadableError(f"line {error.place.line}: {error.reason}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(f"is no workflow: {type(error).__name__} {error}") from None


def _job(job: Mapping[str, Any], triggers: frozenset[Event]) -> Laid:
    needs = job.get("needs", ())
    needs = (needs,) if isinstance(needs, str) else tuple(needs)
    try:
        events = frozenset(event for event in EVENTS if event in triggers and _runs(job, event, _TEAM))
        forks = "pull_request" in triggers and _runs(job, "pull_request", _FORK)
        always = frozenset(event for event in events if _runs(job, event, _TEAM, failed=True))
    except UnclearError as error:
        return Laid(needs=needs, own=job, unclear=str(error))
    actions = list(_actions(job))
    rights = job.get("permissions") or {}
    return Laid(
        needs=needs,
        events=events,
        forks=forks,
        always=always,
        may_fail=job.get("continue-on-error", False) is not False,
        timeout=int(job.get("timeout-minutes", 0)),
        environment=_environment(job.get("environment", "")),
        verbs=tuple(name for name, _ in actions if name not in _AROUND),
        secrets=frozenset(_SECRET.findall(str(job))),
        writes=rights == "write-all" or any(level == "write" for name, level in _items(rights) if name != "id-token"),
        rights=_rights(rights),
        clouds=-1 if rights == "write-all" or dict(_items(rights)).get("id-token") == "write" else 0,
        saves=frozenset(inputs["artifact"] for name, inputs in actions if name == "save"),
        loads=frozenset(inputs["artifact"] for name, inputs in actions if name == "load"),
        container=_container(job.get("container", "")),
        services=frozenset(job.get("services") or {}),
        own=job,
    )


def _rights(value: Any) -> frozenset[str]:
    """Return rights in the plan's words; a word for all of them at once is none of those."""
    if isinstance(value, str):
        return frozenset([value])
    return frozenset(f"{level} {_SCOPES.get(name, name)}" for name, level in _items(value) if level != "none")


def _items(rights: Any) -> list[tuple[str, str]]:
    return list(rights.items()) if isinstance(rights, dict) else []


def _runs(job: Mapping[str, Any], event: Event, origin: str, *, failed: bool = False) -> bool:
    """Tell whether a job runs; without a word about the jobs before it, it wants them to have succeeded."""
    condition = str(job.get("if", "success()"))
    if not _STATUS.search(condition):
        condition = f"success() && ({condition})"
    is_change = event == "pull_request"
    return conditions.holds(
        condition,
        {
            "success()": not failed,
            "failure()": failed,
            "always()": True,
            "cancelled()": False,
            "github.event_name": _NAMES[event],
            "github.repository": _TEAM,
            "github.event.pull_request.head.repo.full_name": origin if is_change else "",
        },
    )


def _actions(job: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for step in job.get("steps", ()):
        if found := _OURS.search(step.get("uses", "")):
            yield found[1], step.get("with", {})


def _environment(value: Any) -> str:
    return str(value.get("name", "") if isinstance(value, dict) else value)


def _container(value: Any) -> str:
    return str(value.get("image", "") if isinstance(value, dict) else value)
