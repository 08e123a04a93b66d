"""What several rules ask about a GitLab pipeline: its jobs, what they inherit, their scripts and their rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from mlcicd.lint.document import Document, Node
from mlcicd.lint.shell import Script, script

_NOT_JOBS = frozenset(
    {"default", "include", "stages", "variables", "workflow", "image", "services", "before_script", "after_script",
     "cache", "spec", "types"}
)  # fmt: skip
_SCRIPTS = ("before_script", "script", "after_script")
_MERGE_REQUEST = re.compile(r"merge_request_event|CI_MERGE_REQUEST_|CI_OPEN_MERGE_REQUESTS")
_OWN_PROJECT = re.compile(r"CI_MERGE_REQUEST_SOURCE_PROJECT_(ID|PATH|URL)")
_MAX_PARENTS = 11  # GitLab's own limit of `extends`
_MAX_NAME = 255  # and of a job's name
_MANY = 1024


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job or, with a dot in front, a template of jobs.

    Attributes:
        key: where its name stands.
        node: what it says itself.
        parents: what it extends, the nearest first.
        complete: whether all of its parents stand in this file.
    """

    key: Node
    node: Node
    parents: tuple[Node, ...]
    complete: bool

    @property
    def name(self) -> str:
        """As the pipeline shows it."""
        return self.key.text[:_MAX_NAME]

    @property
    def hidden(self) -> bool:
        """Whether it never runs by itself."""
        return self.name.startswith(".")

    def get(self, key: str) -> Node:
        """The value of a key, of the job itself or inherited by `extends`."""
        found = (parent.get(key) for parent in (self.node, *self.parents))
        return next((value for value in found if value), self.node.get(key))


@lru_cache(maxsize=4)
def jobs(doc: Document) -> tuple[Job, ...]:
    """Return the jobs and templates of a pipeline."""
    known = {
        key.text: (key, value) for key, value in doc.root.items() if value.is_mapping and key.text not in _NOT_JOBS
    }
    nodes = {name: node for name, (_, node) in known.items()}
    return tuple(_job(key, value, nodes) for key, value in known.values())


def _job(key: Node, node: Node, known: dict[str, Node]) -> Job:
    parents: list[Node] = []
    complete, waiting = True, node.get("extends").texts()  # the last counts most
    while waiting and len(parents) < _MAX_PARENTS:
        parent = known.get(waiting.pop())
        complete = complete and parent is not None
        if parent is not None:
            parents.append(parent)
            waiting += parent.get("extends").texts()
    return Job(key=key, node=node, parents=tuple(parents), complete=complete)


@lru_cache(maxsize=4)
def scripts(doc: Document) -> tuple[Script, ...]:
    """Return every line of every script; a line that several jobs share by an anchor once."""
    places = [("the pipeline's defaults", doc.root), ("the pipeline's defaults", doc.root.get("default"))]
    places += [(f"job {job.name}", job.node) for job in jobs(doc)]
    seen: set[int] = set()
    return tuple(
        script(line, label, place, place)
        for label, place in places
        for key in _SCRIPTS
        for line in _lines(place.get(key), seen)
    )


def _lines(node: Node, seen: set[int], depth: int = 0) -> Iterator[Node]:
    """Yield the lines below that were not seen before, and remember them."""
    if node.tag or depth > _MAX_PARENTS or id(node.tree) in seen:
        return  # `!reference` takes lines from elsewhere
    seen.add(id(node.tree))
    if node.is_scalar:
        yield node
    for item in node:
        yield from _lines(item, seen, depth + 1)


def variables(doc: Document) -> Iterator[tuple[Node, Node]]:
    """Yield every variable that the file sets: its key, and the scalar that is its value."""
    places = [
        doc.root,
        *(job.node for job in jobs(doc)),
        *(rule for job in jobs(doc) for rule in job.node.get("rules")),
    ]
    for place in places:
        for key, value in place.get("variables").items():
            yield key, value.get("value") or value


@lru_cache(maxsize=_MANY)
def clauses(rules: Node) -> tuple[Node, ...]:
    """Return the clauses of `rules`, which many jobs may inherit, that add a job to a pipeline."""
    return tuple(rule for rule in rules if rule.is_mapping and rule.get("when").text != "never")


@lru_cache(maxsize=_MANY)
def has_manual(rules: Node) -> bool:
    """Whether a person may have to start a job with these `rules`."""
    return any(rule.get("when").text == "manual" for rule in rules)


def for_merge_requests(condition: str) -> bool:
    """Whether a condition is about merge requests."""
    return bool(_MERGE_REQUEST.search(condition))


def own_project(condition: str) -> bool:
    """Whether a condition asks which project the change comes from."""
    return bool(_OWN_PROJECT.search(condition))
