"""Steps and jobs of the team's own in the report: which are read, which are believed, and what a failed one means."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlcicd.errors import Refused
from mlcicd.runtime import facts
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.report import headline, render, troubles
from mlcicd.runtime.report.model import Report
from mlcicd.runtime.report.run import Written, report

CONFIG = """\
version: 1
train: {command: python train.py}
report: {metrics: [metrics.json]}
steps:
  - {name: Build features, before: train, run: make features}
  - {name: Look, after: train, run: make look}
  - {name: Publish, after: report, run: make publish}
jobs:
  docs: {run: make docs, may-fail: true}
  links: {name: Check links, run: make links}
  late: {run: make late, after: [report]}
  scan: {github: ci/scan.yml, gitlab: ci/scan.gitlab.yml}
"""


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def commit() -> str:
    git("add", "mlcicd.yaml", "metrics.json")
    git("commit", "--quiet", "--allow-empty", "-m", "change")
    return git("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two commits, of which the second was trained."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    Path("mlcicd.yaml").write_text(CONFIG)
    Path("metrics.json").write_text('{"accuracy": 0.9}')
    commit()
    git("checkout", "--quiet", "-b", "change")
    sha = commit()
    trained = facts.TrainFacts(command="t", exit=0, seconds=1, hardware=facts.Hardware(cpus=2, memory=2**30))
    facts.write(trained, "train")
    return sha


def leave(slug: str, exit: int = 0, name: str = "", tail: tuple[str, ...] = ()) -> None:
    facts.write(facts.StepFacts(name=name or slug, command="c", exit=exit, seconds=2, tail=tail), slug, facts.STEPS)


def made(ci: Ci | None = None) -> Written:
    return report(Path("mlcicd.yaml"), "", (), Path(".mlcicd"), ci or Ci())


def places(made: Report) -> list[tuple[str, str, str]]:
    return [(step.name, step.when, step.stage) for step in made.steps]


def test_steps_and_jobs_stand_in_their_order_with_their_place() -> None:
    for slug in ("docs", "look", "build-features"):
        leave(slug)
    found = made()
    assert places(found.report) == [
        ("build-features", "before", "train"), ("look", "after", "train"), ("docs", "job", ""),
    ]  # fmt: skip
    assert found.report.state == "pass"
    for name in ("report.md", "report.html"):
        assert "Steps of the team's own" in Path(".mlcicd", name).read_text("utf-8")
    assert "  steps of the team's own: 3 done" in render.terminal(found.report)


@pytest.mark.parametrize("slug", ["publish", "late", "gone", "scan"])
def test_what_stands_after_the_report_or_nowhere_is_not_read(slug: str) -> None:
    leave(slug, exit=1)
    assert made().report.steps == ()


def test_a_failed_step_before_training_says_why_there_was_none() -> None:
    Path(".mlcicd/train.json").unlink()
    leave("build-features", exit=2, name="Build features", tail=("reading", "KeyError: 'age'", " "))
    found = made()
    assert (found.report.state, found.report.missing) == ("fail", ("train",))
    assert render.plain(headline.title(found.report)) == "the step Build features failed"
    assert render.plain(headline.alert(found.report)) == (
        "The step Build features before train ended with exit status 2 after 2.0 s, so train did not run; "
        "its last line is KeyError: 'age'."
    )
    with pytest.raises(Refused, match="the step Build features failed"):
        found.raise_for_state()


def test_a_failed_step_after_training_leaves_its_metrics() -> None:
    leave("look", exit=1)
    found = made().report
    assert (found.state, [metric.change for metric in found.metrics]) == ("fail", [0.9])
    assert "did not run" not in render.plain(headline.alert(found))


def test_a_job_that_may_fail_is_shown_and_refuses_nothing() -> None:
    leave("docs", exit=1)
    found = made().report
    assert found.state == "pass"
    assert "exit 1, may fail  docs  job of its own" in render.terminal(found)
    leave("links", exit=1, name="Check links")
    assert render.plain(headline.title(made().report)) == "the job Check links failed"


@pytest.mark.parametrize(("in_ci", "state", "count"), [(True, "pass", 0), (False, "fail", 1)])
def test_what_is_of_another_commit_is_not_used_in_ci_and_is_said(in_ci: bool, state: str, count: int) -> None:
    leave("look", exit=1)
    before = git("rev-parse", "HEAD")
    sha = commit()
    facts.write(facts.TrainFacts(command="t", exit=0, seconds=1, hardware=facts.Hardware(cpus=2, memory=1)), "train")
    found = made(Ci(sha=sha, base=(git("rev-parse", "main"),)) if in_ci else None).report
    assert (found.state, len(found.steps)) == (state, count)
    said = f"look ({before[:7]}{', not used' if in_ci else ''})"
    assert [notice.names for notice in found.notices if notice.kind == "steps"] == [(said,)]


@pytest.mark.parametrize("text", ["", "[]", '{"name": 1}', '{"exit": 0}'])
def test_a_file_that_cannot_be_read_is_named(text: str) -> None:
    leave("look")
    Path(".mlcicd/steps/look.json").write_text(text)
    found = made().report
    assert found.steps == ()
    assert any(".mlcicd/steps/look.json" in name for notice in found.notices for name in notice.names)


def test_failed_ones_stay_when_there_are_too_many() -> None:
    steps = "".join(f"  - {{name: s{n}, after: train, run: make}}\n" for n in range(25))
    Path("mlcicd.yaml").write_text(CONFIG.split("steps:")[0] + "steps:\n" + steps)
    for n in range(25):
        leave(f"s{n}", exit=int(n == 24))
    found = made().report
    assert (len(found.steps), found.steps[0].name) == (20, "s24")
    assert [trouble.kind for trouble in troubles.find(found)] == ["step"]
    assert ("20 of 25 steps of the team's own",) in [notice.names for notice in found.notices if notice.kind == "cut"]
