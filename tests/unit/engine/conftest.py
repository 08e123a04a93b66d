"""Fixtures: a repository with two branches, and a way to run jobs in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.engine.kit import Run, git


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`main` has one commit, `feature` one more; HEAD is on `feature`."""
    folder = tmp_path_factory.mktemp("template") / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "value").write_text("old\n")
    (folder / ".gitignore").write_text("ignored\n")
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "one")
    git(folder, "switch", "--quiet", "-c", "feature")
    (folder / "value").write_text("new\n")
    git(folder, "commit", "--quiet", "-am", "two")
    return folder


@pytest.fixture
def repository(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "repository"))


@pytest.fixture
def run(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    return Run(repository, scratch)
