"""M12: caches."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcicd.lint.document import Document, Node
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Rule
from mlcicd.lint.workflows import STRANGERS, Step, jobs, steps_of, triggers

_CACHES = frozenset({"actions/cache", "actions/cache/restore"})
_SETUPS = re.compile(r"(actions/setup-\w+|astral-sh/setup-uv)\Z")
_DELIVERS = re.compile(
    r"\btwine\s+upload\b|\buv\s+publish\b|\bdocker\s+push\b|\bkubectl\s+apply\b|\bhelm\s+upgrade\b|\bterraform\s+apply\b"
    r"|\baws\s+sagemaker\s+(create|update)-endpoint\b|\bgcloud\s+(run|ai\s+endpoints)\s+deploy|\bgto\s+(register|assign)\b"
    r"|\bmlflow\s+(deployments|models\s+serve)\b|\bdatabricks\s+bundle\s+deploy\b|\bbentoml\s+(deploy|push)\b"
)
_DELIVERERS = frozenset({"pypa/gh-action-pypi-publish", "docker/build-push-action"})


class CacheInDelivery(Rule):
    """A job that delivers restores no cache.

    Why: any job of the branch that ran somebody's code could write the cache, and what is in it, packages, models,
    compiled files, is code of the next job. That is how the wheels of Ultralytics were changed in December 2024.

    Instead: install from the lock in such a job, and set `cache-mode: none` for it.
    """

    id = "M12"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """Jobs that publish, deploy or register, and jobs of strangers, whose cache is the default branch's."""
        strangers = sorted(triggers(doc) & STRANGERS)
        for _, job in jobs(doc):
            why = f"runs on `{strangers[0]}`" if strangers else "delivers" if _delivers(doc, job) else ""
            if not why or self._is_off(doc, job):
                continue
            for step in steps_of(doc, job):
                if place := _cache(step):
                    yield self.at(place, f"{step.label}: uses a cache in a job that {why}")

    def _is_off(self, doc: Document, job: Node) -> bool:
        mode = job.get("cache-mode") or doc.root.get("cache-mode")
        return mode.text in ("none", "write-only")


def _delivers(doc: Document, job: Node) -> bool:
    pushes = [step for step in steps_of(doc, job) if step.action in _DELIVERERS]
    if any(step.action != "docker/build-push-action" or step.given("push").value is True for step in pushes):
        return True
    return any(_DELIVERS.search(step.node.get("run").text) for step in steps_of(doc, job))


def _cache(step: Step) -> Node:
    if step.action in _CACHES:
        return step.uses
    if _SETUPS.match(step.action):
        given = step.given("enable-cache") if "setup-uv" in step.action else step.given("cache")
        return given if given.text not in ("", "false") else step.node.get("")
    return step.node.get("")
