"""What a program of the project prints gives the CI system no orders, and it is told no place to write them to."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mlcicd import cli
from mlcicd.errors import Refused
from mlcicd.runtime import ci, console
from mlcicd.runtime.forges import FORGES
from mlcicd.runtime.project import environ
from tests.security.runner import commands
from tests.test_golden import GOLDEN

ORDERS = [
    "::set-env name=PATH::/evil",
    "  \t::add-path::/evil",
    "::set-output name=x::y",
    "::add-mask::e",
    "::error file=a.py,line=1::hello",
    "##[set-output name=x;]y",
    "in the middle ##[add-path]/evil",
    "10%\r::set-output name=x::y",
    "::stop-commands::mine\n::mine::\n::set-output name=x::y",
    "\n".join(f"::{guess}::" for guess in ("", "0" * 32, "pause-logging", "stop-commands")),
    "::set-output name=x::no end of line",
]
FILES = ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder whose tests print every order, name what they find in the environment, and fail."""
    (tmp_path / "print.py").write_text(
        f"import os, sys\nsys.stdout.write({chr(10).join(ORDERS)!r})\nsys.stdout.flush()\n"
        f"open('seen', 'w').write(' '.join(sorted(set({FILES!r}) & set(os.environ))))\nsys.exit(3)\n"
    )
    (tmp_path / "mlcicd.yaml").write_text("version: 1\ntest: {command: pytest}\n")
    return tmp_path


def verb(project: Path, *arguments: str, **added: str) -> str:
    """Run a verb as a job does, and return all that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "mlcicd", *arguments],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name != "MLCICD_SHA"} | added,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout.decode()


EACH_VERB = pytest.mark.parametrize("name", ["test", "train", "setup"])


def arguments(name: str, project: Path) -> list[str]:
    command = f"{sys.executable} print.py"
    if name == "setup":
        (project / "mlcicd.yaml").write_text(
            yaml.safe_dump({"version": 1, "test": {"command": "x"}, "project": {"install": command}})
        )
        return ["setup"]
    return [name, "--command", command]


@EACH_VERB
def test_the_runner_acts_on_nothing_that_a_program_prints(name: str, project: Path) -> None:
    files = {file: str(project / file.lower()) for file in FILES}
    output = verb(project, *arguments(name, project), GITHUB_ACTIONS="true", **files)
    assert "::set-output name=x::no end of line" in output  # shown as it is
    assert commands(output) == ["stop-commands", "resume"]
    assert (project / "seen").read_text() == ""


def test_the_word_that_ends_it_is_another_each_time(project: Path) -> None:
    said = [verb(project, *arguments("test", project), GITHUB_ACTIONS="true") for _ in range(2)]
    words = set(re.findall(r"^::stop-commands::([0-9a-f]{32})$", "\n".join(said), re.MULTILINE))
    assert len(words) == 2


def test_elsewhere_nothing_is_printed_around_it(project: Path) -> None:
    output = verb(project, *arguments("test", project), GITHUB_ACTIONS="", GITLAB_CI="")
    assert output.startswith("\n".join(ORDERS))


def test_a_log_of_gitlab_is_not_folded_away(project: Path) -> None:
    (project / "print.py").write_text("print('\\033[0Ksection_start:1700000000:mine[collapsed=true]\\r\\033[0Kfine')\n")
    output = verb(project, *arguments("test", project), GITHUB_ACTIONS="", GITLAB_CI="true")
    assert "section-start:1700000000:mine" in output
    assert "section_start" not in output


@pytest.mark.parametrize("order", ORDERS[:9])
@pytest.mark.parametrize("part", ["message", "detail", "hint"])
def test_our_own_messages_give_no_orders(
    order: str, part: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLCICD_SHA", raising=False)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    parts = {"message": "it failed", "hint": "", "detail": ""} | {part: f"a\n{order}"}
    cli.explain(Refused(parts["message"], hint=parts["hint"], detail=parts["detail"]))
    cli.say(f"{order}\n{order}")
    said = capsys.readouterr()
    assert commands(said.err) == commands(said.out) == []


def test_our_own_notice_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"GITHUB_ACTIONS": "true"}
    notice = f"{FORGES['github'].NOTICE}not posted"
    assert commands(console.harmless(notice, here)) == ["notice"]
    assert commands(console.harmless(f"{notice}\n::set-output name=a::b", here)) == ["notice"]


@pytest.mark.parametrize("declared", [(), FILES])
def test_a_program_of_the_project_is_told_no_place_for_orders(declared: tuple[str, ...], tmp_path: Path) -> None:
    """Not even one that the configuration calls a secret."""
    inherited = dict.fromkeys((*FILES, *ci.WITHHELD), "x") | {"PATH": "", "MINE": "1"}
    found = environ(tmp_path, inherited, declared)
    assert not found.keys() & {*FILES, *ci.WITHHELD}
    assert found["MINE"] == "1"


def test_no_generated_job_reads_variables_from_a_file_of_the_project() -> None:
    """`dotenv` reports become variables of later jobs, and outputs of a job could be anything."""
    paths = sorted(GOLDEN.rglob("*.yml"))
    assert len(paths) > 20
    for path in paths:
        text = path.read_text("utf-8")
        assert "dotenv" not in text, path
        assert "GITHUB_OUTPUT" not in text, path
