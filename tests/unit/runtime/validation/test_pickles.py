from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import zipfile
import zlib

import pytest

from mlcicd.runtime.validation import pickles
from tests.unit.runtime import repository


class Evil:
    def __reduce__(self):
        return (eval, ("1",))


EVIL = pickle.dumps({"weights": [1.0], "x": Evil()})
CLEAN = pickle.dumps({"weights": [1.0, 2.0]})
HEADER = b"\x93NUMPY\x01\x00"


def array(body, descr="|O"):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,), }}\n".encode()
    return HEADER + len(text).to_bytes(2, "little") + text + body


def told(value):
    """Name a case by its file: bytes in a name would differ between workers, for archives hold the time."""
    return value if isinstance(value, str) else "content"


def packed(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.pkl", EVIL),
        ("m.pkl", CLEAN + EVIL),
        ("m.pickle", pickle.dumps(Evil(), protocol=0)),
        ("m.joblib", zlib.compress(EVIL)),
        ("m.joblib", gzip.compress(EVIL, mtime=0)),
        ("m.joblib", bz2.compress(EVIL)),
        ("m.joblib", lzma.compress(EVIL)),
        ("m.pt", packed(archive__data_DOT_pkl=EVIL)),
        ("m.pt", packed(archive__anything=EVIL)),
        ("m.pth", pickle.dumps(0x1950A86A20F9469CFC6C) + pickle.dumps(1001) + EVIL + b"\x00raw"),
        ("m.bin", EVIL),
        ("m.npy", array(EVIL)),
        ("m.npz", packed(a_DOT_npy=array(EVIL))),
    ],
    ids=told,
)
def test_what_runs_code_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert pickles.dangerous(tmp_path / name) in (["builtins.eval"], ["__builtin__.eval"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.pkl", CLEAN),
        ("m.pkl", b""),
        ("m.bin", bytes(range(256)) * 10),
        ("m.npy", array(b"\x00" * 8, "<f8")),
        ("m.npz", packed(a_DOT_npy=array(b"\x00" * 8, "<f8"))),
        ("m.pt", packed(data_DOT_pkl=CLEAN)),
        ("m.joblib", zlib.compress(CLEAN)),
    ],
    ids=told,
)
def test_what_runs_none_is_not(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert pickles.dangerous(tmp_path / name) == []


@pytest.mark.parametrize(("name", "content"), [("m.pt", packed(a=b"1")[:-30]), ("m.npy", array(b"")[:20])], ids=told)
def test_what_cannot_be_looked_into_says_so(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"^[A-Za-z]+$"):
        pickles.dangerous(tmp_path / name)


def test_files_of_git_and_of_dvc_that_are_here_are_scanned(tmp_path, caplog):
    root = repository.make(tmp_path)
    (root / "model.pkl").write_bytes(EVIL)  # dvc.lock tracks it, git ignores it
    (root / "data/prepared").mkdir()
    (root / "data/prepared/a.npy").write_bytes(array(EVIL))  # in a folder that DVC tracks
    (root / "held.joblib").write_bytes(CLEAN)
    (root / ".venv").mkdir()
    (root / ".venv/cache.pkl").write_bytes(EVIL)
    found = pickles.scan(root, {"model.pkl"})
    assert found is not None
    assert [(entry.column, entry.severity, entry.success) for entry in found.expectations] == [
        ("data/prepared/a.npy", "critical", False),
        ("model.pkl", "info", True),
    ]
    assert found.expectations[0].observed == "calls builtins.eval when it is loaded"
    assert (found.success, found.kind, caplog.text) == (False, "scan", "")


def test_clean_files_are_counted_and_absent_ones_are_no_matter(tmp_path):
    root = repository.make(tmp_path)
    assert pickles.scan(root, ()) is None
    (root / "held.pkl").write_bytes(CLEAN)
    (root / "torn.pt").write_bytes(packed(a=b"1")[:-30])
    found = pickles.scan(root, ())
    assert found is not None
    assert found.success
    assert [(entry.column, entry.success) for entry in found.expectations] == [("torn.pt", False), ("", True)]
