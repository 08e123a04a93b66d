"""What a change alters about its own examination: gates, settings, and the code and files that metrics come from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mlcicd import yamlio
from mlcicd.config.model import Config
from mlcicd.errors import UsageError
from mlcicd.runtime import base as bases
from mlcicd.runtime.report.model import Notice
from mlcicd.runtime.report.shorten import notice
from mlcicd.runtime.storage import tracked

# Settings that decide what is examined, and how: name, section ("" for a key at the top), field.
DECISIVE = (
    ("runners", "", "runners"),
    ("steps", "", "steps"),
    ("project.root", "project", "root"),
    ("data.verify", "data", "verify"),
    ("status.remote", "status", "remote"),
    ("validate.checkpoints", "validate_", "checkpoints"),
    ("validate.suites", "validate_", "suites"),
    ("validate.splits", "validate_", "splits"),
    ("validate.checks", "validate_", "checks"),
    ("validate.unpickle", "validate_", "unpickle"),
    ("validate.env", "validate_", "env"),
    ("test.command", "test", "command"),
    ("test.env", "test", "env"),
    ("train.command", "train", "command"),
    ("train.container", "train", "container"),
    ("train.env", "train", "env"),
    ("train.runner", "train", "runner"),
    ("train.repeat", "train", "repeat"),
    ("train.seed", "train", "seed"),
    ("train.smoke", "train", "smoke"),
    ("report.metrics", "report", "metrics"),
    ("report.predictions", "report", "predictions"),
    ("report.margins", "report", "margins"),
)
_RESULTS = ("metrics", "plots")


def settings(config: Config, at_base: Config) -> list[Notice]:
    """Say what a change alters in the configuration."""
    gates = [one for one in (*config.gates, *at_base.gates) if (one in config.gates) != (one in at_base.gates)]
    sections = {"data": "data", "status": "status", "validate": "validate_", "test": "test", "train": "train"}
    removed = [name for name, field in sections.items() if getattr(at_base, field) and not getattr(config, field)]
    names = list(dict.fromkeys(one.metric for one in gates))
    altered = [name for name, section, key in DECISIVE if _differs(config, at_base, section, key)]
    notices = [notice("gates-changed", *names)] if names else []
    notices += [notice("settings-changed", *altered)] if altered else []
    return notices + ([notice("sections-removed", *removed)] if removed else [])


def code(root: Path, base: str, metric_files: Collection[str]) -> list[Notice]:
    """Say which files in git that a change alters are read by the stages that write metrics.

    Args:
        root: the project's folder.
        base: commit to compare with, or "".
        metric_files: relative to the folder.
    """
    try:
        stages = tracked.read(root).stages.values() if base else ()
    except UsageError:  # told by who needs it
        return []
    writing = [stage for stage in stages if any(out.path in metric_files for out in stage.outs)]
    made = {out.path for stage in stages for out in stage.outs}
    read = sorted({path for stage in writing for path in stage.deps} - made)
    altered = bases.differing(root, base, read)
    return [notice("metric-code", *altered)] if altered else []


def outputs(root: Path, base: str) -> list[Notice]:
    """Say which lists of metrics and plots in `dvc.yaml` files a change alters."""
    files = tracked.files(root, "*dvc.yaml")
    both = {*files, *bases.listed(root, base, "dvc.yaml")} if base else set()
    names = []
    for file in bases.differing(root, base, sorted(both)):
        now = _results((root / file).read_bytes() if file in files else b"")
        then = _results(bases.show(root, base, file) or b"")
        names += [f"{file}: {place}" for place in sorted({*now, *then}) if now.get(place) != then.get(place)]
    return [notice("outputs-changed", *names)] if names else []


def _results(raw: bytes) -> Mapping[str, Any]:
    """Return each list of metrics and plots by its place: `metrics`, `evaluate.metrics`."""
    try:
        tree = yamlio.load_foreign(raw.decode("utf-8", "replace")) if raw else {}
    except yamlio.Unreadable:
        return {}
    top = _mapping(tree)
    stages = {name: _mapping(_mapping(stage).get("do") or stage) for name, stage in _mapping(top.get("stages")).items()}
    found = {key: top[key] for key in _RESULTS if key in top}
    return found | {f"{name}.{key}": body[key] for name, body in stages.items() for key in _RESULTS if key in body}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _differs(config: Config, at_base: Config, section: str, key: str) -> bool:
    """Tell whether both have a section and disagree on one of its settings."""
    mine, theirs = (getattr(one, section) if section else one for one in (config, at_base))
    return bool(mine and theirs) and getattr(mine, key) != getattr(theirs, key)
