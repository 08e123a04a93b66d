"""Files that run code when they are loaded: none is loaded by us, and none gets into git through the job `lock`."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import pytest

import mlcicd
from mlcicd import resources
from mlcicd.errors import Refused
from mlcicd.runtime import formats, lock, redact
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.training import handover
from tests.unit.runtime.repository import git

PICKLE = pickle.dumps({"weights": [1, 2]})
DVC = "stages:\n  train:\n    cmd: x\n    outs: [model.bin: {cache: false}, metrics.json: {cache: false}]\n"


def zipped(**members: bytes) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return raw.getvalue()


def npy(descr: str) -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}".ljust(118) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


LAYERS = json.dumps({"config": {"layers": [{"class_name": "Lambda", "config": {}}]}}).encode()
HDF = b"\x89HDF\r\n\x1a\n" + b"\0" * 64


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("model.pkl", b""),
        ("Model.PICKLE", b"anything"),
        ("model.joblib", b"\x1f\x8b"),
        ("model.pt", b"?"),
        ("weights.ckpt", b"?"),
        ("fit.rds", b"\x1f\x8b"),
        ("model.bin", PICKLE),
        ("no-name-says-it", pickle.dumps(1, protocol=5)),
        ("model.zip", zipped(archive__data_dot_pkl=PICKLE)),
        ("arrays.npz", zipped(a_dot_npy=npy("'|O'"))),
        ("array.npy", npy("[('a', '|O')]")),
        ("model.keras", zipped(config_dot_json=LAYERS)),
        ("model.h5", HDF + LAYERS),
        ("broken.zip", b"PK\x03\x04 broken"),
    ],
)
def test_formats_with_code(name: str, raw: bytes) -> None:
    assert formats.runs_code(name, raw)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("model.onnx", b"\x08\x07\x12\x07pytorch"),
        ("model.safetensors", (2).to_bytes(8, "little") + b"{}"),
        ("metrics.json", b'{"class_name": "Lambda"}'),
        ("table.csv", b"a,b\n1,2\n"),
        ("array.npy", npy("'<f8'")),
        ("arrays.npz", zipped(a_dot_npy=npy("'<f8'"), b_dot_npy=npy("'|U3'"))),
        ("model.keras", zipped(config_dot_json=LAYERS.replace(b"Lambda", b"Dense"), model_dot_weights_dot_h5=HDF)),
        ("model.h5", HDF),
        ("empty", b""),
    ],
)
def test_formats_without(name: str, raw: bytes) -> None:
    assert formats.runs_code(name, raw) == ""


def md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files = {"mlcicd.yaml": "version: 1\ndata: {}\ntrain: {lock: commit}\n", "dvc.yaml": DVC, "metrics.json": "{}\n",
             "model.bin": "old\n", ".gitignore": ".mlcicd\n"}  # fmt: skip
    for name, text in files.items():
        Path(name).write_text(text)
    git(tmp_path, "init", "--quiet", "-b", "main")
    return tmp_path


def bring(model: bytes, metrics: bytes = b'{"accuracy": 1}\n') -> list[str]:
    """Do what the job `lock` does, up to the commit; return what it would commit."""
    outs = "".join(f"    - {{path: {name}, hash: md5, md5: {md5(raw)}, size: 1}}\n"
                   for name, raw in (("metrics.json", metrics), ("model.bin", model)))  # fmt: skip
    text = f"schema: '2.0'\nstages:\n  train:\n    cmd: x\n    outs:\n{outs}"
    git(Path.cwd(), "add", ".")
    git(Path.cwd(), "commit", "--quiet", "--allow-empty", "-m", "start")
    handover.FILES.mkdir(parents=True, exist_ok=True)
    for name, raw in {"dvc.lock": text.encode(), "metrics.json": metrics, "model.bin": model}.items():
        (handover.FILES / name).write_bytes(raw)
    return list(lock.run("mlcicd.yaml", True, Ci(), os.environ, lambda line: None).files)


def test_a_model_without_code_comes_back(trained: Path) -> None:
    assert sorted(bring(b"weights")) == ["dvc.lock", "metrics.json", "model.bin"]


def test_a_pickle_does_not(trained: Path) -> None:
    with pytest.raises(Refused, match=r"model\.bin is a pickle, and runs code when it is loaded"):
        bring(PICKLE)


def test_a_pickle_that_is_named_does(trained: Path) -> None:
    Path("mlcicd.yaml").write_text(
        "version: 1\ndata: {}\ntrain: {lock: commit}\nvalidate: {checkpoints: [raw], unpickle: [model.bin]}\n"
    )
    assert "model.bin" in bring(PICKLE)


@pytest.mark.parametrize("what", ["ghp_" + "a1B2" * 9, "abc-123-def", redact.FILE_MASK])
def test_a_secret_does_not_get_into_git(what: str, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCICD_TOKEN", "abc-123-def")
    with pytest.raises(Refused, match=r"metrics\.json holds a secret") as caught:
        bring(b"weights", json.dumps({"note": what}).encode())
    assert what not in caught.value.message


LOADERS = frozenset(
    {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "torch", "keras", "numpy"}
)
OURS = [path for folder in (Path(mlcicd.__file__).parent, resources.find("actions")) for path in folder.rglob("*.py")]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_nothing_of_ours_can_load_one(path: Path) -> None:
    """No module of ours imports what unpickles, calls it by name, or makes code of text."""
    tree = ast.parse(path.read_text("utf-8"))
    imported = {
        alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {(node.module or "").partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    methods = {func.attr for func in calls if isinstance(func, ast.Attribute)}
    names = {func.id for func in calls if isinstance(func, ast.Name)}
    assert not imported & LOADERS
    assert not methods & {"read_pickle", "unsafe_load", "full_load", "load_model"}
    assert not names & {"eval", "exec", "compile", "__import__"}
