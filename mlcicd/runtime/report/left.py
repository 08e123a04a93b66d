"""What the jobs left in `.mlcicd/`, as the report takes it: which is missing, and which is of another commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from mlcicd.config.model import Config
from mlcicd.config.validation import When
from mlcicd.errors import UsageError
from mlcicd.runtime import facts, origin
from mlcicd.runtime.facts import VerbFacts
from mlcicd.runtime.report import extra, outdated
from mlcicd.runtime.report.build import Collected
from mlcicd.runtime.report.model import Job, Notice
from mlcicd.runtime.report.shorten import notice
from mlcicd.runtime.storage import tracked

Found = TypeVar("Found", bound=VerbFacts)

KINDS: Mapping[str, type[VerbFacts]] = {
    "data": facts.DataFacts,
    "status": facts.StatusFacts,
    "test": facts.TestFacts,
    "validate": facts.ValidateFacts,
    "validate-train": facts.ValidateFacts,
    "train": facts.TrainFacts,
}


def is_own(notices: list[Notice]) -> bool:
    """Tell whether `.mlcicd/` is this run's: what is committed there passes for results of jobs that never ran."""
    names = tracked.committed(Path(), [str(facts.FOLDER)])
    committed = [name for name in names if name and not name.endswith(".gitignore")]
    if committed:
        notices.append(notice("facts", f"{committed[0]}: it is committed; git rm -r --cached {facts.FOLDER}"))
    return not committed


def none(config: Config | None) -> Collected:
    """Return what is there when nothing in `.mlcicd/` can be believed."""
    return Collected(missing=_expected(config))


def read(config: Config | None, notices: list[Notice], *, in_ci: bool) -> Collected:
    """Read what the jobs left; without a configuration nothing is expected.

    Args:
        config: what the jobs are told by; None when there is none.
        notices: filled with what could not be read.
        in_ci: what is of another commit is not used.
    """
    # VerbFacts that an earlier configuration left are not about this one.
    gone = {name for name in ("data", "status") if config is not None and not getattr(config, name)}
    found = {name: one for name, kind in KINDS.items() if name not in gone and (one := _facts(kind, name, notices))}
    old = outdated.find(found, Path(), in_ci=in_ci)
    unused = {item.job for item in old if not item.used}
    found = {name: one for name, one in found.items() if outdated.JOBS[name] not in unused}
    early, late = (_of(facts.ValidateFacts, found, name) for name in ("validate", "validate-train"))
    training = _of(facts.TrainFacts, found, "train")
    trained = bool(training and training.exit == 0)
    left: dict[Job, bool] = {
        "status": "status" in found,
        "test": "test" in found,
        "validate": (early is not None or not _judges(config, "data"))
        and (late is not None or not trained or not _judges(config, "train")),
        "train": training is not None,
    }
    return Collected(
        data=_of(facts.DataFacts, found, "data"),
        status=_of(facts.StatusFacts, found, "status"),
        tests=_of(facts.TestFacts, found, "test"),
        validation=_together([part for part in (early, late) if part is not None]),
        gpu=None if "train" in unused else _gpu(notices),
        training=training,
        steps=extra.read(config, notices, in_ci=in_ci),
        missing=tuple(job for job in _expected(config) if not left[job] and job not in unused),
        outdated=old,
    )


def _gpu(notices: list[Notice]) -> facts.GpuFacts | None:
    """Return what was found of GPUs for this commit: elsewhere than in CI an earlier look may still lie here."""
    found = _facts(facts.GpuFacts, "gpu", notices)
    if found is None or found.need == "none" or found.origin is None:
        return None
    return found if found.origin.commit == origin.here().commit else None


def _of(kind: type[Found], found: Mapping[str, VerbFacts], name: str) -> Found | None:
    one = found.get(name)
    return one if isinstance(one, kind) else None


def _expected(config: Config | None) -> tuple[Job, ...]:
    """Return the jobs that leave facts for the report."""
    if config is None:
        return ()
    sections: dict[Job, object] = {
        "status": config.status,
        "test": config.test,
        "validate": config.validate_,
        "train": config.train,
    }
    return tuple(job for job, section in sections.items() if section)


def _judges(config: Config | None, when: When) -> bool:
    return bool(config and config.validate_ and config.validate_.at(when))


def _together(parts: Sequence[facts.ValidateFacts]) -> facts.ValidateFacts | None:
    """Make one of what was judged before training and what was judged after it."""
    if len(parts) < 2:
        return parts[0] if parts else None
    return facts.ValidateFacts(
        success=all(part.success for part in parts),
        checkpoints=tuple(checkpoint for part in parts for checkpoint in part.checkpoints),
        seconds=sum(part.seconds for part in parts),
        error=next((part.error for part in parts if part.error), ""),
    )


def _facts(kind: type[Found], name: str, notices: list[Notice]) -> Found | None:
    try:
        return facts.read(kind, name)
    except UsageError as error:
        notices.append(notice("facts", error.message))
        return None
