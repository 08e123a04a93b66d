"""Steps and jobs of the team's own, at run time: what they see, and what they leave."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlcicd.errors import OutsideError, Refused, UsageError
from mlcicd.runtime import facts, project, step
from mlcicd.runtime import test as tests

CONFIG = """
version: 1
test: {command: env > seen, env: {LEVEL: stage, THREADS: "4", PYTHONPATH: src}, timeout: 5m}
train: {secrets: [TRACKER]}
steps:
  - {name: Build features, before: test, run: env > seen, env: {LEVEL: step}, secrets: [STORE_TOKEN]}
  - {name: Breaks, after: test, run: echo $STORE_TOKEN $PAGES_TOKEN; exit 3}
jobs:
  docs: {run: env > seen, env: {LEVEL: job}, secrets: [PAGES_TOKEN]}
  scan: {github: ci/scan.yml}
"""
SECRETS = {"STORE_TOKEN": "store-token-1", "PAGES_TOKEN": "pages-token-1", "TRACKER": "tracker-1"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlcicd.yaml").write_text(CONFIG)
    for name, value in {**SECRETS, "GITHUB_TOKEN": "forge-token"}.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def seen() -> dict[str, str]:
    lines = Path("seen").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def run(name: str) -> facts.StepFacts:
    return step.run(project.load(), name, lambda _: None)


def test_a_step_sees_its_stages_variables_its_own_and_its_own_secrets() -> None:
    found = run("Build features")
    assert {name: seen().get(name) for name in ("LEVEL", "THREADS", "PYTHONPATH", "STORE_TOKEN")} == {
        "LEVEL": "step", "THREADS": "4", "PYTHONPATH": "src", "STORE_TOKEN": "store-token-1"
    }  # fmt: skip
    assert not {"PAGES_TOKEN", "GITHUB_TOKEN"} & seen().keys()
    left = facts.read(facts.StepFacts, "build-features", facts.STEPS)
    assert left
    assert left.model_copy(update={"origin": None}) == found
    assert (found.name, found.exit, found.tail) == ("Build features", 0, ())


def test_a_step_is_found_by_its_slug_and_a_job_by_its_id() -> None:
    assert run("build-features").name == "Build features"
    run("docs")
    assert (seen()["LEVEL"], seen()["PAGES_TOKEN"]) == ("job", "pages-token-1")
    assert not {"STORE_TOKEN", "GITHUB_TOKEN", "THREADS"} & seen().keys()


def test_a_stage_sees_its_variables_and_no_secret_of_a_step_or_job() -> None:
    tests.run(project.load(stage="test"), None, lambda _: None)
    assert (seen()["LEVEL"], seen()["THREADS"], seen()["TRACKER"]) == ("stage", "4", "tracker-1")
    assert not {"PAGES_TOKEN", "STORE_TOKEN"} & seen().keys()


def test_another_stage_does_not_see_them() -> None:
    assert "THREADS" not in project.load(stage="train").environ()
    assert project.load(stage="train").environ()["TRACKER"] == "tracker-1"


def test_what_a_configuration_says_wins_over_what_the_machine_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADS", "64")
    assert project.load(stage="test").environ()["THREADS"] == "4"


def test_a_step_that_fails_says_so_and_leaves_its_last_lines_without_secrets() -> None:
    with pytest.raises(Refused, match="Breaks failed with exit status 3"):
        run("breaks")
    found = facts.read(facts.StepFacts, "breaks", facts.STEPS)
    assert found
    assert found.exit == 3
    assert not any(value in line for value in SECRETS.values() for line in found.tail)


def test_an_earlier_runs_record_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    run("docs")
    monkeypatch.setattr(step.process, "run", lambda *_, **__: (_ for _ in ()).throw(OutsideError("no bash")))
    with pytest.raises(OutsideError):
        run("docs")
    assert facts.read(facts.StepFacts, "docs", facts.STEPS) is None


def test_a_step_is_ended_at_its_time_limit(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "mlcicd.yaml").write_text(CONFIG.replace("run: env > seen, env: {LEVEL: job}", "run: sleep 60"))
    monkeypatch.setattr(step, "minutes", lambda _: 0.005)
    with pytest.raises(Refused, match=r"docs: not done after .* min"):
        run("docs")
    found = facts.read(facts.StepFacts, "docs", facts.STEPS)
    assert found
    assert found.exit == 124


def test_names_that_are_not_there() -> None:
    with pytest.raises(UsageError, match=r"build-featurs: no such step or job — did you mean 'build-features'") as told:
        run("build-featurs")
    assert told.value.hint == "there are build-features, breaks, docs, scan"
    with pytest.raises(UsageError, match="only the platform can run it"):
        run("scan")


def test_a_repository_without_any(here: Path) -> None:
    (here / "mlcicd.yaml").unlink()
    with pytest.raises(UsageError, match="no such step or job") as told:
        run("x")
    assert "mlcicd.yaml" in told.value.hint


@pytest.fixture
def checkout(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of another user, in a job on a forge."""
    subprocess.run(["git", "init", "--quiet"], cwd=here, check=True)
    (here / "home").mkdir()
    monkeypatch.setenv("HOME", str(here / "home"))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("MLCICD_SHA", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: here.stat().st_uid + 1)
    return here


def test_git_is_told_to_read_this_checkout_and_no_other(checkout: Path) -> None:
    for _ in range(2):
        project.setup(project.load(), lambda _: None)
    written = (checkout / "home/.gitconfig").read_text()
    assert written.count("directory =") == 1
    assert f"directory = {checkout}" in written


def test_git_that_cannot_be_told(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/proc/nowhere")
    with pytest.raises(OutsideError, match="belongs to another user"):
        project.setup(project.load(), lambda _: None)


def test_nothing_is_changed_for_a_checkout_of_ones_own(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: checkout.stat().st_uid)
    project.setup(project.load(), lambda _: None)
    monkeypatch.delenv("GITHUB_ACTIONS")
    monkeypatch.setattr(os, "geteuid", lambda: checkout.stat().st_uid + 1)
    project.setup(project.load(), lambda _: None)
    assert not (checkout / "home/.gitconfig").exists()
