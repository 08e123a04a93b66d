"""Find what the report says: the jobs' facts, both sides' metrics, and the gates that apply."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mlcicd.config import load
from mlcicd.config.model import Config
from mlcicd.errors import MlcicdError, UsageError
from mlcicd.runtime import base as bases
from mlcicd.runtime import credentials, gate
from mlcicd.runtime import project as projects
from mlcicd.runtime.base import Base
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.facts import TrainFacts
from mlcicd.runtime.project import Project
from mlcicd.runtime.report import doubted, examined, left, weighed
from mlcicd.runtime.report import sides as both
from mlcicd.runtime.report.build import Collected
from mlcicd.runtime.report.model import Notice
from mlcicd.runtime.report.other import Reader
from mlcicd.runtime.report.shorten import notice
from mlcicd.runtime.report.sides import Sides
from mlcicd.runtime.storage import dvc as dvc_program
from mlcicd.runtime.storage import tracked
from mlcicd.runtime.training import handover


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
    own = left.is_own(notices)
    expected = config if config_path.exists() else None
    found = left.read(expected, notices, in_ci=bool(ci.sha)) if own else left.none(expected)
    unused = {*found.missing, *(item.job for item in found.outdated if not item.used)}
    if own and "train" not in unused:
        handover.restore(project.root)
    base = bases.resolve(project.root, ci, explicit_base, config.report.compare or config.project.default_branch)
    # A change, and a push onto something, have a base: one that cannot be found took its gates with it.
    notices += [notice("base-lost")] if not base.sha and (ci.change or set(ci.base) - {"HEAD^1"}) else []
    at_base = _config_at(base, config_path, notices)
    if at_base:
        notices += examined.settings(config, at_base)
    sides = _sides(project, _dvc(project, environ, notices), base, at_base or config, metric_files)
    known = both.declared(sides)
    # A change that takes training out measures nothing: what is committed as metrics is only said.
    untrained = bool(at_base and at_base.train and config.train is None)
    measured = not untrained and "train" not in unused and not (found.training and found.training.exit)
    params, unread = both.params(sides)
    change = both.change(sides, known) if measured else None
    found = dataclasses.replace(
        found,
        title=config.project.name or "",
        base=base,
        change=doubted.measured(project.root, change, found.training, config.train) if change else None,
        before=both.before(sides, known),
        smoke=bool(found.training and found.training.smoke) and _allows_smoke(at_base),
        params=params,
        plots=both.drawn(sides) if measured else (),
        gates=gate.apply(config.gates, at_base.gates if at_base else None),
        margins=(at_base or config).report.margins,
        unread=unread,
    )
    files = {file for values in (found.change, found.before) if values for file, _ in values.numbers}
    notices += [*examined.outputs(project.root, base.sha), *examined.code(project.root, base.sha, files)]
    found = weighed.weigh(found, _reader(project, config, at_base, sides, known, environ, found.training), ci, notices)
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
    training: TrainFacts | None,
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
        by_dvc=doubted.is_by_dvc((at_base or config).train, training),
        columns=tuple(dict.fromkeys(columns)),
    )


def _allows_smoke(at_base: Config | None) -> bool:
    """A change must not put its gates off by declaring its own training a smoke training."""
    return at_base is None or bool(at_base.train and at_base.train.smoke)


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
