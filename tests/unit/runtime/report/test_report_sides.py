"""Both sides' metrics with DVC: what it could not say at the base is not new."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcicd.runtime.report import sides
from mlcicd.runtime.storage.dvc import Dvc
from tests.unit.runtime import repository

LOCK = "schema: '2.0'\nstages:\n  e: {cmd: e, outs: [{path: ../m.json, md5: 285852258d6ddb3d3db04de575915eac}]}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    repository.make(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "dvc.lock").write_text(LOCK)
    repository.git(tmp_path, "add", "sub")
    repository.git(tmp_path, "commit", "-q", "-m", "nested")
    for file in ("m.json", "sub/m.json", "new.json"):
        (tmp_path / file).write_text(json.dumps({"accuracy": 0.1}))
    return tmp_path


def unread(root: Path, diff: str, file: str) -> list[str]:
    program = repository.stand_in(root, {"metrics diff": diff})
    dvc = Dvc(root=root, environ={"PATH": f"{program.root}/.venv/bin:/usr/bin:/bin"})
    base = repository.git(root, "rev-parse", "HEAD")
    found = sides.before(sides.Sides(root=root, base=base, dvc=dvc), {file: {"accuracy": 0.1}})
    return [problem.file for problem in found.problems] if found else []


@pytest.mark.parametrize(("file", "lost"), [("m.json", True), ("sub/m.json", True), ("new.json", False)])
def test_an_absent_value_of_a_locked_output_could_not_be_read(root: Path, file: str, lost: bool) -> None:
    assert unread(root, "{}", file) == [file] * lost


def test_when_dvc_does_not_answer_nothing_is_new(root: Path) -> None:
    assert unread(root, "no JSON", "new.json") == ["new.json"]
