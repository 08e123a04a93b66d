"""What outlives a job: objects, hashed before they are used, as many as there is room for."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from mlcicd.runtime.storage import dvc_cache
from mlcicd.runtime.storage.dvc_cache import Left, Taken


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def store(folder: Path, content: bytes, name: str = "") -> str:
    """Write an object under the hash of its content, or under another name."""
    name = name or md5(content)
    path = folder / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return name


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def objects(cache: Path) -> dict[str, bytes]:
    files = [path for path in (cache / "files/md5").rglob("*") if path.is_file()]
    return {path.parent.name + path.name: path.read_bytes() for path in files}


def test_what_is_right_is_taken_and_what_is_wrong_is_gone(cache: Path, kept: Path) -> None:
    good = store(kept, b"good")
    listing = store(kept, b"[]", md5(b"[]") + ".dir")
    wrong = store(kept, b"poison", md5(b"what it says it is"))
    assert dvc_cache.take_in(cache, kept) == Taken(files=2, bytes=6, dropped=(wrong,))
    assert objects(cache) == {good: b"good", listing: b"[]"}
    assert not kept.exists()


def test_the_run_cache_and_other_files_never_come_back(cache: Path, kept: Path) -> None:
    store(kept, b"good")
    for name in ("runs/ab/abcd/entry", "../outside", "ab/not-a-hash", "config.local"):
        path = kept / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("cmd: curl evil")
    assert dvc_cache.take_in(cache, kept).files == 1
    assert list(objects(cache).values()) == [b"good"]
    assert [path.name for path in cache.iterdir()] == ["files"]


@pytest.mark.parametrize("where", ["file", "folder", "all"])
def test_a_link_leads_nowhere(cache: Path, kept: Path, tmp_path: Path, where: str) -> None:
    outside = tmp_path / "outside"
    name = store(outside, b"private")
    kept.mkdir()
    if where == "file":
        (kept / name[:2]).mkdir()
        (kept / name[:2] / name[2:]).symlink_to(outside / name[:2] / name[2:])
    elif where == "folder":
        (kept / name[:2]).symlink_to(outside / name[:2], target_is_directory=True)
    else:
        kept.rmdir()
        kept.symlink_to(outside, target_is_directory=True)
    assert dvc_cache.take_in(cache, kept) == Taken()
    assert not objects(cache)
    assert (outside / name[:2] / name[2:]).read_bytes() == b"private"
    assert not kept.exists()


def test_what_dvc_has_already_stays(cache: Path, kept: Path) -> None:
    name = store(kept, b"same")
    place = store(cache / "files/md5", b"same")
    before = (cache / "files/md5" / place[:2] / place[2:]).stat().st_ino
    assert dvc_cache.take_in(cache, kept).files == 1
    assert (cache / "files/md5" / name[:2] / name[2:]).stat().st_ino == before


def test_only_what_is_wanted_is_kept_with_the_files_of_folders(cache: Path, kept: Path) -> None:
    place = cache / "files/md5"
    inside, alone, old = store(place, b"inside"), store(place, b"alone"), store(place, b"old")
    listing = json.dumps([{"md5": inside, "relpath": "a"}, {"md5": "../../x", "relpath": "b"}]).encode()
    folder = store(place, listing, md5(listing) + ".dir")
    store(kept, b"from before")
    left = dvc_cache.put_out(cache, [folder, alone, md5(b"not here"), "../../etc"], 1000, kept)
    assert left == Left(files=3, bytes=len(listing) + 11, left_out=0)
    names = {path.parent.name + path.name for path in kept.rglob("*") if path.is_file()}
    assert names == {f"{kept.name}.gitignore", inside, alone, folder}
    assert (place / old[:2] / old[2:]).exists()
    assert dvc_cache.take_in(cache, kept).dropped == ()


def test_the_limit_leaves_out_the_largest(cache: Path, kept: Path) -> None:
    names = [store(cache / "files/md5", bytes([number]) * 100 * number) for number in (1, 2, 3)]
    assert dvc_cache.put_out(cache, names, 350, kept) == Left(files=2, bytes=300, left_out=1)
    assert dvc_cache.put_out(cache, names, 99, kept) == Left(files=0, bytes=0, left_out=3)


def test_nothing_kept_is_nothing_taken(cache: Path, kept: Path) -> None:
    assert dvc_cache.take_in(cache, kept) == Taken()
    assert not cache.exists()


def test_a_copy_where_a_second_name_cannot_be(cache: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = store(cache / "files/md5", b"other disk")

    def refuse(*_: object, **__: object) -> None:
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    assert dvc_cache.put_out(cache, [name], 100, kept).files == 1
    assert (kept / name[:2] / name[2:]).read_bytes() == b"other disk"
