"""Whether the results that a commit holds are of what stands in it, in real repositories."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from mlcicd.errors import UsageError
from mlcicd.runtime import blobs, committed
from mlcicd.runtime.committed import Doubts
from tests.unit.runtime.repository import git

PARAMS = "train: {epochs: 3, lr: 1e-3}\nother: 1\n"
TRAIN = "print('trains')\n"
EVALUATE = "print('evaluates')\n"
METRICS = '{"accuracy": 0.9}'
SOURCE = "outs: [{path: raw.csv, hash: md5, md5: %s}]\n" % ("a" * 32)
PIPELINE = """\
stages:
  train: {cmd: python train.py, deps: [train.py, data/raw.csv], params: [train], outs: [model.pkl]}
  evaluate: {cmd: python evaluate.py, deps: [evaluate.py, model.pkl], metrics: [metrics.json: {cache: false}]}
  plot: {cmd: python plot.py, params: [other], outs: [plot.svg]}
"""


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


LOCK = f"""\
schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - {{path: data/raw.csv, hash: md5, md5: {"a" * 32}}}
    - {{path: train.py, hash: md5, md5: {md5(TRAIN)}}}
    params: {{params.yaml: {{train: {{epochs: 3, lr: 0.001}}}}}}
    outs: [{{path: model.pkl, hash: md5, md5: {"b" * 32}}}]
  evaluate:
    cmd: python evaluate.py
    deps:
    - {{path: evaluate.py, hash: md5, md5: {md5(EVALUATE)}}}
    - {{path: model.pkl, hash: md5, md5: {"b" * 32}}}
    outs: [{{path: metrics.json, hash: md5, md5: {md5(METRICS)}}}]
  plot:
    cmd: python plot.py
    params: {{params.yaml: {{other: 1}}}}
    outs: [{{path: plot.svg, hash: md5, md5: {"c" * 32}}}]
"""
FILES = {
    "dvc.yaml": PIPELINE, "dvc.lock": LOCK, "params.yaml": PARAMS, "train.py": TRAIN, "evaluate.py": EVALUATE,
    "metrics.json": METRICS, "data/raw.csv.dvc": SOURCE,
}  # fmt: skip


def made(root: Path, changed: dict[str, str], home: str = "") -> str:
    """Commit the pipeline with some files changed after it ran; nothing of it stays in the work tree."""
    for name, text in {**FILES, **changed}.items():
        path = root / home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A", "-f")
    git(root, "commit", "-q", "-m", "base")
    sha = git(root, "rev-parse", "HEAD")
    git(root, "rm", "-rq", ".")
    return sha


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, ()),
        ({"params.yaml": PARAMS.replace("epochs: 3", "epochs: 5")}, ("parameter train.epochs 3 → 5 in params.yaml",)),
        ({"train.py": TRAIN + "#"}, ("code train.py changed",)),
        ({"evaluate.py": EVALUATE + "#"}, ("code evaluate.py changed",)),
        ({"dvc.yaml": PIPELINE.replace("train.py, deps", "train.py -v, deps")},
         ("command: python train.py → python train.py -v",)),
        ({"data/raw.csv.dvc": SOURCE.replace("a" * 32, "d" * 32)},
         ("data data/raw.csv: it ran with md5 aaaaaaa…, data/raw.csv.dvc now has ddddddd…",)),
        # Of another stage, which makes no metric.
        ({"params.yaml": PARAMS.replace("other: 1", "other: 2")}, ()),
        # The same by another spelling: numbers, line ends, a hook's empty line, git-lfs.
        ({"params.yaml": PARAMS.replace("1e-3", "0.001")}, ()),
        ({"train.py": TRAIN.replace("\n", "\r\n"), "metrics.json": METRICS + "\n"}, ()),
        ({"train.py": "version https://git-lfs.example/spec/v1\noid sha256:00\n"}, ()),
        ({"dvc.yaml": PIPELINE.replace("{cmd: python train.py", "{frozen: true, cmd: python train.py"),
          "train.py": "#"}, ()),
    ],
)  # fmt: skip
def test_why_a_metric_is_not_of_its_commit(tmp_path: Path, changed: dict[str, str], why: tuple[str, ...]) -> None:
    found = committed.find(tmp_path, made(tmp_path, changed))
    assert found.untrained.get("metrics.json", ()) == why
    assert found.altered == {}


def test_a_metric_that_somebody_wrote_over(tmp_path: Path) -> None:
    sha = made(tmp_path, {"metrics.json": '{"accuracy": 0.7}', "params.yaml": PARAMS.replace("epochs: 3", "epochs: 5")})
    found = committed.find(tmp_path, sha)
    assert found.altered == {"metrics.json": "evaluate"}
    assert "metrics.json" not in found.untrained


def test_a_project_in_a_folder(tmp_path: Path) -> None:
    sha = made(tmp_path, {"params.yaml": PARAMS.replace("epochs: 3", "epochs: 5")}, home="models/digits")
    (tmp_path / "models/digits").mkdir(parents=True)
    found = committed.find(tmp_path / "models/digits", sha)
    assert found.untrained["metrics.json"] == ("parameter train.epochs 3 → 5 in params.yaml",)


def test_what_only_the_lock_still_knows_says_nothing(tmp_path: Path) -> None:
    renamed = PIPELINE.replace("  evaluate:", "  judge:")
    found = committed.find(tmp_path, made(tmp_path, {"dvc.yaml": renamed, "metrics.json": "{}"}))
    assert (found.altered, "metrics.json" in found.untrained) == ({}, False)


@pytest.mark.parametrize(
    "broken", [f"<<<<<<< ours\n{LOCK}=======\n{LOCK}>>>>>>> theirs\n", "stages: [", "stages: {train: {deps: 3}}"]
)
def test_a_broken_lock_is_named(tmp_path: Path, broken: str) -> None:
    sha = made(tmp_path, {"dvc.lock": broken})
    with pytest.raises(UsageError, match=r"dvc\.lock"):
        committed.find(tmp_path, sha)


@pytest.mark.parametrize("sha", ["0" * 40, "no-such-thing"])
def test_a_commit_that_is_not_here_raises_no_doubt(tmp_path: Path, sha: str) -> None:
    made(tmp_path, {})
    assert committed.find(tmp_path, sha) == Doubts()
    assert committed.find(tmp_path / "nowhere", sha) == Doubts()


def test_links_submodules_and_odd_names_are_read_as_what_they_are(tmp_path: Path) -> None:
    for name in ("a\nb.txt", 'q"uote', "ümlaut", "empty"):
        (tmp_path / name).write_bytes(b"" if name == "empty" else b"one\n\ntwo")
    (tmp_path / "link").symlink_to("empty")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "x")
    files = blobs.listed(tmp_path, "HEAD")
    assert set(files) == {"a\nb.txt", 'q"uote', "ümlaut", "empty"}
    held = blobs.contents(tmp_path, files, {*files, "nowhere"})
    assert held == {name: b"" if name == "empty" else b"one\n\ntwo" for name in files}


def test_it_is_cheap_in_a_large_repository(tmp_path: Path) -> None:
    for index in range(3000):
        (tmp_path / f"{index}.txt").write_text(str(index))
    sha = made(tmp_path, {})
    began = time.monotonic()
    committed.find(tmp_path, sha)
    assert time.monotonic() - began < 2
