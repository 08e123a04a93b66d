"""What `init` can see in a repository, one module per tool. Only `git` is executed, nothing is imported from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlcicd.detect import ci, dvc, git, gx, metrics, python, scripts, tables, tests
from mlcicd.detect.files import Folder, Seen

__all__ = ["Found", "Seen", "look"]


@dataclass(frozen=True, kw_only=True)
class Found:
    """The findings; None or () where nothing was seen. Paths are relative to the project's folder.

    Attributes:
        repository: hosting and default branch, assumed where git does not tell.
        root: the project's folder inside the repository, "." or such as "ml".
        pipelines: what the `dvc.yaml` files declare.
        tracked: the project uses DVC, with or without a pipeline.
        remote: what DVC pulls from.
        checkpoints: of Great Expectations, by name.
        tables: files that can be checked without a Great Expectations project.
        train: command of a training script where there is no pipeline.
        metric_files: what `metrics` were read from, or would be if it were here.
        existing: CI files that are here already.
        notices: what could not be read or needs a person, one line each.
    """

    repository: git.Repository
    root: Seen[str]
    python: Seen[str] | None
    install: Seen[str] | None
    pipelines: tuple[dvc.Pipeline, ...]
    tracked: bool
    remote: dvc.Remote | None
    checkpoints: Seen[tuple[str, ...]] | None
    tables: tables.Tables
    test: Seen[str] | None
    train: Seen[str] | None
    metric_files: tuple[str, ...]
    metrics: tuple[metrics.Metric, ...]
    existing: tuple[str, ...]
    notices: tuple[str, ...]


def look(path: Path) -> Found:
    """Look at a folder, normally the root of a git repository."""
    top = Folder(path=path)
    repository = git.look(top)
    root, files = _project(top)
    project = top.sub(root.value)
    home = project if dvc.is_here(project) else top
    pipelines = tuple(found for file in files if (found := dvc.look(project, file)))
    test, install = _commands(project)
    if install is None:
        project.note("project.install", "no file says which packages are needed, so CI has what its machine has")
    declared = tuple(file for pipeline in pipelines for file in pipeline.metrics)
    metric_files = declared if pipelines else scripts.metrics(project)
    return Found(
        repository=repository,
        root=root,
        python=python.version(project),
        install=install,
        pipelines=pipelines,
        tracked=dvc.is_here(home),
        remote=dvc.remote(home),
        checkpoints=gx.look(project),
        tables=tables.look(project, (path for pipeline in pipelines for path in pipeline.paths)),
        test=test,
        train=None if pipelines else scripts.command(project),
        metric_files=metric_files,
        metrics=metrics.read(project, metric_files),
        existing=ci.look(top),
        notices=tuple(dict.fromkeys(top.notices)),
    )


def _commands(project: Folder) -> tuple[Seen[str] | None, Seen[str] | None]:
    """Return how tests are run and how the environment is made, which must hold what the tests need."""
    suite = tests.look(project)
    if suite is None:
        return None, python.install(project)
    install = python.install(project, suite.missing)
    for name in suite.missing:
        if install is None or name not in install.value:
            project.note(suite.command.source, f"needs {name}, which no file asks for")
    return suite.command, install


def _project(top: Folder) -> tuple[Seen[str], list[str]]:
    """Return the project's folder, and the dvc.yaml files in it."""
    here = Seen(value=".", source="")
    files = dvc.files(top)
    if files == [dvc.FILE]:
        return here, files
    if len(files) != 1:
        if files and not dvc.is_here(top):
            top.note(", ".join(files[:4]), "several DVC projects: set project.root to the folder of one")
        return here, files if dvc.is_here(top) else []
    folder = files[0].removesuffix(f"/{dvc.FILE}")
    # With DVC and the environment at the top, the project is the whole repository and the pipeline a part of it.
    if dvc.is_here(top) and python.describes(top) and not python.describes(top.sub(folder)):
        return here, files
    return Seen(value=folder, source=files[0]), [dvc.FILE]
