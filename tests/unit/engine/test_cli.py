"""`mlcicd run`: options to a request, the plan from the commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcicd import engine
from mlcicd.cli import main
from mlcicd.engine.model import Outcome, Request, Result
from mlcicd.plan.model import Pipeline
from mlcicd.runtime.report import forms
from tests.unit.engine.kit import git

REPORTS = Path(__file__).parents[1] / "runtime/report"
CONFIG = "version: 1\ntest: {command: pytest -q}\n"


@pytest.fixture
def here(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(repository)
    (repository / "mlcicd.yaml").write_text(CONFIG)
    return repository


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Pipeline, Request]]:
    calls: list[tuple[Pipeline, Request]] = []

    def run(pipeline: Pipeline, request: Request) -> Outcome:
        calls.append((pipeline, request))
        folder = request.folder / ".mlcicd"
        bad = Result(job="test", state="failed")
        return Outcome(event="push", commit="c" * 40, base=None, jobs=(bad,), folder=folder, artifacts=folder)

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


def ended(here: Path, capsys: pytest.CaptureFixture[str], report: str | None) -> list[str]:
    """What `mlcicd run` prints after the table, with this report.json."""
    git(here, "add", "-A")
    git(here, "commit", "-qm", "configuration")
    (here / ".mlcicd").mkdir()
    if report is not None:
        (here / ".mlcicd/report.json").write_text(report, encoding="utf-8")
        (here / ".mlcicd/report.html").touch()
    capsys.readouterr()
    assert call() == 1
    return capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("asked")
def test_the_report_is_shown_and_then_where_it_is(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ended(here, capsys, (REPORTS / "gate-failed.json").read_text("utf-8"))
    assert lines[1:-3] == forms.printed(REPORTS / "gate-failed.json", "terminal").splitlines()
    assert len(lines) < 20
    assert lines[-2:] == [f"report: {here}/.mlcicd/report.html", f"logs:   {here}/.mlcicd/run/logs"]


@pytest.mark.usefixtures("asked")
def test_a_long_report_is_cut(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "printed", lambda path, form: "line\n" * 60)
    lines = ended(here, capsys, "{}")
    assert lines.count("line") == 24
    assert lines[25] == "  … 36 more lines in the report"


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("report", [None, "", "{}", "[1]", '{"version": 9}', "\x00"])
def test_no_report_or_a_broken_one_leaves_the_paths(
    here: Path, capsys: pytest.CaptureFixture[str], report: str | None
) -> None:
    lines = ended(here, capsys, report)
    assert lines[0] == ""
    assert lines[-1] == f"logs:   {here}/.mlcicd/run/logs"
    assert len(lines) == (2 if report is None else 3)


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
