"""A process that ends at any moment leaves every file as it was or as it is to be."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlcicd.write import disk
from tests.unit.write.repository import BOTH, PIPELINE, WORKFLOW, Repository

LONGER = BOTH.replace("train: {}", "train: {timeout: 7h}")
# The product has no hook for this: a child stops itself at the n-th call by which anything is changed on the disk. Each
# number on its input is one child, forked from a process that has imported everything.
CHILDREN = """
import os, signal, sys
import mlcicd.generate
from mlcicd.cli import main

def guard(real):
    def counted(*words, **more):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*words, **more)
    return counted

for line in sys.stdin:
    child = os.fork()
    if child:
        print(os.waitpid(child, 0)[1], flush=True)
        continue
    left = int(line)
    for name in ("replace", "rename", "fsync", "unlink"):
        setattr(os, name, guard(getattr(os, name)))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        main(sys.argv[1:])
    finally:
        os._exit(0)
"""


@pytest.fixture
def killed(repo: Repository) -> Iterator[Callable[[int], bool]]:
    """`killed(n)`: generate, kill it at step n; tells whether it came that far."""
    words = [sys.executable, "-c", CHILDREN, "generate", "--root", str(repo.root)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def ask(moment: int) -> bool:
            print(moment, file=stdin, flush=True)
            return int(stdout.readline()) == signal.SIGKILL

        yield ask
        stdin.close()


def whole(repo: Repository) -> dict[str, bytes]:
    return {path: raw for path, raw in repo.files().items() if not path.endswith(".tmp")}


def test_killed_at_every_step_each_file_is_old_or_new_and_the_next_run_repairs_all(
    repo: Repository, killed: Callable[[int], bool]
) -> None:
    repo.edit("    name: Tests", "    name: Unit tests")
    repo.generate("--accept")
    old = repo.files()
    repo.put(LONGER)
    repo.generate()
    new = repo.files()
    states = set()
    for moment in range(30):
        for path, raw in old.items():
            (repo.root / path).write_bytes(raw)
        repo.put(LONGER)
        ended = not killed(moment)
        found = whole(repo)
        assert found.keys() == new.keys()
        assert all(found[path] in (old[path], new[path]) for path in (WORKFLOW, PIPELINE, "mlcicd.lock"))
        states.add(tuple(found[path] == new[path] for path in (WORKFLOW, PIPELINE, "mlcicd.lock")))
        repo.generate()
        assert repo.files() == new, f"after a kill at step {moment}"
        if ended:
            break
    assert ended, "it never came to its end"
    assert states == {(False, False, False), (True, False, False), (True, True, False), (True, True, True)}


@pytest.mark.e2e
def test_killed_at_random_moments(repo: Repository) -> None:
    chance = random.Random(0)
    old = repo.files()
    repo.put(LONGER)
    repo.generate()
    new = repo.files()
    words = [sys.executable, "-m", "mlcicd", "generate", "--root", str(repo.root)]
    for _ in range(60):
        for path, raw in old.items():
            (repo.root / path).write_bytes(raw)
        repo.put(LONGER)
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.1, 0.5))
        process.kill()
        process.wait()
        found = whole(repo)
        assert all(found[path] in (old[path], new[path]) for path in new)
        repo.generate()
        assert repo.files() == new


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left, theirs, other = (tmp_path / f".a.yml.{tail}" for tail in (f"{dead.pid}.tmp", f"{os.getppid()}.tmp", "orig"))
    for path in (left, theirs, other):
        path.touch()
    disk.write({tmp_path / "a.yml": "a: 1\n"})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a.yml", theirs.name, other.name])


def test_nothing_is_written_when_one_of_several_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Exception, match="cannot be written"):
        disk.write({tmp_path / "a.yml": "a: 1\n", tmp_path / "file" / "b.yml": "b: 1\n"})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
