"""`mlcicd eject`: the files are handed over whole, once, and mlcicd leaves them alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlcicd.errors import Refused
from tests.unit.write.repository import COMMIT, PIPELINE, WORKFLOW, Repository, begin


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("MLCICD_COMMIT", COMMIT)
    return begin(tmp_path)


def test_without_yes_it_only_says_what_it_would_do(repo: Repository) -> None:
    before = repo.files()
    said = repo.run("eject").output
    assert f"yours  {WORKFLOW}" in said
    assert "remove  mlcicd.lock" in said
    assert "`mlcicd eject --yes`" in said
    assert repo.files() == before


def test_the_files_stay_with_their_edits_and_without_the_check(repo: Repository) -> None:
    repo.edit("    name: Tests", "    # ours\n    name: Unit tests")
    repo.edit("    - mlcicd test\n", "    - mlcicd test\n    - make more\n", PIPELINE)
    assert repo.run("eject", "--yes").exit_code == 0
    assert not (repo.root / "mlcicd.lock").exists()
    assert (repo.root / "mlcicd.yaml").exists()
    for path in (WORKFLOW, PIPELINE):
        assert repo.text(path).startswith("# Ejected from mlcicd ")
        assert "Generated" not in repo.text(path)
        assert "generate --check" not in repo.text(path)
    jobs = yaml.safe_load(repo.text())["jobs"]
    assert "check" not in jobs
    assert jobs["test"]["name"] == "Unit tests"
    assert "# ours\n" in repo.text()
    assert "make more" in repo.text(PIPELINE)


def test_from_then_on_they_are_left_alone_until_they_are_deleted(repo: Repository) -> None:
    repo.run("eject", "--yes")
    before = repo.files()
    for words in (["generate"], ["generate", "--check"], ["generate", "--merge"], ["eject", "--yes"]):
        error = repo.refused(*words)
        assert isinstance(error, Refused)
        assert f"{WORKFLOW}: was handed over to you by `mlcicd eject`: to have it made again, delete it" in error.detail
    assert repo.files() == before
    for path in (WORKFLOW, PIPELINE):
        (repo.root / path).unlink()
    repo.generate()
    repo.generate("--check")


def test_one_that_was_stopped_half_way_is_finished(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    lock = repo.text("mlcicd.lock")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", stop)
        assert "mlcicd.lock: cannot be written" in repo.refused("eject", "--yes").message
    handed_over = repo.text(), repo.text(PIPELINE)
    assert repo.text("mlcicd.lock") == lock
    assert repo.run("eject", "--yes").exit_code == 0
    assert not (repo.root / "mlcicd.lock").exists()
    assert (repo.text(), repo.text(PIPELINE)) == handed_over


def test_one_that_was_stopped_between_two_files_is_finished(repo: Repository) -> None:
    lock, pipeline = repo.text("mlcicd.lock"), repo.text(PIPELINE)
    repo.run("eject", "--yes")
    handed_over = repo.files()
    repo.put(pipeline, PIPELINE)
    repo.put(lock, "mlcicd.lock")
    assert f"yours  {WORKFLOW}" in repo.run("eject").output
    assert repo.run("eject", "--yes").exit_code == 0
    assert repo.files() == handed_over


def test_an_edit_of_the_job_that_goes_is_in_the_way(repo: Repository) -> None:
    repo.edit("name: Compare with mlcicd.yaml", "name: Compare")
    before = repo.files()
    for words in (["eject"], ["eject", "--yes"]):
        error = repo.refused(*words)
        assert "yours      " in error.detail
        assert "take that edit back" in error.hint
    assert repo.files() == before


def test_a_file_that_is_not_ours_stops_it(repo: Repository) -> None:
    repo.put("mine: 1\n", PIPELINE)
    before = repo.files()
    assert f"{PIPELINE}: was not written by mlcicd" in repo.refused("eject", "--yes").detail
    assert repo.files() == before
