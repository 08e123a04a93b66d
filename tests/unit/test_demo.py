from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlcicd import cli, demo, resources, yamlio
from mlcicd.demo import repository
from mlcicd.demo.terminal import readable
from mlcicd.errors import OutsideError, UsageError

TEMPLATE = resources.find("templates") / "demo"


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Stand-ins for uv, dvc and python that write down how they were called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "calls"
    for name in ("uv", "dvc", "python"):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> {log}\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def git(repo: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=repo, capture_output=True, text=True, check=True).stdout.strip()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("programs")
def test_the_repository_is_made_by_the_commands_that_are_shown(tmp_path):
    said: list[str] = []
    made = demo.build(tmp_path / "demo", say=said.append)
    typed = [line.removeprefix("$ ") for line in said if line.startswith(("$ uv", "$ python", "$ dvc"))]
    assert calls(tmp_path) == [line.replace("'", "") for line in typed]
    assert f"dvc remote add --default storage {made.remote}" in typed
    assert typed.index("dvc repro") < typed.index("dvc push")
    assert git(made.repo, "status", "--porcelain") == ""
    assert git(made.repo, "branch", "--show-current") == "main"
    assert contents(made.repo / "src") == contents(TEMPLATE / "src")


@pytest.mark.usefixtures("programs")
def test_a_given_environment_is_linked_and_never_committed(tmp_path):
    environment = tmp_path / "environment"
    environment.mkdir()
    made = demo.build(tmp_path / "demo", environment=environment)
    assert (made.repo / ".venv").resolve() == environment
    assert not any(call.startswith("uv") for call in calls(tmp_path))
    assert ".venv" not in git(made.repo, "ls-files").split()


@pytest.mark.usefixtures("programs")
def test_the_change_is_one_parameter_on_a_branch(tmp_path):
    made = demo.build(tmp_path / "demo")
    demo.change(made)
    difference = git(made.repo, "diff", "--unified=0", "main", repository.BRANCH).splitlines()
    changed = [line for line in difference if re.match(r"[-+]\s", line)]
    assert changed == ["-  n_estimators: 10", "+  n_estimators: 200"]
    assert "+++ b/params.yaml" in difference


@pytest.mark.usefixtures("programs")
def test_an_earlier_demo_is_made_anew_and_what_else_is_there_is_kept(tmp_path):
    made = demo.build(tmp_path / "demo")
    (made.repo / "old").write_text("x")
    made.remote.mkdir()
    (made.remote / "object").write_text("x")
    (made.folder / "notes").write_text("mine")
    demo.build(tmp_path / "demo")
    assert not (made.repo / "old").exists()
    assert not made.remote.exists()
    assert (made.folder / "notes").read_text() == "mine"


@pytest.mark.parametrize("name", ["repo/precious", "file"])
def test_a_foreign_folder_is_refused_and_not_touched(tmp_path, name):
    foreign = tmp_path / "demo"
    (foreign / name).parent.mkdir(parents=True)
    (foreign / name).write_text("mine")
    before = contents(foreign)
    with pytest.raises(UsageError, match="nothing was touched") as refused:
        demo.build(foreign)
    assert "--dir" in refused.value.hint
    assert contents(foreign) == before


def test_a_file_is_refused_and_not_touched(tmp_path):
    (tmp_path / "demo").write_text("mine")
    result = CliRunner().invoke(cli.cli, ["demo", "--dir", str(tmp_path / "demo")])
    assert isinstance(result.exception, UsageError)
    assert (tmp_path / "demo").read_text() == "mine"


def test_a_missing_program_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutsideError, match="git: no such program") as failed:
        demo.build(tmp_path / "demo")
    assert "PATH" in failed.value.hint


def test_a_failing_program_shows_what_it_said(tmp_path, programs):
    (programs / "dvc").write_text("#!/bin/sh\necho the disk is full >&2\nexit 7\n")
    with pytest.raises(OutsideError, match="`dvc init --quiet` failed with exit status 7") as failed:
        demo.build(tmp_path / "demo")
    assert failed.value.detail == "the disk is full"


def test_every_requirement_of_the_example_is_pinned():
    lines = (TEMPLATE / "requirements.txt").read_text().splitlines()
    assert lines == sorted(lines)
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line) for line in lines)


def test_the_stages_of_the_example_name_files_that_exist_or_are_made():
    stages = yamlio.load((TEMPLATE / "dvc.yaml").read_text())["stages"]
    made = {"data/raw.csv", "data/prepared/train.csv", "data/prepared/test.csv", "model.joblib"}
    needed = {dep for stage in stages.values() for dep in stage["deps"]}
    assert {dep for dep in needed if not (TEMPLATE / dep).exists()} == made
    assert list(stages) == ["prepare", "train", "evaluate"]


def test_the_expectations_of_the_example_refer_to_each_other():
    checkpoint, definition, suite = (
        json.loads((TEMPLATE / "gx" / folder / "raw.json").read_text())
        for folder in ("checkpoints", "validation_definitions", "expectations")
    )
    source = yamlio.load((TEMPLATE / "gx/great_expectations.yml").read_text())["fluent_datasources"]["data"]
    asset = source["assets"]["raw"]
    assert checkpoint["validation_definitions"] == [{"id": definition["id"], "name": definition["name"]}]
    assert definition["suite"] == {"id": suite["id"], "name": suite["name"]}
    assert definition["data"] == {
        "datasource": {"id": source["id"], "name": "data"},
        "asset": {"id": asset["id"], "name": "raw"},
        "batch_definition": {"id": asset["batch_definitions"]["whole"]["id"], "name": "whole"},
    }


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("<!-- key -->\n### Title\n", "### Title\n"),
        (
            "<details open>\n<summary><b>Curve</b> <code>a&amp;b</code> (x)</summary>\n\ntext\n\n</details>",
            "#### Curve `a&b` (x)\n\ntext\n",
        ),
        ("a\n\n```mermaid\nxychart\n```\n\nb", "a\n\nb\n"),
        ("```text\n<b>\n> [!NOTE]\n```", "```text\n<b>\n> [!NOTE]\n```\n"),
        ("> [!NOTE]\n> 1 gate passed", "> 1 gate passed\n"),
        ("<sub>small</sub>", "small\n"),
    ],
)
def test_the_report_in_a_terminal_has_no_markup_that_only_a_forge_shows(markdown, shown):
    assert readable(markdown) == shown
