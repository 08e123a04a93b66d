"""The facts of the jobs, cut to what the report may hold."""

from __future__ import annotations

import re
from typing import Any

from mlcicd import secrets
from mlcicd.runtime import facts
from mlcicd.runtime.report.model import (
    MAX_NEEDS,
    MAX_TEXT,
    PAGE,
    Checkpoint,
    Expectation,
    Fetched,
    GpuCheck,
    InStep,
    Notice,
    OwnStep,
    Part,
    Report,
    Stale,
    Tests,
    Training,
    Validation,
)

MAX_CHECKPOINTS = 20
MAX_EXPECTATIONS = 40
MAX_LINES = 20
MAX_STAGES = 50
MAX_GPUS = 16
MAX_RUNS = 5


def text(value: str, limit: int = MAX_TEXT) -> str:
    """Cut a text, and replace what has no UTF-8 form (half a surrogate pair, as JSON can spell it)."""
    whole = value.encode("utf-8", "replace").decode("utf-8")
    if len(whole) > limit:
        whole = secrets.hide(whole)  # half a secret would not be found any more
    return whole if len(whole) <= limit else whole[: limit - 1] + "…"


def notice(kind: str, *names: str) -> Notice:
    """Return a notice that names at most 20 things."""
    return Notice.model_validate({"kind": kind, "names": tuple(text(name) for name in names[:20])})


def texts(report: Report, limit: int) -> Report:
    """Cut every text of a report but its addresses."""
    fields = report.model_dump().items()
    return Report(**{name: value if name.startswith("link_") else _cut(value, limit) for name, value in fields})


def data(found: facts.DataFacts | None) -> Fetched | None:
    """Return what was fetched."""
    if found is None:
        return None
    fields = _shared(found, Fetched)
    return Fetched(**fields | {"repaired": fields["repaired"][:MAX_LINES]})


def status(found: facts.StatusFacts | None) -> InStep | None:
    """Return whether all is in step, and what is not."""
    if found is None:
        return None
    stale = [step for step in found.steps if step.stale]
    return InStep(
        success=found.success,
        compared=len(found.steps),
        stale=tuple(Stale(name=text(step.name), why=_cut(step.why[:5])) for step in stale[:MAX_LINES]),
        missing=_cut(found.missing[:MAX_LINES]),
        repair=_cut(found.repair[:MAX_LINES]),
        error=text(found.error),
    )


def validation(found: facts.ValidateFacts | None) -> Validation | None:
    """Return data validation, what failed first."""
    if found is None:
        return None
    worst = sorted(found.checkpoints, key=lambda checkpoint: checkpoint.success)[:MAX_CHECKPOINTS]
    return Validation(
        **_shared(found, Validation, "checkpoints"), checkpoints=tuple(_checkpoint(checkpoint) for checkpoint in worst)
    )


def tests(found: facts.TestFacts | None) -> Tests | None:
    """Return the project's tests: the first that failed, the last lines."""
    if found is None:
        return None
    fields = _shared(found, Tests)
    return Tests(**fields | {"failures": fields["failures"][:MAX_LINES], "tail": fields["tail"][-MAX_LINES:]})


def gpu(found: facts.GpuFacts | None) -> GpuCheck | None:
    """Return what was found of GPUs."""
    if found is None:
        return None
    fields = _shared(found, GpuCheck)
    return GpuCheck(**fields | {"devices": fields["devices"][:MAX_GPUS]})


def training(found: facts.TrainFacts | None) -> Training | None:
    """Return the training: its machine, its stages, its last lines."""
    if found is None:
        return None
    fields, machine = _shared(found, Training), _shared(found.hardware, Training)
    return Training(
        **fields
        | {
            "stages": tuple(stage | {"needs": stage["needs"][:MAX_NEEDS]} for stage in fields["stages"][:MAX_STAGES]),
            "tail": fields["tail"][-MAX_LINES:],
            "smoke": fields["smoke"][:MAX_LINES],
            "tracked": tuple(_page(run) for run in fields["tracked"][:MAX_RUNS]),
        },
        **machine | {"gpus": machine["gpus"][:MAX_GPUS]},
    )


def step(found: facts.StepFacts, **place: Any) -> OwnStep:
    """Return a step or job of the team's own, whose place the configuration knows."""
    fields = _shared(found, OwnStep)
    return OwnStep(**fields | {"tail": fields["tail"][-MAX_LINES:]}, **place)


def _page(run: dict[str, Any]) -> dict[str, Any]:
    """Leave out an address that could be more than an address."""
    return run if re.fullmatch(PAGE, run["link"]) else run | {"link": ""}


def _checkpoint(found: facts.Checkpoint) -> Checkpoint:
    order = sorted(found.expectations, key=lambda item: (item.success, item.severity != "critical"))
    passed = sum(item.success for item in found.expectations)
    return Checkpoint(
        **_shared(found, Checkpoint, "expectations"),
        passed=passed,
        failed=len(found.expectations) - passed,
        warnings=sum(not item.success and item.severity != "critical" for item in found.expectations),
        expectations=tuple(Expectation(**_shared(item, Expectation)) for item in order[:MAX_EXPECTATIONS]),
    )


def _shared(found: facts.Facts, kind: type[Part], *without: str) -> dict[str, Any]:
    """Return the fields that facts and report both have."""
    both = (type(found).model_fields.keys() & kind.model_fields.keys()) - set(without)
    fields: dict[str, Any] = _cut(found.model_dump(include=both))
    return fields


def _cut(value: Any, limit: int = MAX_TEXT) -> Any:
    if isinstance(value, str):
        return text(value, limit)
    if isinstance(value, dict):
        return {key: _cut(item, limit) for key, item in value.items()}
    return tuple(_cut(item, limit) for item in value) if isinstance(value, list | tuple) else value
