from __future__ import annotations

import subprocess

import pytest

from mlcicd.runtime.storage import authors
from tests.unit.runtime import repository
from tests.unit.runtime.repository import RAW, TEST, git

NEW = "c" * 32


@pytest.fixture
def root(tmp_path):
    return repository.make(tmp_path / "origin")


@pytest.fixture(autouse=True)
def folder(tmp_path):
    (tmp_path / "origin").mkdir(exist_ok=True)


def change(root):
    lock = root / "dvc.lock"
    lock.write_text(lock.read_text().replace(TEST, NEW))


def test_each_line_has_its_own_commit(root):
    change(root)
    git(root, "commit", "-qam", "Other test data")
    found = authors.changed(root, "dvc.lock", [RAW, NEW, "f" * 32])
    short = git(root, "rev-parse", "HEAD")[:9]
    assert found[NEW] == f"last changed in {short} by n: Other test data"
    assert found[RAW].endswith("by n: first")
    assert set(found) == {RAW, NEW}


def test_what_is_not_committed_is_said_to_be_so(root):
    change(root)
    assert authors.changed(root, "dvc.lock", [NEW]) == {NEW: "changed here, not committed yet"}


def test_a_shallow_clone_does_not_blame_its_oldest_commit(root, tmp_path):
    git(root, "commit", "-q", "--allow-empty", "-m", "second")
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{root}", tmp_path / "shallow"], check=True)
    found = authors.changed(tmp_path / "shallow", "dvc.lock", [RAW])[RAW]
    assert found.startswith("in or before ")
    assert found.endswith("by n (this clone has no older history)")


def test_without_git_it_says_so(tmp_path):
    (tmp_path / "a.dvc").write_text(f"md5: {RAW}\n")
    assert authors.changed(tmp_path, "a.dvc", [RAW, NEW]) == {RAW: "git has no history of it here"}
    assert authors.changed(tmp_path, "absent.dvc", [RAW]) == {}
