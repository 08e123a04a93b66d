"""`mlcicd run`: options to a request, the plan from the commit."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from mlcicd import engine
from mlcicd.cli import main
from mlcicd.engine.model import Request
from mlcicd.plan.model import Pipeline
from tests.unit.engine.kit import git

CONFIG = "version: 1\ntest: {command: pytest -q}\n"


@pytest.fixture
def here(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(repository)
    (repository / "mlcicd.yaml").write_text(CONFIG)
    return repository


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Pipeline, Request]]:
    calls: list[tuple[Pipeline, Request]] = []

    def run(pipeline: Pipeline, request: Request) -> object:
        calls.append((pipeline, request))
        return SimpleNamespace(exit_code=1)

    monkeypatch.setattr(engine, "run", run)
    return calls


def call(*arguments: str) -> object:
    with pytest.raises(SystemExit) as exit:
        main(["run", *arguments])
    return exit.value.code


def test_the_plan_and_the_request(here: Path, asked: list[tuple[Pipeline, Request]]) -> None:
    git(here, "add", "-A")
    git(here, "commit", "-qm", "configuration")
    (here / "mlcicd.yaml").write_text("not what is committed")
    (here / "deep").mkdir()
    options = ["--event", "push", "--base", "main", "--job", "test", "--job", "report", "--keep", "--jobs", "3"]
    assert call(*options) == 1
    assert call() == 1
    (pipeline, request), (_, plain) = asked
    assert "test" in [job.id for job in pipeline.jobs]
    assert (request.event, request.base, request.jobs) == ("push", "main", ("test", "report"))
    assert (request.keep, request.parallel, request.config) == (True, 3, "mlcicd.yaml")
    assert (plain.event, plain.base, plain.jobs, plain.keep, plain.parallel) == (None, None, (), False, None)


def test_an_uncommitted_configuration_is_explained(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 2
    said = capsys.readouterr().err
    assert "mlcicd.yaml: not committed" in said
    assert "next: git add mlcicd.yaml && git commit" in said


def test_a_wrong_committed_configuration_is_named_as_such(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "mlcicd.yaml").write_text("version: 2\n")
    git(here, "add", "-A")
    git(here, "commit", "-qm", "configuration")
    (here / "mlcicd.yaml").write_text(CONFIG)
    assert call() == 2
    assert "HEAD:mlcicd.yaml:1:10:" in capsys.readouterr().err
