from __future__ import annotations

import copy

import pytest

from mlcicd.runtime.storage import tracked
from mlcicd.runtime.storage.needed import needed
from tests.unit.runtime import repository

LISTED = {"data/prepared/train.csv": repository.TRAIN, "data/prepared/test.csv": repository.TEST}
TRAIN_AND_TEST = ["data/prepared/test.csv", "data/prepared/train.csv"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return repository.make(tmp_path_factory.mktemp("repository"))


def ask(root, status, listed=LISTED, here=()):
    return needed(status, tracked.read(root), {"data/prepared": listed}.get, set(here).__contains__)


def changed(stage, entry):
    status = copy.deepcopy(repository.CLEAN)
    status.setdefault(stage, []).append(entry)
    return status


def test_nothing_changed_needs_nothing(root):
    assert ask(root, repository.CLEAN) == []


@pytest.mark.parametrize(
    ("stage", "entry", "targets"),
    [
        ("train", {"changed deps": {"params.yaml": {"train": "modified"}}}, TRAIN_AND_TEST),
        ("train", {"changed deps": {"src/train.py": "modified"}}, TRAIN_AND_TEST),
        ("train", "changed command", TRAIN_AND_TEST),
        ("prepare", {"changed deps": {"params.yaml": {"prepare": "new"}}}, ["data/raw.csv"]),
        ("evaluate", {"changed outs": {"metrics.json": "modified"}}, ["data/prepared/test.csv", "model.pkl"]),
        ("evaluate", {"changed outs": {"metrics.json": "deleted"}}, []),
        ("always", "always changed", []),
        ("added", {"changed deps": {"model.pkl": "deleted", "src/x.py": "modified"}}, ["model.pkl"]),
    ],
)
def test_a_change_needs_what_it_and_what_follows_read(root, stage, entry, targets):
    assert ask(root, changed(stage, entry)) == targets


def test_outputs_of_a_new_stage_are_known_from_the_status(root):
    status = changed("added", {"changed deps": {"data/raw.csv": "deleted"}})
    status["added"].append({"changed outs": {"features.bin": "deleted"}})
    status["after"] = [{"changed deps": {"features.bin": "deleted"}}]
    assert ask(root, status) == ["data/raw.csv"]


def test_a_new_version_of_the_data_is_seen_although_dvc_only_says_deleted(root, tmp_path):
    other = repository.make(tmp_path)
    source = other / "data/raw.csv.dvc"
    source.write_text(source.read_text().replace(repository.RAW, "c" * 32))
    assert ask(other, repository.CLEAN) == ["data/raw.csv"]
    # Once it is here, DVC itself says whether it differs.
    assert ask(other, repository.CLEAN, here=["data/raw.csv"]) == []


@pytest.mark.parametrize(
    ("listed", "targets"),
    [
        (None, TRAIN_AND_TEST),
        ({}, TRAIN_AND_TEST),
        ({**LISTED, "data/prepared/train.csv": "d" * 32}, TRAIN_AND_TEST),
        ({**LISTED, "data/prepared/test.csv": "d" * 32}, ["data/prepared/test.csv", "model.pkl"]),
    ],
)
def test_a_file_in_a_folder_that_differs_or_cannot_be_told_is_fetched(root, listed, targets):
    assert ask(root, repository.CLEAN, listed) == targets


def test_a_stage_that_reads_a_folder_around_tracked_files_gets_them(root):
    status = changed("added", {"changed deps": {"data": "modified"}})
    assert ask(root, status) == ["data/prepared", "data/raw.csv"]
