"""Weigh what was measured: get the evidence there is on noise, and what gates compare with besides the base."""

from __future__ import annotations

import dataclasses
import datetime
import math
from pathlib import Path

from mlcicd.errors import MlcicdError
from mlcicd.runtime import base as bases
from mlcicd.runtime import direction
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.gate import Override, Reference
from mlcicd.runtime.metrics import Key
from mlcicd.runtime.report import history, judged, overrides
from mlcicd.runtime.report.build import Collected
from mlcicd.runtime.report.judged import Rules, Side
from mlcicd.runtime.report.model import Machine, Notice
from mlcicd.runtime.report.other import Reader
from mlcicd.runtime.report.shorten import notice
from mlcicd.runtime.verdict import BASE


def weigh(found: Collected, reader: Reader, ci: Ci, notices: list[Notice]) -> Collected:
    """Return what was collected, with references, intervals, history and overrides.

    Args:
        found: the rest of the report.
        reader: reads other commits.
        ci: this run.
        notices: filled with what the reader of the report has to know.
    """
    if found.change is None or found.smoke:
        return found
    repeated = judged.seeds(found.training.seeds) if found.training else {}
    change = reader.change(found.change, repeated)
    base = reader.commit(found.base, found.before)
    refs = dict.fromkeys(one.gate.against for one in found.gates if one.gate.against != BASE)
    sides = {BASE: base, **{ref: _side(reader, ref) for ref in refs}}
    references = _compared(reader, change, sides, notices)
    if base.untrained:
        notices.append(notice("base-untrained", *dict.fromkeys(base.untrained.values())))
    told = [*reader.stale]
    if judged.is_idle(repeated):
        told.append("all seeds gave the same numbers, so they measure no noise: does train.seed reach the program?")
    notices += [notice("seeds", *told)] if told else []
    return dataclasses.replace(
        found,
        before=base.values,
        references=references,
        base_seeds=base.seeds,
        base_machine=_other_machine(found, base),
        history=_history(found, reader, references[BASE], ci),
        overrides=_overrides(found, ci, notices),
    )


def _other_machine(found: Collected, base: Side) -> Machine | None:
    """Return what the base was trained on, when that is known to be another type of machine than this change's."""
    here = found.training.hardware if found.training else None
    if base.machine is None or here is None or judged.is_same_type(base.machine, here):
        return None
    return Machine.model_validate(base.machine.model_dump())


def _side(reader: Reader, ref: str) -> Side:
    try:
        return reader.commit(bases.named(reader.sides.root, ref))
    except MlcicdError as error:
        return Side(reason=error.message)


def _compared(reader: Reader, change: Side, sides: dict[str, Side], notices: list[Notice]) -> dict[str, Reference]:
    rules = Rules(predictions=reader.predictions, columns=tuple(reader.columns))
    both = {name: judged.compare(change, side, rules) for name, side in sides.items()}
    said = dict.fromkeys(line for _, lines in both.values() for line in lines)
    notices += [notice("predictions", *said)] if said else []
    return {name: reference for name, (reference, _) in both.items()}


def _history(found: Collected, reader: Reader, base: Reference, ci: Ci) -> dict[Key, list[float]]:
    """Return earlier values of what moved and has no better evidence."""
    numbers = found.change.numbers if found.change else {}
    before = found.before.numbers if found.before else {}
    moved = {
        key
        for key, number in numbers.items()
        if key not in base.intervals
        and math.isfinite(number)
        and before.get(key, number) != number
        # Which machines the earlier values are of, nothing says, and a time is mostly about the machine.
        and not direction.is_cost(key[1])
    }
    return history.read(reader.sides.root, found.base.sha, moved, fetch=bool(ci.forge) and not base.intervals)


def _overrides(found: Collected, ci: Ci, notices: list[Notice]) -> list[Override]:
    """Return what the base commit says: a file of the change itself would be its own judge."""
    # It stands beside mlcicd.yaml, where `report` is called.
    raw = bases.show(Path(), found.base.sha, overrides.FILE) if found.base.sha else None
    if raw is None:
        return []
    known, wrong = overrides.read(raw, ci.change, datetime.datetime.now(datetime.UTC).date())
    notices += [notice("overrides", *wrong)] if wrong else []
    return known
