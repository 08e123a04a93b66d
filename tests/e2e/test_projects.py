"""Projects of every shape, small and quick: what is generated for each, and its pull request executed everywhere.

In projects/<case>/, repo/ is the project and expected/ what `mlcicd generate` makes of it, updated like tests/golden:
`MLCICD_UPDATE_GOLDEN=1 uv run pytest tests/e2e/test_projects.py -k generated`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlcicd import demo, generate
from tests.e2e.conftest import COMMIT
from tests.e2e.harness import repo as repository
from tests.e2e.harness.platforms import Platform

PROJECTS = Path(__file__).parent / "projects"
DVC = "dvc init --quiet && dvc remote add --quiet --default storage {remote}"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A project.

    Attributes:
        prepare: shell text that trains it, and pushes its data to {remote}, before the first commit.
        edits: (file, old, new) of the change.
        change: shell text that belongs to the change.
        jobs: every job of its pull request; all end well.
        metrics: the value at the base and of the change, by name.
        params: the same, of parameters.
        stages: what became of each stage in training.
    """

    prepare: str
    edits: tuple[tuple[str, str, str], ...]
    change: str = ":"
    jobs: tuple[str, ...] = ("check", "train", "report", "comment")
    metrics: Mapping[str, tuple[float, float]]
    params: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)


CASES = {
    "no-dvc": Case(
        prepare="sh train.sh",
        edits=(("params.toml", "degree = 2", "degree = 4"),),
        metrics={"accuracy": (0.82, 0.84), "speed.rows_per_second": (500, 250), "cost.euros": (0.2, 0.4)},
        params={"model.degree": ("2", "4")},
    ),
    "dvc-without-pipeline": Case(
        prepare=f"{DVC} && dvc add --quiet data/points.csv && dvc push --quiet && python3 train.py",
        edits=(("data/points.csv", "2,3.9\n", "2,3.9\n4,8.3\n"),),
        change="dvc add --quiet data/points.csv && dvc push --quiet",
        jobs=("check", "status", "train", "report", "comment"),
        metrics={"error": (0.11, 0.09), "points": (3, 4)},
    ),
    "several-pipelines": Case(
        prepare=f"{DVC} && dvc add --quiet data/raw.txt && dvc repro --quiet --all-pipelines && dvc push --quiet",
        edits=(("model/params.yaml", "weight: 0.5", "weight: 0.75"),),
        metrics={"score": (0.15, 0.225)},
        params={"weight": ("0.5", "0.75")},
        stages={"features/dvc.yaml:build": "unchanged", "model/dvc.yaml:fit": "run", "model/dvc.yaml:score": "run"},
    ),
    "dvclive": Case(
        prepare=f"{DVC} && dvc repro --quiet && dvc push --quiet",
        edits=(("params.yaml", "rate: 1.0", "rate: 3.0"),),
        metrics={"loss": (0.25, 0.1), "val.accuracy": (0.75, 0.9), "step": (3, 3)},
        params={"params.yaml:rate": ("1.0", "3.0"), "dvclive/params.yaml:rate": ("1.0", "3.0")},
        stages={"train": "run"},
    ),
    "root-below": Case(
        prepare=f"cd ml && {DVC.replace('init', 'init --subdir')} && dvc repro --quiet",
        edits=(("ml/params.yaml", "least: 4", "least: 5"),),
        metrics={"words.long": (5, 3)},
        params={"least": ("4", "5")},
        stages={"count": "run"},
    ),
}


def files(root: Path) -> dict[str, str]:
    others = ("mlcicd.yaml", "mlcicd.lock")
    paths = (path for path in sorted(root.rglob("*")) if path.is_file() and path.name not in others)
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in paths}


@pytest.mark.parametrize("case", CASES)
def test_what_is_generated(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCICD_COMMIT", COMMIT)
    expected = PROJECTS / case / "expected"
    shutil.copy(PROJECTS / case / "repo/mlcicd.yaml", tmp_path)
    generate.apply(generate.compare(tmp_path / "mlcicd.yaml", tmp_path), tmp_path)
    found = files(tmp_path)
    if os.environ.get("MLCICD_UPDATE_GOLDEN"):
        shutil.rmtree(expected, ignore_errors=True)
        for path, text in found.items():
            (expected / path).parent.mkdir(parents=True, exist_ok=True)
            (expected / path).write_text(text, encoding="utf-8")
    assert found == files(expected)


def test_every_project_is_executed() -> None:
    assert sorted(path.name for path in PROJECTS.iterdir()) == sorted(CASES)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The repositories made so far, by case."""
    return {}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def changed(
    case: str,
    bases: dict[str, Path],
    environment: Path,
    wheel: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A clone of the project, on a branch `feature` with its change."""
    if case not in bases:
        bases[case] = build(case, tmp_path_factory.mktemp(case), environment, wheel)
    base = bases[case]
    repo = tmp_path / "repo"
    repository.git(tmp_path, "clone", "--quiet", str(base), str(repo))
    repository.git(repo, "switch", "--quiet", "--create", "feature")
    link(case, repo, environment)
    for name, old, new in CASES[case].edits:
        path = repo / name
        path.write_text(((path if path.exists() else base / name).read_text("utf-8")).replace(old, new), "utf-8")
        assert new in path.read_text("utf-8")
    sh(case, repo, CASES[case].change)
    repository.commit(repo, "Change")
    return repo


def build(case: str, folder: Path, environment: Path, wheel: Path) -> Path:
    """Make the project as its team has it: trained, its data pushed, its CI generated; everything committed."""
    repo = folder / "repo"
    shutil.copytree(PROJECTS / case / "repo", repo)
    settings = repo / "mlcicd.yaml"
    text = settings.read_text("utf-8").replace(
        "uv venv && uv pip install -r requirements.txt", f"ln -sfn {environment} .venv"
    )
    settings.write_text(f"{text}tool: {{source: {wheel}}}\n", encoding="utf-8")
    link(case, repo, environment)
    repository.git(folder, "init", "--quiet", "--initial-branch=main", str(repo))
    sh(case, repo, CASES[case].prepare.format(remote=folder / "remote"))
    os.environ["MLCICD_COMMIT"] = COMMIT
    try:
        assert demo.Shell(folder=repo).mlcicd("generate") == 0
    finally:
        del os.environ["MLCICD_COMMIT"]
    repository.commit(repo, "Trained")
    return repo


def home(case: str, repo: Path) -> Path:
    """Return the project's folder in its repository."""
    return repo / "ml" if case == "root-below" else repo


def link(case: str, repo: Path, environment: Path) -> None:
    """Give a project that has an environment the one of these tests."""
    if (home(case, repo) / "requirements.txt").exists():
        (home(case, repo) / ".venv").symlink_to(environment)


def sh(case: str, repo: Path, command: str) -> None:
    """Run shell text at the top of the repository, with the project's programs."""
    path = f"{home(case, repo)}/.venv/bin:{os.environ['PATH']}"
    variables = os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        ["bash", "-ec", command], cwd=repo, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def check_report(case: str, report: Mapping[str, Any]) -> None:
    """Compare both sides of the report with what the project's programs must have written."""
    expected = CASES[case]
    assert report["state"] == "pass", report
    assert {row["name"]: (row["base"], row["change"]) for row in report["metrics"]} == expected.metrics
    assert {row["name"]: (row["base"], row["change"]) for row in report["params"]} == expected.params
    assert {stage["name"]: stage["state"] for stage in report["training"]["stages"]} == expected.stages


@pytest.mark.e2e
def test_its_pull_request_on_a_platform(case: str, changed: Path, platform: Platform) -> None:
    outcome = platform.run(changed, 1)
    outcome.assert_jobs(dict.fromkeys(CASES[case].jobs, "ok"))
    check_report(case, outcome.report)
    (comment,) = platform.forge.comments
    assert "✅ passed" in comment["body"]


@pytest.mark.e2e
def test_its_pull_request_by_the_embedded_engine(case: str, changed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mlcicd", "run", "--base", "main"],
        cwd=changed,
        env=os.environ | {"MLCICD_COMMIT": COMMIT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    results = {words[0]: words[1] for words in rows if len(words) > 2 and words[0] in CASES[case].jobs}
    assert results == dict.fromkeys(CASES[case].jobs, "passed")
    check_report(case, json.loads((changed / ".mlcicd/report.json").read_text("utf-8")))
