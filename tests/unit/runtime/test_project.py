from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mlcicd.errors import OutsideError, UsageError
from mlcicd.runtime import project

OWN = str(Path(sys.executable).parent)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str) -> Path:
    path = Path("mlcicd.yaml")
    path.write_text(f"version: 1\ntrain: {{}}\n{text}")
    return path


def test_without_a_file_there_are_defaults(here):
    found = project.load()
    assert found.root == here
    assert found.config.train is not None
    assert found.config.data is None


def test_a_file_that_was_asked_for_must_exist():
    with pytest.raises(UsageError, match=r"other.yaml: no such file"):
        project.load(Path("other.yaml"))


def test_the_project_may_be_in_a_folder(here):
    (here / "ml").mkdir()
    assert project.load(write("project: {root: ml}")).root == here / "ml"


def test_a_folder_that_is_not_there_is_named():
    with pytest.raises(UsageError, match=r"project.root: there is no folder ml"):
        project.load(write("project: {root: ml}"))


def test_the_projects_programs_come_first_and_the_tools_last(here):
    (here / ".venv" / "bin").mkdir(parents=True)
    inherited = {"PATH": f"{OWN}:/usr/bin::/bin", "HOME": "/h", "PYTHONPATH": "x", "PYTHONDONTWRITEBYTECODE": "1"}
    found = project.environ(here, inherited)
    assert found["PATH"].split(":") == [str(here / ".venv" / "bin"), "/usr/bin", "/bin", OWN]
    assert found["VIRTUAL_ENV"] == str(here / ".venv")
    assert found["HOME"] == "/h"
    assert found["DVC_NO_ANALYTICS"] == found["DO_NOT_TRACK"] == "1"
    assert found["GX_ANALYTICS_ENABLED"] == "false"
    assert not {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"} & found.keys()


def test_the_tools_own_environment_is_not_the_projects(here):
    found = project.environ(here, {"PATH": "/bin", "VIRTUAL_ENV": "/tool"})
    assert "VIRTUAL_ENV" not in found
    assert found["PATH"] == f"/bin:{OWN}"


def test_setup_without_a_command_says_so():
    said: list[str] = []
    project.setup(project.load(), said.append)
    assert said == ["nothing to set up: no project.install; the programs on PATH are used as they are"]


def test_setup_runs_the_command_in_the_projects_folder(here, monkeypatch, capfdbinary):
    monkeypatch.delenv("UV_PYTHON", raising=False)
    said: list[str] = []
    settings = "project: {root: ml, python: '3.13', install: 'echo $UV_PYTHON > made; pwd >> made'}"
    (here / "ml").mkdir()
    project.setup(project.load(write(settings)), said.append)
    assert (here / "ml" / "made").read_text() == f"3.13\n{here}/ml\n"
    assert said[0].startswith("project environment ready in 0.")


def test_setup_that_fails_shows_its_last_lines_without_secrets(monkeypatch, capsys):
    monkeypatch.setenv("INDEX_TOKEN", "very-secret-value")
    with pytest.raises(OutsideError) as caught:
        project.setup(project.load(write('project: {install: "echo got $INDEX_TOKEN; exit 4"}')), print)
    assert caught.value.message.startswith("project.install failed with exit status 4")
    assert caught.value.detail == "got ***"
    assert caught.value.exit_code == 3


def test_a_program_is_looked_for_where_the_project_has_it(here):
    assert project.program("nosuch", {"PATH": os.environ["PATH"]}) is None
    (here / "nosuch").write_text("#!/bin/sh\n")
    (here / "nosuch").chmod(0o755)
    assert project.program("nosuch", {"PATH": str(here)}) == here / "nosuch"
