"""From findings to what the templates lay out: values that the file format accepts, each with its source."""

from __future__ import annotations

import functools
import itertools
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mlcicd import __version__, release
from mlcicd.config import fields as types
from mlcicd.detect import Found, Seen, dvc
from mlcicd.runtime import direction
from mlcicd.starter import gates

SCHEMA = f"https://raw.githubusercontent.com/{release.REPOSITORY}/v{__version__}/docs/mlcicd.schema.json"
# In the order of the file. A section whose view is empty is an example in a comment; these two are left out instead.
SECTIONS = ("project", "data", "validate", "test", "train", "report", "gates")
WITHOUT_EXAMPLE = ("project", "report")
PULLING = "dvc repro --pull --allow-missing"
MAX_LEFT_OUT = 5
_BROKEN = re.compile(r"((?:[^:]*/)?dvc\.yaml): not (?:used|read): ")
_NOTHING = Seen(value="pytest -q", source="an example: nothing to run was seen here")
_REMARKS = {
    "local": "This remote is a path on one machine: CI's machines will not have it.",
    "ssh": "The runner needs an SSH key that this remote accepts.",
}
# How a job can log in with its own identity, where nothing is stored.
_IDENTITY = {
    "s3": "{aws: {role: ARN, region: REGION}}",
    "gs": "{gcp: {provider: NAME, service-account: ADDRESS}}",
    "azure": "{azure: {client: ID, tenant: ID}}",
}


def view(found: Found) -> dict[str, Any]:
    """Return what `templates/init` prints: a key for each section, None where nothing was seen."""
    view: dict[str, Any] = {
        "schema": SCHEMA,
        "platforms": found.repository.platforms,
        "project": _project(found),
        "data": _data(found.remote),
        "validate": _validate(found),
        "test": found.test,
        "train": _train(found),
        "returns": bool(found.pipelines and found.remote),
        "report": _report(found),
        "gates": gates.suggest([metric for metric in found.metrics if _fits(types.MetricName, metric.name)]),
        "ungated": _ungated(found),
        "left_out": list(itertools.islice(_left_out(found), MAX_LEFT_OUT)),
    }
    if not (view["validate"] or view["test"] or view["train"]):
        view["test"] = _NOTHING
    return view


def _project(found: Found) -> dict[str, Any] | None:
    fields = {
        "python": found.python,
        "install": found.install,
        "root": found.root if found.root.value != "." and _fits(types.RelativePath, found.root.value) else None,
        "branch": found.repository.branch if _fits(types.Branch, found.repository.branch.value) else None,
    }
    return fields if any(fields.values()) else None


def _data(remote: dvc.Remote | None) -> dict[str, Any] | None:
    if remote is None or not _fits(types.Text, remote.name):
        return None
    chosen = "DVC's default" if remote.default else "the only one"
    secrets = {"secrets": list(remote.secrets)}
    return {
        "remote": Seen(value=remote.name, source=f"{chosen} ({remote.kind}), {dvc.CONFIG}"),
        "credentials": Seen(value=secrets, source=f"usual for {remote.kind}") if remote.secrets else None,
        "identity": _IDENTITY.get(remote.kind) if remote.secrets or remote.kind == "gs" else None,
        "remarks": [_REMARKS[remote.kind]] if remote.kind in _REMARKS else [],
    }


def _validate(found: Found) -> dict[str, Any] | None:
    checkpoints = _checkpoints(found.checkpoints)
    suites = [{"data": data, "suite": suite} for data, suite in found.tables.suites if _are_paths(data, suite)]
    # What a pipeline makes is judged once it is made, so without a pipeline there is no split to judge.
    splits = [{"train": train, "test": test} for train, test in found.tables.splits if _are_paths(train, test)]
    splits = splits if found.pipelines else []
    if not (checkpoints or suites or splits):
        return None
    return {"checkpoints": checkpoints, "suites": suites, "splits": splits}


def _are_paths(*paths: str) -> bool:
    return all(_fits(types.RelativePath, path) for path in paths)


def _checkpoints(seen: Seen[tuple[str, ...]] | None) -> Seen[list[str]] | None:
    names = [name for name in seen.value if _fits(types.Text, name)] if seen else []
    return Seen(value=names, source=seen.source) if seen and names else None


def _train(found: Found) -> Seen[str] | None:
    if not found.pipelines:
        return found.train
    files = [pipeline.file for pipeline in found.pipelines]
    words = [PULLING if found.remote else "dvc repro"]
    if len(files) > 1:
        words.append("--all-pipelines")
    elif not _fits(types.RelativePath, files[0]):
        return None
    elif files[0] != dvc.FILE:
        words.append(shlex.quote(files[0]))
    stages = list(dict.fromkeys(stage for pipeline in found.pipelines for stage in pipeline.stages))
    return Seen(value=" ".join(words), source=f"{some(files)}: {some(stages)}")


def _report(found: Found) -> Seen[list[str]] | None:
    if found.pipelines or not found.metric_files:
        return None
    return Seen(value=list(found.metric_files), source="seen here")


def _ungated(found: Found) -> str:
    """Say why no gate could be suggested."""
    if found.metrics:
        names = some([metric.name for metric in found.metrics])
        return f"not clear what is good for {names}: min, max, max-drop or max-rise"
    if found.metric_files:
        return f"no value is here yet in {some(found.metric_files)}"
    return "not seen: metrics"


def _left_out(found: Found) -> Iterator[str]:
    """Name what was seen and cannot be written, because the file format does not accept such a name."""
    named = (
        ("default branch", types.Branch, [found.repository.branch.value]),
        ("folder", types.RelativePath, [found.root.value, *(pipeline.file for pipeline in found.pipelines)]),
        ("DVC remote", types.Text, [found.remote.name] if found.remote else []),
        ("checkpoint", types.Text, found.checkpoints.value if found.checkpoints else []),
        ("metric", types.MetricName, [metric.name for metric in found.metrics if direction.better(metric.key)]),
    )
    for what, kind, names in named:
        yield from (f"the {what} {some([name])}" for name in names if not _fits(kind, name))


def broken(found: Found) -> str:
    """Return the `dvc.yaml` that is here and cannot be read, "" when there is none.

    What it would say is unknown then, so that everything that is inferred without a pipeline may be wrong.
    """
    return next((told[1] for notice in found.notices if (told := _BROKEN.match(notice))), "")


def some(names: Sequence[str], most: int = 4) -> str:
    """Join names for a note: a few, and how many more; long ones are cut."""
    shown = [name if len(name) <= 40 else f"{name[:39]}…" for name in names[:most]]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")


def _fits(kind: Any, value: object) -> bool:
    """Tell whether the file format accepts a value as this kind of text."""
    try:
        _adapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
