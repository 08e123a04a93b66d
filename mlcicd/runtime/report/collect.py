"""Find what the report says: the jobs' facts, both sides' metrics, and the gates that apply."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from mlcicd.config import load
from mlcicd.config.model import Config, When
from mlcicd.errors import MlcicdError, UsageError
from mlcicd.runtime import base as bases
from mlcicd.runtime import credentials, facts, gate
from mlcicd.runtime import project as projects
from mlcicd.runtime.base import Base
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.project import Project
from mlcicd.runtime.report import examined, weighed
from mlcicd.runtime.report import sides as both
from mlcicd.runtime.report.build import Collected
from mlcicd.runtime.report.model import Job, Notice
from mlcicd.runtime.report.other import Reader
from mlcicd.runtime.report.shorten import notice
from mlcicd.runtime.report.sides import Sides
from mlcicd.runtime.storage import dvc as dvc_program
from mlcicd.runtime.storage import tracked
from mlcicd.runtime.training import handover

Found = TypeVar("Found", bound=facts.Facts)


def collect(
    config_path: Path,
    explicit_base: str,
    metric_files: Sequence[str],
    ci: Ci,
    say: Callable[[str], None] = lambda line: None,
) -> Collected:
    """Collect everything from the workspace, the base commit and `.mlcicd/`.

    Raises:
        UsageError: when the configuration or the explicit base is wrong; nothing else stops a report.
    """
    project = projects.load(config_path)
    # A fork's pull request gets no log-in, and is reported on all the same.
    with credentials.logged_in(project, project.environ(), say, required=False) as environ:
        return _collected(project, environ, config_path, explicit_base, metric_files, ci)


def _collected(
    project: Project,
    environ: Mapping[str, str],
    config_path: Path,
    explicit_base: str,
    metric_files: Sequence[str],
    ci: Ci,
) -> Collected:
    config = project.config
    notices: list[Notice] = []
    own = _is_own(notices)
    if own:
        handover.restore(project.root)
    base = bases.resolve(project.root, ci, explicit_base, config.report.compare or config.project.default_branch)
    # A change, and a push onto something, have a base: one that cannot be found took its gates with it.
    notices += [notice("base-lost")] if not base.sha and (ci.change or set(ci.base) - {"HEAD^1"}) else []
    left = _left(config if config_path.exists() else None, notices, own=own)
    at_base = _config_at(base, config_path, notices)
    if at_base:
        notices += examined.settings(config, at_base)
    sides = _sides(project, _dvc(project, environ, notices), base, at_base or config, metric_files)
    known = both.declared(sides)
    # A change that takes training out measures nothing: what is committed as metrics is only said.
    untrained = bool(at_base and at_base.train and config.train is None)
    measured = not untrained and "train" not in left.missing and not (left.training and left.training.exit)
    params, unread = both.params(sides)
    found = dataclasses.replace(
        left,
        title=config.project.name or "",
        base=base,
        change=both.change(sides, known) if measured else None,
        before=both.before(sides, known),
        smoke=bool(left.training and left.training.smoke) and _allows_smoke(at_base),
        params=params,
        plots=both.drawn(sides) if measured else (),
        gates=gate.apply(config.gates, at_base.gates if at_base else None),
        margins=(at_base or config).report.margins,
        unread=unread,
    )
    files = {file for values in (found.change, found.before) if values for file, _ in values.numbers}
    notices += [*examined.outputs(project.root, base.sha), *examined.code(project.root, base.sha, files)]
    found = weighed.weigh(found, _reader(project, config, at_base, sides, known, environ), ci, notices)
    notices += [notice("dvc", failure) for failure in dict.fromkeys(sides.failures)]
    notices += [notice("not-measured")] if not (measured or untrained) else []
    unnamed = measured and found.gates and not (sides.metric_files or known)
    notices += [notice("no-metrics")] if unnamed and "dvc" not in [item.kind for item in notices] else []
    return dataclasses.replace(found, notices=tuple(notices))


def _reader(
    project: Project,
    config: Config,
    at_base: Config | None,
    sides: Sides,
    known: both.Declared,
    environ: Mapping[str, str],
) -> Reader:
    """Return how other commits are read: by the base's word, for a change must not soften its own examination."""
    theirs = at_base.report.predictions if at_base else None
    gates = (*config.gates, *(at_base.gates if at_base else ()))
    settings = theirs or config.report.predictions
    columns = [one.slice for one in gates if one.slice]
    return Reader(
        sides=sides,
        known=known,
        environ=environ,
        remote=config.data.remote if config.data else None,
        predictions=settings,
        is_new=at_base is not None and theirs is None,
        columns=tuple(dict.fromkeys(columns)),
    )


def _allows_smoke(at_base: Config | None) -> bool:
    """A change must not put its gates off by declaring its own training a smoke training."""
    return at_base is None or bool(at_base.train and at_base.train.smoke)


def _is_own(notices: list[Notice]) -> bool:
    """Tell whether `.mlcicd/` is this run's: what is committed there passes for results of jobs that never ran."""
    names = tracked.committed(Path(), [str(facts.FOLDER)])
    committed = [name for name in names if name and not name.endswith(".gitignore")]
    if committed:
        notices.append(notice("facts", f"{committed[0]}: it is committed; git rm -r --cached {facts.FOLDER}"))
    return not committed


def _left(config: Config | None, notices: list[Notice], *, own: bool) -> Collected:
    """Read what the jobs left, if it is this run's `own`; without a configuration nothing is expected."""
    if not own:
        return Collected(missing=_expected(config))
    # Facts that an earlier configuration left are not about this one.
    data = _facts(facts.DataFacts, "data", notices) if config is None or config.data else None
    status = _facts(facts.StatusFacts, "status", notices) if config is None or config.status else None
    tests = _facts(facts.TestFacts, "test", notices)
    early, late = (_facts(facts.ValidateFacts, name, notices) for name in ("validate", "validate-train"))
    training = _facts(facts.TrainFacts, "train", notices)
    trained = bool(training and training.exit == 0)
    left: dict[Job, bool] = {
        "status": status is not None,
        "test": tests is not None,
        "validate": (early is not None or not _judges(config, "data"))
        and (late is not None or not trained or not _judges(config, "train")),
        "train": training is not None,
    }
    return Collected(
        data=data,
        status=status,
        tests=tests,
        validation=_together([part for part in (early, late) if part is not None]),
        training=training,
        missing=tuple(job for job in _expected(config) if not left[job]),
    )


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


def _config_at(base: Base, path: Path, notices: list[Notice]) -> Config | None:
    """Return the configuration of the base commit, which a change cannot alter; None when it has none to read."""
    raw = bases.show(Path(), base.sha, os.path.relpath(path)) if base.sha else None
    if raw is None:
        return None
    try:
        return load.parse(raw.decode("utf-8-sig"), f"{base.sha[:7]}:{path.name}")
    except UnicodeDecodeError:
        notices.append(notice("base-config", "not UTF-8 text"))
    except UsageError as error:
        notices.append(notice("base-config", (error.detail or error.message).splitlines()[0]))
    return None


def _sides(
    project: Project, dvc: dvc_program.Dvc | None, base: Base, at_base: Config, metric_files: Sequence[str]
) -> Sides:
    return Sides(
        root=project.root,
        base=base.sha,
        dvc=dvc,
        metric_files=tuple(metric_files) or project.config.report.metrics,
        param_files=project.config.report.params,
        base_files=tuple(metric_files) or at_base.report.metrics,
    )


def _dvc(project: Project, environ: Mapping[str, str], notices: list[Notice]) -> dvc_program.Dvc | None:
    if not tracked.files(project.root, "*dvc.yaml"):
        return None
    try:
        return dvc_program.find(project.root, environ)
    except MlcicdError as error:
        notices.append(notice("dvc", error.message))
        return None
