from __future__ import annotations

import hashlib
import json
from collections import namedtuple

import pytest

from mlcicd.errors import OutsideError
from mlcicd.runtime.storage import space
from mlcicd.runtime.storage.tracked import Out, Stage, Tracked
from mlcicd.runtime.storage.verify import place

Usage = namedtuple("Usage", "total used free")
FILE = Out(path="a.bin", md5="a" * 32, source="a.bin.dvc", size=1000)
FOLDER = Out(path="d", md5=f"{'d' * 32}.dir", source="make", size=3000)
COPY = {"cache": {"type": "copy"}}


@pytest.fixture
def disk(monkeypatch):
    def set_free(free: int) -> None:
        monkeypatch.setattr(space.shutil, "disk_usage", lambda path: Usage(10**9, 0, free))

    return set_free


def check(root, outs, targets=(), found=None, dvc=COPY):
    space.check(root, root / ".dvc/cache", outs, targets, found or Tracked(), dvc)


def test_what_fits_is_let_through(tmp_path, disk):
    disk(8000)
    check(tmp_path, [FILE, FOLDER])


def test_a_copy_counts_twice(tmp_path, disk):
    disk(7999)
    with pytest.raises(OutsideError) as caught:
        check(tmp_path, [FILE, FOLDER])
    assert caught.value.message == (
        f"{tmp_path}: the disk is too small for the data: 7.8 KiB needed (3.9 KiB of it because DVC copies from its "
        "cache), 7.8 KiB free"
    )
    assert "cache.type" in caught.value.hint


@pytest.mark.parametrize("kind", ["hardlink", "symlink", "hardlink,copy", "nosuch,symlink"])
def test_a_link_does_not(tmp_path, disk, kind):
    disk(4000)
    check(tmp_path, [FILE, FOLDER], dvc={"cache": {"type": kind}})
    disk(3999)
    with pytest.raises(OutsideError, match=r"needed, 3.9 KiB free"):
        check(tmp_path, [FILE, FOLDER], dvc={"cache": {"type": kind}})


def test_by_default_it_depends_on_whether_the_disk_shares_blocks(tmp_path, disk, monkeypatch):
    disk(4000)
    monkeypatch.setattr(space, "_shares", lambda one, other: True)
    check(tmp_path, [FILE, FOLDER], dvc={})
    monkeypatch.setattr(space, "_shares", lambda one, other: False)
    with pytest.raises(OutsideError):
        check(tmp_path, [FILE, FOLDER], dvc={})


def test_what_is_here_already_is_not_needed(tmp_path, disk):
    disk(0)
    for path in (tmp_path / "a.bin", place(tmp_path / ".dvc/cache", FILE.md5, legacy=False)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1000)
    check(tmp_path, [FILE])


def test_of_a_folder_what_the_cache_has_is_taken_off(tmp_path, disk):
    cache = tmp_path / ".dvc/cache"
    content = b"x" * 2500
    md5 = hashlib.md5(content).hexdigest()
    rows = [{"md5": md5, "relpath": "x"}, {"md5": "e" * 32, "relpath": "y"}]
    for path, raw in (
        (place(cache, FOLDER.md5, False), json.dumps(rows).encode()),
        (place(cache, md5, False), content),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    disk(500)
    check(tmp_path, [FOLDER], dvc={"cache": {"type": "symlink"}})
    disk(499)
    with pytest.raises(OutsideError):
        check(tmp_path, [FOLDER], dvc={"cache": {"type": "symlink"}})


def test_a_file_of_a_folder_counts_alone(tmp_path, disk):
    found = Tracked(stages={"train": Stage(name="train", deps={"d/x": "x"}, sizes={"d/x": 100}, outs=())})
    disk(200)
    check(tmp_path, [FOLDER], ["d/x"], found)
    disk(199)
    with pytest.raises(OutsideError):
        check(tmp_path, [FOLDER], ["d/x"], found)


def test_without_sizes_nothing_is_claimed(tmp_path, disk):
    disk(0)
    check(tmp_path, [Out(path="a", md5="a" * 32, source="a.dvc")])
