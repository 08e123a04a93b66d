"""A git repository with what DVC leaves in one, and a stand-in for `dvc` that replays recorded answers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# What DVC 3.67.1 printed in a clean clone of a prepare, train, evaluate pipeline that has no data yet.
CLEAN = {
    "prepare": [{"changed deps": {"data/raw.csv": "deleted"}}, {"changed outs": {"data/prepared": "not in cache"}}],
    "train": [
        {"changed deps": {"data/prepared/train.csv": "deleted"}},
        {"changed outs": {"model.pkl": "not in cache"}},
    ],
    "evaluate": [
        {"changed deps": {"model.pkl": "deleted", "data/prepared/test.csv": "deleted"}},
        {"changed outs": {"plots/roc.csv": "not in cache", "plots/confusion.csv": "not in cache"}},
    ],
    "data/raw.csv.dvc": [{"changed outs": {"data/raw.csv": "not in cache"}}],
}
RAW = "b154f6a78a166306105a372ea2344899"
TRAIN = "d96867a07320bfb479afeba62a2854ba"
TEST = "94b3f0628886c6a00d256aafa8408a6b"
SOURCE = f"outs:\n- md5: {RAW}\n  size: 121385\n  hash: md5\n  path: raw.csv\n"
LOCK = f"""\
schema: '2.0'
stages:
  prepare:
    cmd: python src/prepare.py
    deps:
    - {{path: data/raw.csv, hash: md5, md5: {RAW}, size: 121385}}
    - {{path: src/prepare.py, hash: md5, md5: e75e77eb82273e768a812bf669b18b50, size: 344}}
    outs:
    - {{path: data/prepared, hash: md5, md5: e37ff1e0aff1ec0c21f228bb6f7b0135.dir, size: 121877, nfiles: 2}}
  train:
    cmd: python src/train.py
    deps:
    - {{path: data/prepared/train.csv, hash: md5, md5: {TRAIN}, size: 85200}}
    outs:
    - {{path: model.pkl, hash: md5, md5: 1ffe3a98ca3affc71880cd6f4dec8315, size: 51754}}
  evaluate:
    cmd: python src/evaluate.py
    deps:
    - {{path: data/prepared/test.csv, hash: md5, md5: {TEST}, size: 36677}}
    - {{path: model.pkl, hash: md5, md5: 1ffe3a98ca3affc71880cd6f4dec8315, size: 51754}}
    outs:
    - {{path: metrics.json, hash: md5, md5: 285852258d6ddb3d3db04de575915eac, size: 71}}
    - {{path: plots/confusion.csv, hash: md5, md5: c01557f4721c6ac2b7aeb558867ff65e, size: 868}}
    - {{path: plots/roc.csv, hash: md5, md5: c9037f90197706fd13736a7be6e62dad, size: 634}}
"""
PIPELINE = """\
vars: [{root: data}]
stages:
  prepare: {cmd: python src/prepare.py, deps: ["${root}/raw.csv"], outs: ["${root}/prepared"]}
  train: {cmd: python src/train.py, deps: [data/prepared/train.csv], outs: [model.pkl]}
  evaluate:
    cmd: python src/evaluate.py
    deps: [model.pkl, data/prepared/test.csv]
    metrics: [{metrics.json: {cache: false}}]
    plots:
      - plots/roc.csv: {template: linear, x: fpr, y: tpr, title: ROC}
      - plots/confusion.csv: {template: confusion, x: actual, y: predicted}
"""
METRICS = '{"accuracy": 0.9470588235294117, "nested": {"auc": 0.9794540869307224}}'


def git(root: Path, *arguments: str) -> str:
    """Run git as a fixed person."""
    argv = ["git", "-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false", *arguments]
    return subprocess.run(argv, cwd=root, capture_output=True, text=True, check=True).stdout.strip()


def make(root: Path) -> Path:
    """Write and commit the repository; its data is nowhere."""
    files = {
        "data/raw.csv.dvc": SOURCE,
        "data/.gitignore": "/raw.csv\n/prepared\n",
        ".gitignore": "/model.pkl\n/.venv\n",
        "plots/.gitignore": "/*.csv\n",
        "dvc.yaml": PIPELINE,
        "dvc.lock": LOCK,
        "metrics.json": METRICS,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    return root


@dataclass(frozen=True)
class StandIn:
    """A program called `dvc` in the project's `.venv/bin`; `calls` returns how it was called, line by line."""

    root: Path
    folder: Path

    def calls(self) -> list[str]:
        log = self.folder / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def answers(self, start: str, out: object = "", *, err: str = "", exit: int = 0, then: str = "") -> None:
        """Set what is printed when the arguments begin with `start`; `then` is more shell text to run."""
        text = out if isinstance(out, str) else json.dumps(out)
        name = start.replace(" ", "_").replace("/", "_")
        (self.folder / f"{name}.out").write_text(text)
        (self.folder / f"{name}.err").write_text(err)
        said = f'cat "{self.folder}/{name}.out"; cat "{self.folder}/{name}.err" >&2'
        known = self.folder / "cases"
        cases = f'"{start}"*) {then or ":"}; {said}; exit {exit};;\n' + (known.read_text() if known.exists() else "")
        known.write_text(cases)
        program = self.root / ".venv" / "bin" / "dvc"
        program.write_text(f'#!/bin/sh\necho "$*" >> "{self.folder}/calls"\ncase "$*" in\n{cases}esac\nexit 0\n')


def stand_in(root: Path, answers: Mapping[str, object] | None = None) -> StandIn:
    """Put a stand-in into a project's environment."""
    folder = root / ".venv" / "answers"
    folder.mkdir(parents=True)
    (root / ".venv" / "bin").mkdir()
    (root / ".venv" / "bin" / "dvc").write_text(f'#!/bin/sh\necho "$*" >> "{folder}/calls"\n')
    (root / ".venv" / "bin" / "dvc").chmod(0o755)
    made = StandIn(root=root, folder=folder)
    for start, out in (answers or {}).items():
        made.answers(start, out)
    return made
