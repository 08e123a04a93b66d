from __future__ import annotations

import hashlib
import json
import os

import pytest

from mlcicd.runtime import base as commits
from mlcicd.runtime import project
from mlcicd.runtime.validation.base_data import Base
from tests.unit.runtime import repository

OLD, NEW = b"a,b\n1,x\n", b"a,b\n1,x\n2,y\n"


def md5(content):
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def root(tmp_path):
    """A project whose base has `data/raw.csv` in DVC, as OLD; `dvc get` writes it."""
    made = repository.make(tmp_path / "project")
    (made / "data/raw.csv.dvc").write_text(repository.SOURCE.replace(repository.RAW, md5(OLD)))
    (made / "held.csv").write_bytes(OLD)
    repository.git(made, "add", "-A")
    repository.git(made, "commit", "-q", "-m", "base")
    return made


@pytest.fixture
def dvc(root):
    stand_in = repository.stand_in(root)
    stand_in.answers("get", then='while [ "$1" != --out ]; do shift; done; printf "a,b\\n1,x\\n" > "$2"')
    return stand_in


def base(root, tmp_path, **more):
    sha = more.pop("sha", None) or commits.commit(root, "HEAD")
    (tmp_path / "copies").mkdir(exist_ok=True)
    environ = project.environ(root, os.environ)
    return Base(root, environ, commits.Base(sha=sha, found="test"), tmp_path / "copies", **more)


def test_a_file_that_dvc_has_under_the_same_hash_is_not_fetched(root, dvc, tmp_path):
    (root / "data/raw.csv").write_bytes(OLD)
    found = base(root, tmp_path).version("data/raw.csv")
    assert (found.same, found.path, dvc.calls()) == (True, None, [])


@pytest.mark.parametrize("forced", [False, True])
def test_a_file_that_was_changed_here_is_another_whatever_its_pointer_says(root, dvc, tmp_path, forced):
    (root / "data/raw.csv").write_bytes(NEW)
    here = base(root, tmp_path)
    if forced:
        repository.git(root, "add", "-f", "data/raw.csv")
    found = here.version("data/raw.csv")
    assert (found.same, found.path and found.path.read_bytes()) == (False, OLD)


def test_a_file_that_dvc_2_tracked_may_differ_in_its_line_ends(root, dvc, tmp_path):
    pointer = root / "data/raw.csv.dvc"
    pointer.write_text(pointer.read_text().replace("  hash: md5\n", ""))
    repository.git(root, "commit", "-q", "-a", "-m", "legacy")
    (root / "data/raw.csv").write_bytes(OLD.replace(b"\n", b"\r\n"))
    assert base(root, tmp_path).version("data/raw.csv").same
    assert dvc.calls() == []


def test_the_files_own_hash_counts_when_the_pointer_moved(root, dvc, tmp_path):
    here = base(root, tmp_path)
    (root / "data/raw.csv.dvc").write_text(repository.SOURCE)
    (root / "data/raw.csv").write_bytes(OLD)
    assert here.version("data/raw.csv").same
    assert dvc.calls() == []


def test_another_version_is_fetched_from_the_base_commit(root, dvc, tmp_path):
    here = base(root, tmp_path, remote="store")
    (root / "data/raw.csv.dvc").write_text(repository.SOURCE.replace(repository.RAW, md5(NEW)))
    (root / "data/raw.csv").write_bytes(NEW)
    found = here.version("data/raw.csv")
    assert (found.same, found.note) == (False, f"base {here.commit.sha[:7]}")
    assert found.path is not None
    assert found.path.read_bytes() == OLD
    (call,) = dvc.calls()
    assert call.startswith(f"get --remote store --rev {here.commit.sha} --out {tmp_path}/copies/")
    assert call.endswith(f" -- {root} data/raw.csv")


def test_a_stages_output_is_found_too(root, dvc, tmp_path):
    lock = (root / "dvc.lock").read_text()
    (root / "dvc.lock").write_text(lock.replace("c9037f90197706fd13736a7be6e62dad", md5(OLD)))
    repository.git(root, "commit", "-q", "-a", "-m", "plots")
    (root / "plots").mkdir(exist_ok=True)
    (root / "plots/roc.csv").write_bytes(OLD)
    assert base(root, tmp_path).version("plots/roc.csv").same
    (root / "plots/roc.csv").write_bytes(NEW)
    assert not base(root, tmp_path).version("plots/roc.csv").same


def test_a_file_of_a_tracked_folder_is_compared_with_the_folders_list(root, dvc, tmp_path):
    listed = json.dumps([{"md5": md5(OLD), "relpath": "train.csv"}]).encode()
    lock = (root / "dvc.lock").read_text()
    (root / "dvc.lock").write_text(lock.replace("e37ff1e0aff1ec0c21f228bb6f7b0135", md5(listed)))
    repository.git(root, "commit", "-q", "-a", "-m", "prepared")
    dvc.answers("cache", out=f"{tmp_path}/cache\n")
    (root / "data/prepared").mkdir()
    train = root / "data/prepared/train.csv"
    train.write_bytes(OLD)
    here = base(root, tmp_path)
    assert here.version("data/prepared/train.csv").same  # by DVC: no list is here
    assert dvc.calls()[-1].split()[-1] == "data/prepared/train.csv"
    place = tmp_path / "cache/files/md5" / md5(listed)[:2] / f"{md5(listed)[2:]}.dir"
    place.parent.mkdir(parents=True)
    place.write_bytes(listed)
    asked = len(dvc.calls())
    assert here.version("data/prepared/train.csv").same
    (root / "data/prepared/new.csv").write_bytes(NEW)
    assert here.version("data/prepared/new.csv").absent
    assert len(dvc.calls()) == asked
    train.write_bytes(NEW)
    assert here.version("data/prepared/train.csv").path


def test_what_git_holds_is_read_from_git(root, dvc, tmp_path):
    here = base(root, tmp_path)
    assert here.version("held.csv").same
    (root / "held.csv").write_bytes(NEW)
    found = here.version("held.csv")
    assert found.path is not None
    assert found.path.read_bytes() == OLD
    assert dvc.calls() == []


def test_a_file_that_the_base_has_not(root, dvc, tmp_path):
    (root / "new.csv").write_bytes(NEW)
    here = base(root, tmp_path)
    assert here.version("new.csv").note == f"it is new: base {here.commit.sha[:7]} has no such file"


def test_a_remote_that_does_not_answer_is_a_note(root, dvc, tmp_path):
    dvc.answers("get", err="ERROR: failed to get: no credentials\n", exit=255)
    here = base(root, tmp_path)
    (root / "data/raw.csv.dvc").write_text(repository.SOURCE)
    (root / "data/raw.csv").write_bytes(NEW)
    found = here.version("data/raw.csv")
    assert found == type(found)(note="the base's version could not be fetched: failed to get: no credentials")


def test_no_base_and_a_broken_one_are_notes(root, dvc, tmp_path):
    (root / "data/raw.csv").write_bytes(NEW)
    nothing = Base(root, {}, commits.Base(found="there is no commit before this one"), tmp_path)
    assert nothing.version("held.csv").note == "there is no base to compare with: there is no commit before this one"
    (root / "dvc.lock").write_text("stages:\n<<<<<<< HEAD\n  a: {cmd: x}\n")
    repository.git(root, "commit", "-q", "-a", "-m", "broken")
    broken = base(root, tmp_path).version("plots/roc.csv")
    assert broken.note.startswith("the base's version could not be had: in base ")
