from __future__ import annotations

import shutil

import pytest

from mlcicd.runtime.training import handover
from tests.unit.runtime import repository


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return repository.make(tmp_path)


def write(root, name, text="new"):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def test_what_was_kept_comes_back_into_a_clean_clone(root, tmp_path):
    write(root, "metrics.json")
    write(root, "plots/roc.csv")
    write(root, "live/plots/a.tsv")
    kept = handover.keep(["metrics.json", "plots/roc.csv", "live/plots", "plots/absent.csv"], root).files
    assert kept == ("live/plots/a.tsv", "metrics.json", "plots/roc.csv")
    shutil.rmtree(root / "live")
    (root / "plots" / "roc.csv").unlink()
    repository.git(root, "checkout", "-q", ".")
    assert handover.restore(root) == list(kept)
    assert {(root / name).read_text() for name in kept} == {"new"}


def test_work_of_a_person_is_never_overwritten(root):
    for name in ("metrics.json", "dvc.lock", "plots/roc.csv"):
        write(root, name)
    handover.keep(["metrics.json", "dvc.lock", "plots/roc.csv"], root)
    write(root, "metrics.json", "mine")
    write(root, "plots/roc.csv", "mine too")
    repository.git(root, "checkout", "-q", "dvc.lock")
    assert handover.restore(root) == ["dvc.lock"]
    assert (root / "metrics.json").read_text() == "mine"
    assert (root / "plots" / "roc.csv").read_text() == "mine too"


def test_a_staged_change_is_work_too(root):
    write(root, "metrics.json")
    handover.keep(["metrics.json"], root)
    write(root, "metrics.json", "mine")
    repository.git(root, "add", "metrics.json")
    assert handover.restore(root) == []


def test_only_the_last_run_is_kept(root):
    write(root, "a.json")
    handover.keep(["a.json", "metrics.json"], root)
    assert handover.keep(["metrics.json"], root).files == ("metrics.json",)
    assert handover.restore(root) == ["metrics.json"]


def test_files_are_kept_by_their_path_in_the_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ml").mkdir()
    root = repository.make(tmp_path / "ml")
    handover.keep(["metrics.json"], root)
    assert (tmp_path / ".mlcicd/train/files/ml/metrics.json").is_file()
    (root / "metrics.json").unlink()
    assert handover.restore(root) == ["metrics.json"]


def test_nothing_is_handed_over_that_could_change_how_git_behaves(root):
    handover.keep(["metrics.json"], root)
    files = root / ".mlcicd/train/files"
    write(files, ".git/hooks/post-checkout", "#!/bin/sh\n")
    write(files, "data/.gitignore")
    (files / "link.json").symlink_to("/etc/hostname")
    assert handover.restore(root) == ["metrics.json"]


def test_a_path_that_leads_out_of_the_project_is_not_kept(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.json"
    outside.write_text("x")
    assert handover.keep([f"../{outside.parent.name}/secret.json", str(outside)], root).files == ()


def test_without_anything_kept_nothing_happens(root):
    assert handover.restore(root) == []
