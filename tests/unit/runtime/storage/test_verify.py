from __future__ import annotations

import hashlib
import json

import pytest

from mlcicd.errors import OutsideError
from mlcicd.runtime.storage import verify
from mlcicd.runtime.storage.tracked import Out


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def root(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "a.bin").write_bytes(b"\x00a\r\n")
    (tmp_path / "d" / "x.csv").write_bytes(b"1,2\r\n")
    (tmp_path / "d" / "y.csv").write_bytes(b"3,4\n")
    return tmp_path


def listed(cache, files: dict[str, bytes]) -> str:
    """Put the list of a folder into the cache, as DVC does, and return its hash."""
    rows = [{"md5": md5(content), "relpath": name} for name, content in sorted(files.items())]
    raw = json.dumps(rows, sort_keys=True).encode()
    place = cache / "files" / "md5" / md5(raw)[:2] / f"{md5(raw)[2:]}.dir"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(raw)
    return f"{md5(raw)}.dir"


FILE = Out(path="a.bin", md5=md5(b"\x00a\r\n"), source="a.bin.dvc")
FOLDER = {"x.csv": b"1,2\r\n", "y.csv": b"3,4\n"}


def folder(root, files=FOLDER):
    return Out(path="d", md5=listed(root / "cache", files), source="d.dvc")


def test_right_files_are_counted(root):
    found = verify.check(root, [FILE, folder(root)], root / "cache")
    assert (found.files, found.bytes, found.skipped) == (3, 13, ())


def test_a_corrupt_file_is_named_with_both_hashes(root):
    (root / "a.bin").write_bytes(b"garbage")
    with pytest.raises(OutsideError) as caught:
        verify.check(root, [FILE, folder(root)], root / "cache")
    assert caught.value.message.startswith("a.bin: corrupt")
    assert caught.value.detail == f"a.bin: expected md5 {FILE.md5}, found {md5(b'garbage')}"
    assert f"files/md5/{FILE.md5[:2]}/{FILE.md5[2:]}" in caught.value.hint


def test_a_corrupt_file_in_a_folder_is_named(root):
    out = folder(root)
    (root / "d" / "y.csv").write_bytes(b"3,5\n")
    with pytest.raises(OutsideError, match=r"^d/y.csv: corrupt"):
        verify.check(root, [out], root / "cache")


def test_a_file_that_is_not_there_is_named(root):
    (root / "d" / "y.csv").unlink()
    with pytest.raises(OutsideError, match=r"^d/y.csv: not delivered"):
        verify.check(root, [folder(root)], root / "cache")


def test_only_the_targets_of_a_folder_are_looked_at(root):
    (root / "d" / "y.csv").unlink()
    assert verify.check(root, [folder(root)], root / "cache", ["d/x.csv"]).files == 1


def test_a_corrupt_list_of_a_folder_is_noticed(root):
    out = folder(root)
    place = next((root / "cache").rglob("*.dir"))
    place.write_text("[]")
    with pytest.raises(OutsideError, match=r"^d: corrupt: its list of files"):
        verify.check(root, [out], root / "cache")


def test_what_is_corrupt_is_removed_here_and_in_the_cache(root):
    out = folder(root)
    place = verify.place(root / "cache", md5(b"3,4\n"), legacy=False)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"bad")
    (root / "d" / "y.csv").unlink()
    (root / "d" / "y.csv").symlink_to(place)
    with pytest.raises(verify.Corrupt) as caught:
        verify.check(root, [FILE, out], root / "cache")
    verify.discard(root, root / "cache", caught.value.wrong)
    assert not place.exists()
    assert not (root / "d" / "y.csv").is_symlink()
    assert (root / "d" / "x.csv").exists()
    assert (root / "a.bin").exists()


def test_a_corrupt_list_takes_its_folder_with_it(root):
    out = folder(root)
    next((root / "cache").rglob("*.dir")).write_text("[]")
    with pytest.raises(verify.Corrupt) as caught:
        verify.check(root, [out], root / "cache")
    verify.discard(root, root / "cache", caught.value.wrong)
    assert not (root / "d").exists()
    assert not list((root / "cache").rglob("*.dir"))


def test_a_folder_whose_list_is_gone_is_hashed_as_a_whole(root):
    out = folder(root)
    assert verify.check(root, [out], root / "nowhere").files == 2
    (root / "d" / "y.csv").write_bytes(b"3,5\n")
    with pytest.raises(OutsideError, match=r"^d: corrupt"):
        verify.check(root, [out], root / "nowhere")


def test_dvc_2_read_the_line_ends_of_text_its_own_way(root):
    unix = Out(path="d/x.csv", md5=md5(b"1,2\n"), legacy=True, source="x.dvc")
    assert verify.check(root, [unix], root).files == 1
    binary = Out(path="a.bin", md5=FILE.md5, legacy=True, source="a.dvc")
    assert verify.check(root, [binary], root).files == 1


def test_without_an_md5_nothing_is_checked_and_that_is_said(root):
    cloud = Out(path="c.bin", md5="", source="c.dvc")
    assert verify.check(root, [cloud, FILE], root).skipped == ("c.bin",)


def test_measuring_reads_nothing(root):
    (root / "a.bin").chmod(0)
    found = verify.measure(root, ["a.bin", "d", "absent"])
    assert (found.files, found.bytes) == (3, 13)
