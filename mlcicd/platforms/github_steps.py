"""The steps of a workflow's job: each is one of our actions, but for the checkout."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from mlcicd.plan.model import Cache, Call, Folder, Pipeline, Save, Setup, Step

# What the action `save` does by default, as the plan does; it is not written out.
_SAVE = Save(artifact="")
# Where the action `load` puts an artifact by default.
_ROOT = ".mlcicd"


def view(step: Step, words: Mapping[str, str], folders: Mapping[str, str]) -> dict[str, Any]:
    """Translate a step; an input is written only where it differs from the action's default."""
    if isinstance(step, Setup):
        inputs: list[tuple[str, object]] = [("source", words["source"])] if words["source"] else []
        inputs += [] if step.project else [("project", False)]
        inputs += [("tables", True)] if step.tables else []
        return {
            "kind": "setup",
            "checkout": _checkout(step, words),
            **_action("setup", words),
            "inputs": inputs,
        }
    if isinstance(step, Call):
        return {
            "kind": "call",
            "name": step.name,
            "why": step.why,
            **_action(step.verb, words),
            "inputs": [*([("name", step.argument)] if step.argument else []), *step.inputs.items()],
            "secrets": [(name, f"${{{{ secrets.{name} }}}}") for name in step.secrets],
        }
    if isinstance(step, Cache):
        return {
            "kind": "call",
            "name": "Bring back kept data",
            "why": step.why,
            **_action("cache", words),
            # The folder is the one that the action keeps by default, as a test sees.
            "inputs": [("purpose", step.purpose)],
            "secrets": [],
        }
    if isinstance(step, Folder):
        return {
            "kind": "call",
            "name": f"Bring back {step.path}",
            "why": "",
            **_action("folder", words),
            "inputs": [
                ("purpose", step.purpose),
                ("path", step.path),
                *([("files", "\n".join(step.files))] if step.files else []),
            ],
            "secrets": [],
        }
    if isinstance(step, Save):
        return {
            "kind": "save",
            **_action("save", words),
            "artifact": step.artifact,
            "paths": [] if step.paths == _SAVE.paths else list(step.paths),
            "days": None if step.days == _SAVE.days else step.days,
        }
    return {
        "kind": "load",
        **_action("load", words),
        "artifacts": [{"name": name, "path": folders.get(name, "")} for name in step.artifacts],
    }


def roots(pipeline: Pipeline) -> dict[str, str]:
    """Return the folders that artifacts come back to, where it is not the usual one: what is above all their paths."""
    saves = [save for job in pipeline.jobs for save in job.saves]
    found = {save.artifact: _above(save.paths) for save in saves}
    return {artifact: folder for artifact, folder in found.items() if folder != _ROOT}


def _above(paths: Sequence[str]) -> str:
    """Return where the platform's own upload action begins the names in an artifact."""
    if len(paths) == 1:
        return paths[0].rstrip("/") if paths[0].endswith("/") else posixpath.dirname(paths[0]) or "."
    return posixpath.commonpath([posixpath.normpath(path) for path in paths]) or "."


def _checkout(step: Setup, words: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the checkout step; actions that are kept in the repository must be there in every job."""
    if step.history == "none" and not words["source"]:
        return None
    return {
        "uses": words["checkout"],
        "version": words["checkout_version"],
        # A pull request is checked out as its merge, so the second commit of depth is the base.
        "depth": 2 if step.history == "base" else None,
        "why": step.why,
        # The job without a checkout has no code of the change: it takes the actions as the base branch has them.
        "base": step.history == "none",
    }


def _action(name: str, words: Mapping[str, str]) -> dict[str, str]:
    """Name one of our actions; a server of one's own has the older artifact service, and other actions for it."""
    folder = words["artifacts"] if name in ("save", "load") else ""
    return {"uses": words["prefix"] + folder + name + words["suffix"], "note": words["note"]}
