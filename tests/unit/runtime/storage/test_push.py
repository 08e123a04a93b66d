"""What training made is in the remote, or its lock stays: with stand-ins for dvc, and with the real one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from mlcicd.runtime import project
from mlcicd.runtime.storage import push
from tests.unit.runtime import repository

ALL_THERE = json.dumps({})


@pytest.fixture
def dvc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> repository.StandIn:
    """A project after training, with a remote called `storage`, whose `dvc` is a stand-in."""
    monkeypatch.chdir(tmp_path)
    repository.make(tmp_path)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text(
        "[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://bucket\n"
    )
    Path("mlcicd.yaml").write_text("version: 1\ndata: {}\ntrain: {lock: commit}\n")
    made = repository.stand_in(tmp_path)
    made.answers("cache dir", str(tmp_path / ".dvc/cache"))
    made.answers("data status", ALL_THERE)
    return made


def results(**environ: str) -> tuple[str, list[str]]:
    said: list[str] = []
    loaded = project.load()
    return push.results(loaded, loaded.environ() | environ, said.append), said


def test_what_is_pushed_is_proved_to_be_there(dvc: repository.StandIn) -> None:
    state, said = results()
    assert state == "pushed"
    assert said == ["pushed to remote 'storage', which has all that the lock names"]
    calls = [line for line in dvc.calls() if line.startswith(("push", "data"))]
    assert calls[0] == "push --remote storage"
    assert calls[1].startswith("data status --json --not-in-remote")
    assert calls[2] == "push --remote storage --run-cache"


def test_an_exit_status_alone_is_not_believed(dvc: repository.StandIn) -> None:
    dvc.answers("data status", json.dumps({"not_in_remote": ["model.pkl"]}))
    state, said = results()
    assert state == "failed"
    assert "the remote has not all that the lock names: 1 missing" in said[0]
    assert "model.pkl" in said[1]
    assert not [line for line in dvc.calls() if "--run-cache" in line]


def test_a_refused_push_is_explained_without_secrets(dvc: repository.StandIn) -> None:
    dvc.answers("push", err="ERROR: failed to push: Access Denied for the key s3cret-key-1\n", exit=1)
    state, said = results(AWS_SECRET_ACCESS_KEY="s3cret-key-1")
    assert state == "failed"
    assert said[0].startswith("not pushed, so the lock stays here: ")
    assert "s3cret-key-1" not in "\n".join(said)
    assert any(line.strip().startswith("next: ") for line in said)


def test_a_remote_without_a_run_cache_is_no_failure(dvc: repository.StandIn) -> None:
    dvc.answers("push --remote storage --run-cache", err="ERROR: run-cache is not supported for http\n", exit=1)
    state, said = results()
    assert state == "pushed"
    assert "run-cache is not supported" in said[-1]


@pytest.mark.parametrize("where", ["file", "list", "in a folder"])
def test_a_corrupt_object_is_not_pushed(dvc: repository.StandIn, where: str) -> None:
    cache = dvc.root / ".dvc/cache"
    inside = keep(cache, b"x")
    listing = keep(cache, json.dumps([{"md5": inside, "relpath": "x"}]).encode(), ".dir")
    md5 = {"file": "1ffe3a98ca3affc71880cd6f4dec8315", "list": listing, "in a folder": inside}[where]
    lock = dvc.root / "dvc.lock"
    lock.write_text(lock.read_text().replace("e37ff1e0aff1ec0c21f228bb6f7b0135.dir", listing))
    place(cache, md5).parent.mkdir(parents=True, exist_ok=True)
    place(cache, md5).write_bytes(b"rotten")
    state, said = results()
    assert state == "failed"
    assert "1 objects of DVC's cache are corrupt" in said[0]
    assert md5[2:] in said[1]
    assert not [line for line in dvc.calls() if line.startswith("push")]


def keep(cache: Path, content: bytes, suffix: str = "") -> str:
    md5 = hashlib.md5(content).hexdigest() + suffix
    place(cache, md5).parent.mkdir(parents=True, exist_ok=True)
    place(cache, md5).write_bytes(content)
    return md5


def place(cache: Path, md5: str) -> Path:
    return cache / "files/md5" / md5[:2] / md5[2:]
