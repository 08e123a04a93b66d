from __future__ import annotations

import os

import pytest

from mlcicd.errors import OutsideError, UsageError
from mlcicd.runtime import project
from mlcicd.runtime.process import Answer
from mlcicd.runtime.storage import dvc
from mlcicd.runtime.storage.dvc_errors import Remote, broken, explain, passing
from tests.unit.runtime import repository

MISSING = """\
WARNING: Some of the cache files do not exist neither locally nor on remote. Missing cache files:
md5: b154f6a78a166306105a372ea2344899
ERROR: failed to pull data from the cloud - Checkout failed for following targets:
data/raw.csv
Is your cache up to date?
<https://error.dvc.org/missing-files>
"""
TRANSFER = """\
ERROR: failed to transfer 'd96867a07320bfb479afeba62a2854ba' - [Errno 2] No such file or directory: '/r/files/md5/d9/68'
ERROR: failed to pull data from the cloud - 2 files failed to download
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return repository.make(tmp_path)


@pytest.fixture
def fake(root):
    return repository.stand_in(root)


@pytest.fixture
def program(root, fake):
    return dvc.find(root, project.environ(root, os.environ))


def test_no_dvc_is_explained_with_the_line_that_installs_it(tmp_path):
    with pytest.raises(OutsideError) as caught:
        dvc.find(tmp_path, {"PATH": str(tmp_path)})
    assert caught.value.message.startswith("dvc is not installed")
    assert "uv pip install 'dvc>=3.60,<4'" in caught.value.hint


def test_the_status_is_dvcs_json(program, fake):
    fake.answers("status --json", repository.CLEAN)
    assert program.status() == repository.CLEAN


def test_an_answer_that_is_no_json_is_explained(program, fake):
    fake.answers("status --json", "", err="ERROR: './dvc.yaml' is invalid.\n", exit=1)
    with pytest.raises(OutsideError, match=r"dvc status failed: './dvc.yaml' is invalid"):
        program.status()


def test_metrics_are_there_by_file_broken_ones_too(program, fake):
    error = {"type": "JSONFileCorruptedError", "msg": "unable to read: 'b.json', JSON file structure is corrupted"}
    files = {"a.json": {"data": {"accuracy": 0.9, "loss": float("nan")}}, "b.json": {"error": error}}
    fake.answers("metrics show --json", {"": {"data": files | {"c.json": {"data": [1]}}}})
    found = program.metrics()
    assert found["a.json"]["accuracy"] == 0.9
    assert found["b.json"] == dvc.Broken(reason=error["msg"])
    assert found["c.json"] == dvc.Broken(reason="it holds no keys and values")


def test_a_broken_pipeline_is_not_an_absence_of_metrics(program, fake):
    problem = {"type": "YAMLSyntaxError", "msg": "unable to read: 'dvc.yaml', YAML file structure is corrupted"}
    fake.answers("metrics show --json", {"": {"error": problem}})
    with pytest.raises(OutsideError, match=r"unable to read: 'dvc.yaml'"):
        program.metrics()


def test_differences_are_pairs_in_a_fixed_order(program, fake):
    diff = {"m.json": {"b": {"old": 1, "new": 2, "diff": 1}, "a": {"old": None, "new": "x"}}}
    fake.answers("metrics diff --all --json base", diff)
    fake.answers("params diff --all --json base", {})
    found = program.metrics_diff("base")
    assert found == {"m.json": {"a": (None, "x"), "b": (1, 2)}}
    assert list(found["m.json"]) == ["a", "b"]
    assert program.params_diff("base") == {}


def test_an_unknown_commit_is_named(program, fake):
    fake.answers("metrics diff", "", err="ERROR: unknown Git revision 'deadbeef'\n", exit=255)
    with pytest.raises(OutsideError, match="git does not know the commit deadbeef"):
        program.metrics_diff("deadbeef")


def test_plots_become_curves_and_pictures_go_to_the_work_folder(program, fake, root):
    spec = {"mark": "line", "data": {"values": [{"x": "1", "y": "2", "rev": "workspace"}]}}
    spec["encoding"] = {axis: {"field": axis, "type": "quantitative"} for axis in "xy"}
    elsewhere = [{"name": "p", "rev": "base", "source": "p.csv", "type": "FileNotFoundError", "msg": "gone"}]
    fake.answers("plots diff", {"data": {"p": [{"type": "vega", "content": spec}]}, "errors": elsewhere})
    assert [curve.revisions for curve in program.plots_diff("base")] == [{"workspace": [(1.0, 2.0)]}]
    assert fake.calls() == [f"plots diff --json -o {root}/.mlcicd/plots base"]


def test_a_broken_plot_file_is_named(program, fake):
    problem = {"name": "p", "rev": "workspace", "source": "p.json", "msg": "unable to read: 'p.json'"}
    fake.answers("plots diff", {"errors": [problem]})
    with pytest.raises(OutsideError, match=r"plot p.json: unable to read"):
        program.plots_diff("base")


def test_a_folder_is_listed_by_path(program, fake):
    fake.answers("ls . data/prepared", [{"isout": True, "md5": "aa", "path": "train.csv"}])
    fake.answers("ls . gone", "", err="ERROR: failed to load directory", exit=255)
    assert program.listing("data/prepared") == {"data/prepared/train.csv": "aa"}
    assert program.listing("gone") is None


def test_pulling_names_targets_and_remote(program, fake):
    program.pull(["data/raw.csv", "-x"], "other")
    assert fake.calls() == ["pull --remote other -- data/raw.csv -x"]


def test_a_failed_pull_knows_its_remote(program, fake, root):
    (root / "store").mkdir()
    fake.answers("pull", "", err=TRANSFER, exit=1)
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text(
        "[core]\n    remote = storage\n"
        "['remote \"storage\"']\n    url = ../store\n['remote \"other\"']\n    url = s3://bucket/x\n"
    )
    with pytest.raises(OutsideError, match=r"^data/t.csv: not in remote 'storage', or was corrupt and DVC has removed"):
        program.pull(["data"], names=lambda: {"d96867a07320bfb479afeba62a2854ba": "data/t.csv"})
    with pytest.raises(OutsideError, match=r"^data: not in remote 'other'$"):
        program.pull(["data"], "other")


def why(stderr: str, remote: Remote | None = None):
    answer = Answer(exit=1, out="Everything is up to date.\n", err=stderr)
    return explain(answer, ["data/raw.csv"], remote or Remote(name="storage"))


@pytest.mark.parametrize(
    ("stderr", "message", "hint"),
    [
        (MISSING, "data/raw.csv: not in remote 'storage'", "run `dvc push` where the data is"),
        ("No remote provided and no default remote set.\n" + MISSING, "no DVC remote is configured", "dvc remote add"),
        ("ERROR: config file error: remote 'nope' doesn't exist", "no DVC remote named 'nope'", "dvc remote list"),
        (
            "ERROR: failed to connect to s3 (b/d/files/md5) - Unable to locate credentials",
            "data/raw.csv: remote 'storage' refused: Unable to locate credentials",
            "data.credentials.secrets",
        ),
        ("ERROR: unexpected error - Forbidden: 403", "remote 'storage' refused: Forbidden", "data.credentials"),
        (
            "ERROR: unexpected error - The specified bucket does not exist: nobkt",
            "remote 'storage': The specified bucket does not exist",
            "make the bucket",
        ),
        (
            "ERROR: unexpected error - s3 is supported, but requires 'dvc-s3' to be installed: No module",
            "remote 'storage' needs the package dvc-s3",
            "add dvc-s3 to the project's environment",
        ),
        (
            "ERROR: unexpected error - The provided token has expired.: An error occurred (ExpiredToken)",
            "remote 'storage' refused: the token has expired",
            "get a new one",
        ),
        ("ERROR: unexpected error - Please reduce your request rate.", "is too busy", "jobs 4"),
        ("ERROR: nothing was transferred for 120 s", "cannot be reached: nothing was transferred", "the network"),
        ("ERROR: [Errno 28] No space left on device: 'x'", "the disk is full", "what has come is kept"),
        ('ERROR: Could not connect to the endpoint URL: "http://h/"', "cannot be reached", "the network"),
        (
            "ERROR: failed to connect to ssh (/data/files/md5)\nERROR: failed to pull data from the cloud - 1 files",
            "remote 'storage' cannot be reached, or refuses: failed to connect to ssh",
            "password",
        ),
        ("ERROR: Unable to acquire lock. Most likely another DVC process is running", "another DVC process", "wait"),
        ("ERROR: unexpected error - something new\n", "dvc pull failed: something new", "dvc pull -v"),
        ("", "dvc pull failed: Everything is up to date.", "dvc pull -v"),
    ],
)
def test_each_failure_has_one_message_and_a_next_step(stderr, message, hint):
    error = why(stderr)
    assert message in error.message
    assert hint in error.hint
    assert error.exit_code == 3


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        ("ERROR: you are not inside of a DVC repository (checked up to mount point '/')", "not a DVC repository"),
        (
            "'./dvc.yaml' validation failed: 2 errors.\n\nextra keys not allowed\n  4      \n",
            "dvc.yaml: DVC cannot use it: validation failed",
        ),
        (
            "ERROR: unable to read: 'params.yaml', YAML file structure is corrupted: while parsing",
            "params.yaml: DVC cannot use it: YAML file structure is corrupted",
        ),
        (
            "ERROR: Same item(s) are defined as both a dependency and an output in stages: prepare, train.",
            "dvc.yaml: its stages form a circle: Same item(s) are defined as both a dependency and an output in stages",
        ),
        ("'./dvc.lock' is invalid (possible merge conflicts).", "dvc.lock: merge markers"),
        (
            "ERROR: failed to reproduce 'train': [Errno 2] No such file or directory: 'data/train.csv'",
            "stage 'train': its input data/train.csv was gone when it ended, or never there",
        ),
        ("ERROR: 'x.csv' does not exist as an output or a stage name in 'dvc.yaml'", "x.csv: DVC does not track it"),
    ],
)
def test_what_is_wrong_with_the_repository_is_a_usage_error(stderr, message):
    error = why(stderr)
    assert isinstance(error, UsageError)
    assert message in error.message


def test_a_folder_that_is_not_mounted_is_told_from_absent_data(tmp_path):
    gone = Remote(name="disk", folder=tmp_path / "gone")
    assert (
        why(MISSING, gone).message
        == f"data/raw.csv: remote 'disk' is the folder {gone.folder}, which does not exist here"
    )


@pytest.mark.parametrize(
    ("stderr", "passes"),
    [
        ("Please reduce your request rate", True),
        ("Connection reset by peer", True),
        ("Service Unavailable", True),
        ("nothing was transferred for 120 s", True),
        ("Expected checksum a== did not match calculated checksum: b==", True),
        ("Access Denied", False),
        ("ExpiredToken ... timed out", False),
        ("The specified bucket does not exist", False),
        (MISSING, False),
    ],
)
def test_only_what_may_pass_by_itself_is_tried_again(stderr, passes):
    assert bool(passing(Answer(exit=1, out="", err=stderr))) is passes


def test_an_input_is_called_as_the_project_calls_it(tmp_path):
    told = broken(f"ERROR: failed to reproduce 'a': [Errno 2] No such file or directory: '{tmp_path}/x'", tmp_path)
    assert told.message.startswith("stage 'a': its input x was gone")
    assert broken("ERROR: something else", tmp_path) is None


def test_a_refusal_without_a_reason_is_asked_again_for_one_and_keeps_secrets(root, fake):
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("[core]\nremote = s\n['remote \"s\"']\nurl = s3://b/x\n")
    fake.answers("pull", err="ERROR: failed to connect to s3 (b) - [Errno 22] Bad Request\n", exit=1)
    fake.answers("data status", err="ERROR: ExpiredToken for very-secret-token\n", exit=255)
    environ = project.environ(root, {**os.environ, "MY_TOKEN": "very-secret-token"})
    with pytest.raises(OutsideError) as caught:
        dvc.find(root, environ).pull(["data/raw.csv"])
    assert "the token has expired" in caught.value.message
    assert "very-secret-token" not in caught.value.detail
    assert "***" in caught.value.detail


def test_what_is_not_in_the_remote_is_read_after_warnings(root, fake, program):
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("[core]\nremote = s\n['remote \"s\"']\nurl = s3://b/x\n")
    fake.answers("data status", {"not_in_remote": ["b", "a/"]}, err="WARNING: something\n")
    assert program.not_in_remote() == ["a/", "b"]
    fake.answers("data status", "{}")
    assert program.not_in_remote() == []
    fake.answers("data status", "", err="ERROR: unexpected error - Unable to locate credentials\n", exit=255)
    with pytest.raises(OutsideError, match="Unable to locate credentials"):
        program.not_in_remote()


def test_without_a_remote_nothing_can_be_proved(root, fake, program):
    with pytest.raises(OutsideError, match="no DVC remote is configured"):
        program.not_in_remote()


def test_a_bucket_that_is_not_there_is_told_from_one_that_is_empty(root, fake, program):
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("[core]\nremote = s\n['remote \"s\"']\nurl = s3://b/x\n")
    fake.answers("ls-url remote://s/", err="ERROR: The path 'remote://s/' does not exist: b/x\n", exit=255)
    program.reach()
    fake.answers("ls-url remote://s/", err="ERROR: The specified bucket does not exist: NoSuchBucket\n", exit=255)
    with pytest.raises(OutsideError, match="The specified bucket does not exist"):
        program.reach()
