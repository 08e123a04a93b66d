"""The lock comes back: on exactly the commit that was trained, with nothing but results, and never twice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlcicd.errors import OutsideError, Refused, UsageError
from mlcicd.runtime import bare, facts, lock, lock_files
from mlcicd.runtime.ci import Ci, detect
from mlcicd.runtime.facts import Hardware, LockFacts, TrainFacts
from tests.unit.runtime.forge_server import Server, serve
from tests.unit.runtime.repository import git

pytestmark = pytest.mark.e2e  # hundreds of git processes
PIPELINE = """\
stages:
  train:
    cmd: python train.py
    deps: [data.csv, train.py, src]
    params: [train.trees]
    outs: [model.pkl]
    metrics: [metrics.json: {cache: false}]
    plots: [plots/roc.csv, plots/new.csv: {cache: false}]
"""
EACH = pytest.mark.parametrize("ci", ["github", "gitlab"], indirect=True)
CODE, RAW, BEFORE, AFTER = "print()\n", "f" * 32, '{"accuracy": 0.9}', '{"accuracy": 0.95}'
COMMITTED = ["dvc.lock", "metrics.json"]


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def locked(metrics: str, *, trees: int = 10, code: str = CODE, raw: str = RAW) -> str:
    return f"""\
schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - {{path: data.csv, hash: md5, md5: {raw}, size: 3}}
    - {{path: src, hash: md5, md5: {"a" * 32}.dir, size: 3, nfiles: 1}}
    - {{path: train.py, hash: md5, md5: {md5(code)}, size: 8}}
    params: {{params.yaml: {{train.trees: {trees}}}}}
    outs:
    - {{path: metrics.json, hash: md5, md5: {md5(metrics)}, size: 17}}
    - {{path: model.pkl, hash: md5, md5: {md5(metrics)[::-1]}, size: 9}}
    - {{path: plots/roc.csv, hash: md5, md5: {"b" * 32}, size: 9}}
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as state:
        yield state


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with `main` and, ten trees further, `feature`, and its bare origin beside it."""
    folder = tmp_path_factory.mktemp("start")
    work = folder / "work"
    write(
        work,
        {
            "mlcicd.yaml": "version: 1\ndata: {}\ntrain: {lock: commit}\n",
            "dvc.yaml": PIPELINE,
            "dvc.lock": locked(BEFORE),
            "metrics.json": BEFORE,
            "params.yaml": "train: {trees: 10}\n",
            "train.py": CODE,
            "src/model.py": "pass\n",
            "data.csv.dvc": f"outs:\n- {{md5: {RAW}, size: 3, hash: md5, path: data.csv}}\n",
            ".github/workflows/ci.yml": "on: push\n",
        },
    )
    git(work, "init", "-q", "-b", "main")
    commit(work, "first")
    git(work, "switch", "-q", "-c", "feature")
    write(work, {"params.yaml": "train: {trees: 20}\n"})
    commit(work, "more trees")
    git(work, "remote", "add", "origin", "../origin.git")
    git(folder, "clone", "-q", "--bare", str(work), "origin.git")
    git(folder / "origin.git", "config", "uploadpack.allowAnySHA1InWant", "true")
    return folder


@pytest.fixture
def origin(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of both for one test; the folder of a job without a checkout is the working directory."""
    for name in ("work", "origin.git"):
        shutil.copytree(start / name, tmp_path / name, symlinks=True)
    (tmp_path / "job").mkdir()
    monkeypatch.chdir(tmp_path / "job")
    return tmp_path / "origin.git"


@pytest.fixture
def ci(request: pytest.FixtureRequest, server: Server, origin: Path) -> Ci:
    """A run for `feature` on GitHub; on another forge where a test asks for it."""
    sha = git(origin, "rev-parse", "feature")
    return Ci(
        forge=getattr(request, "param", "github"),
        api=server.url,
        project="o/r",
        change=7,
        sha=sha,
        run=3,
        token="s3cret-token",
        git=f"file://{origin}",
        branch="feature",
        checkout=sha,
        links={"run": "https://forge.example/o/r/runs/3"},
    )


@pytest.fixture
def trained(origin: Path) -> None:
    leave({"dvc.lock": locked(AFTER, trees=20), "metrics.json": AFTER})


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def commit(work: Path, message: str) -> str:
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", message)
    return git(work, "rev-parse", "HEAD")


def leave(files: dict[str, str], **changes: Any) -> None:
    """Put the artifact of a training into the job's folder."""
    write(Path(".mlcicd/train/files"), files)
    hardware = Hardware(cpus=2, memory=1)
    found: dict[str, Any] = {"command": "dvc repro", "exit": 0, "seconds": 1, "hardware": hardware, "lock": "pushed"}
    facts.write(TrainFacts(**(found | changes)), "train")


def bring(ci: Ci) -> LockFacts:
    found = lock.run("mlcicd.yaml", False, ci, os.environ, lambda line: None)
    assert facts.read(LockFacts, "lock") == found.model_copy(update={"origin": facts.origin.here()})
    return found


def proposing(origin: Path, ci: Ci) -> Ci:
    """Let the change ask for a proposal in place of a commit."""
    work = origin.parent / "work"
    write(work, {"mlcicd.yaml": "version: 1\ndata: {}\ntrain: {lock: propose}\n"})
    sha = commit(work, "propose")
    git(work, "push", "-q", "origin", "feature")
    return replace(ci, sha=sha, checkout=sha)


@EACH
def test_a_commit_holds_the_lock_and_the_metrics_and_nothing_else(origin: Path, ci: Ci, trained: None) -> None:
    leave({"plots/roc.csv": "cached", "params.yaml": "train: {trees: 1}\n", "notes.txt": "x", "plots/new.csv": "y"})
    found = bring(ci)
    assert (found.state, found.branch, list(found.files)) == ("committed", "feature", [*COMMITTED, "plots/new.csv"])
    assert git(origin, "rev-parse", "feature", "feature^") == f"{found.commit}\n{ci.sha}"
    changed = git(origin, "diff", "--name-status", "feature^", "feature").splitlines()
    assert changed == ["M\tdvc.lock", "M\tmetrics.json", "A\tplots/new.csv"]
    assert git(origin, "show", "feature:metrics.json") == AFTER
    message = git(origin, "log", "-1", "--format=%an %B", "feature")
    assert f"Mlcicd-Lock: {ci.sha}" in message
    assert message.startswith("github-actions[bot]" if ci.forge == "github" else "mlcicd")
    assert git(origin, "fsck", "--strict") == ""


def test_the_record_of_the_seeds_comes_along(origin: Path, ci: Ci) -> None:
    record = '{"files": {}, "metrics": {}}'
    kept = {"metrics.seeds.json": record, "sub/metrics.seeds.json": record}
    leave({"dvc.lock": locked(AFTER, trees=20), "metrics.json": AFTER, **kept})
    assert bring(ci).files == ("dvc.lock", "metrics.json", "metrics.seeds.json")
    assert git(origin, "show", "feature:metrics.seeds.json") == record


def test_its_own_commit_changes_nothing(origin: Path, ci: Ci, trained: None) -> None:
    made = bring(ci).commit
    again = replace(ci, sha=made, checkout=made)
    assert bring(again).state == "unchanged"
    assert git(origin, "rev-parse", "feature") == made


def test_a_training_that_never_gives_the_same_twice_does_not_go_on_for_ever(
    origin: Path, ci: Ci, trained: None
) -> None:
    made = bring(ci).commit
    other = '{"accuracy": 0.96}'
    leave({"dvc.lock": locked(other, trees=20), "metrics.json": other})
    found = bring(replace(ci, sha=made, checkout=made))
    assert found.state == "skipped"
    assert "other results" in found.reason
    assert git(origin, "rev-parse", "feature") == made


def test_a_squash_that_quotes_our_message_is_the_persons(origin: Path, ci: Ci, trained: None) -> None:
    work = origin.parent / "work"
    write(work, {"note": "x"})
    sha = commit(work, f"Squashed\n\n* Update dvc.lock\n\nMlcicd-Lock: {'1' * 40}\n")
    git(work, "push", "-q", "origin", "feature")
    assert bring(replace(ci, sha=sha, checkout=sha)).state == "committed"


def move(origin: Path) -> str:
    """Let somebody push to the branch meanwhile."""
    work = origin.parent / "work"
    write(work, {"note": "x"})
    sha = commit(work, "a newer commit")
    git(work, "push", "-q", "origin", "feature")
    return sha


@pytest.mark.parametrize("mode", ["commit", "propose"])
def test_a_branch_that_has_moved_is_left_alone(origin: Path, ci: Ci, trained: None, mode: str) -> None:
    ci = proposing(origin, ci) if mode == "propose" else ci
    newer = move(origin)
    found = bring(ci)
    assert found.state == "moved"
    assert newer[:7] in found.reason
    assert git(origin, "rev-parse", "feature") == newer
    assert git(origin, "for-each-ref", "refs/heads/mlcicd/") == ""


def test_a_branch_that_moves_in_the_last_moment_is_left_alone(
    origin: Path, ci: Ci, trained: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    push, moved = bare.push, []
    monkeypatch.setattr(bare, "push", lambda *given: (moved.append(move(origin)), push(*given))[1])
    assert bring(ci).state == "moved"
    assert [git(origin, "rev-parse", "feature")] == moved


def test_a_branch_that_is_gone_does_not_come_back(origin: Path, ci: Ci, trained: None) -> None:
    git(origin, "branch", "-D", "feature")
    found = bring(ci)
    assert found.state == "moved"
    assert "is gone" in found.reason
    assert git(origin, "branch", "--list", "feature") == ""


@EACH
def test_a_proposal_is_opened_once_and_then_updated(origin: Path, ci: Ci, trained: None, server: Server) -> None:
    ci = proposing(origin, ci)
    found = bring(ci)
    assert (found.state, found.branch) == ("proposed", "mlcicd/lock/feature")
    assert found.link == "https://forge.example/o/r/1"
    (request,) = server.proposals
    assert (request["source"], request["target"]) == ("mlcicd/lock/feature", "feature")
    assert request["title"] == "Update dvc.lock of feature after training"
    assert "- `metrics.json`" in request["body"]
    assert git(origin, "rev-parse", "mlcicd/lock/feature", "mlcicd/lock/feature^") == f"{found.commit}\n{ci.sha}"
    assert git(origin, "rev-parse", "feature") == ci.sha
    assert bring(ci).commit == found.commit
    other = '{"accuracy": 0.96}'
    leave({"dvc.lock": locked(other, trees=20), "metrics.json": other})
    second = bring(replace(ci, run=4, links={}))
    assert git(origin, "rev-parse", "mlcicd/lock/feature", "mlcicd/lock/feature^") == f"{second.commit}\n{ci.sha}"
    assert len(server.proposals) == 1
    assert server.proposals[0]["body"].startswith("A CI run trained")
    assert [verb for verb, *_ in server.requests if verb != "GET"] == [
        "POST",
        "PATCH" if ci.forge == "github" else "PUT",
    ]


def test_a_commit_of_a_person_on_our_branch_is_not_replaced(origin: Path, ci: Ci, trained: None) -> None:
    ci = proposing(origin, ci)
    git(origin, "branch", "mlcicd/lock/feature", "main")
    with pytest.raises(Refused, match="holds a commit that is not from here"):
        bring(ci)
    assert git(origin, "rev-parse", "mlcicd/lock/feature") == git(origin, "rev-parse", "main")


def test_of_two_proposals_at_once_one_wins(
    origin: Path, ci: Ci, trained: None, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    ci = proposing(origin, ci)
    push = bare.push

    def late(*given: Any) -> str:
        git(origin, "branch", "mlcicd/lock/feature", "main")
        return push(*given)

    monkeypatch.setattr(bare, "push", late)
    assert bring(ci).state == "moved"
    assert git(origin, "rev-parse", "mlcicd/lock/feature") == git(origin, "rev-parse", "main")
    assert server.proposals == []


@EACH
@pytest.mark.parametrize("status", [401, 403, 422])
def test_a_refused_request_says_where_the_commit_is(
    origin: Path, ci: Ci, trained: None, server: Server, status: int
) -> None:
    ci = proposing(origin, ci)
    server.fail("POST", "", (status, {}, '{"message": "not permitted to create pull requests"}'))
    with pytest.raises(OutsideError, match="is on the branch mlcicd/lock/feature") as caught:
        bring(ci)
    assert f"HTTP {status}" in caught.value.message
    assert "open it by hand" in caught.value.hint


@EACH
def test_a_forge_that_takes_no_push_is_explained(origin: Path, ci: Ci, trained: None) -> None:
    hook = origin / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(OutsideError, match="Protected branch update failed") as caught:
        bring(ci)
    assert "lock: propose" in caught.value.hint
    left = facts.read(LockFacts, "lock")
    assert left is not None
    assert left.state == "refused"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"forge": ""}, "not a run of a forge"),
        ({"fork": True}, "from a fork"),
        ({"branch": ""}, "not for a branch"),
        ({"branch": "mlcicd/lock/feature"}, "such a proposal itself"),
    ],
)
def test_where_nothing_may_be_written_nothing_is(
    origin: Path, ci: Ci, trained: None, changes: dict[str, Any], reason: str
) -> None:
    before = git(origin, "for-each-ref")
    found = bring(replace(ci, **changes))
    assert found.state == "skipped"
    assert reason in found.reason
    assert git(origin, "for-each-ref") == before


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exit": 3}, "exit status 3"),
        ({"smoke": ("epochs=1",)}, "smoke"),
        ({"lock": "none"}, "pushed nothing"),
    ],
)
def test_a_training_that_does_not_count_brings_nothing(
    origin: Path, ci: Ci, trained: None, changes: dict[str, Any], reason: str
) -> None:
    leave({}, **changes)
    found = bring(ci)
    assert found.state == "skipped"
    assert reason in found.reason
    assert git(origin, "rev-parse", "feature") == ci.sha


def test_never_a_lock_without_its_data(origin: Path, ci: Ci, trained: None) -> None:
    leave({}, lock="failed")
    with pytest.raises(Refused, match="not all in the remote"):
        bring(ci)
    assert git(origin, "rev-parse", "feature") == ci.sha


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"dvc.lock": locked(AFTER, trees=10)}, "params.yaml: train.trees 10 → 20"),
        ({"dvc.lock": locked(AFTER, trees=20, code="other")}, "train.py: stage train ran with another version"),
        ({"dvc.lock": locked(AFTER, trees=20, raw="e" * 32)}, "data.csv.dvc: stage train ran with other data"),
        ({"metrics.json": '{"accuracy": 1}'}, "metrics.json is not what stage train wrote"),
    ],
)
def test_a_lock_that_is_not_true_is_refused(
    origin: Path, ci: Ci, trained: None, files: dict[str, str], told: str
) -> None:
    leave(files)
    with pytest.raises(Refused, match="the new lock is not true") as caught:
        bring(ci)
    assert told in caught.value.detail
    assert git(origin, "rev-parse", "feature") == ci.sha


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"src/model.py": "other\n"}, "src differs"),
        ({"dvc.yaml": PIPELINE.replace("train.py\n", "train.py -v\n")}, "dvc.yaml differs"),
        ({"README.md": "of no stage\n"}, ""),
    ],
)
def test_a_merge_with_the_base_counts_only_where_stages_read_the_same(
    origin: Path, ci: Ci, trained: None, changed: dict[str, str], told: str
) -> None:
    work = origin.parent / "work"
    git(work, "switch", "-q", "main")
    write(work, changed)
    commit(work, "the base goes on")
    git(work, "merge", "-q", "feature", "-m", "what the forge tests")
    merge = git(work, "rev-parse", "HEAD")
    git(work, "push", "-q", "origin", "HEAD:refs/pull/7/merge")
    tested = replace(ci, checkout=merge)
    if not told:
        assert bring(tested).state == "committed"
        return
    with pytest.raises(Refused, match="on its merge with the base") as caught:
        bring(tested)
    assert caught.value.detail == told
    assert "merge the base branch" in caught.value.hint


def link(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("/etc/passwd")


def sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(bare.MAX_BLOB + 1)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("plots/roc.csv", link),
        (".github/workflows/ci.yml", lambda path: write(path.parent, {path.name: "on: push\njobs: evil\n"})),
        (".gitmodules", lambda path: write(path.parent, {path.name: "x"})),
        ("metrics.json", sparse),
        ("plots/a\nb.csv", lambda path: write(path.parent, {path.name: "x"})),
    ],
)
def test_a_hostile_artifact_is_refused(
    origin: Path, ci: Ci, trained: None, name: str, make: Callable[[Path], None]
) -> None:
    make(Path(".mlcicd/train/files") / name)
    with pytest.raises(Refused, match="does not go into git"):
        bring(ci)
    assert git(origin, "rev-parse", "feature") == ci.sha


def test_a_linked_folder_is_refused(origin: Path, ci: Ci, trained: None) -> None:
    link(Path(".mlcicd/train/files/plots"))
    with pytest.raises(Refused, match="plots is a link"):
        bring(ci)


def test_too_many_files_are_refused(origin: Path, ci: Ci, trained: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_files, "MAX_FILES", 1)
    with pytest.raises(Refused, match="beyond the limits"):
        bring(ci)


@pytest.mark.parametrize("name", ["mlcicd.yaml", "dvc.yaml", "data.csv.dvc"])
def test_what_only_the_new_lock_calls_a_result_is_refused(origin: Path, ci: Ci, trained: None, name: str) -> None:
    text = "version: 1\n"
    entry = f"    - {{path: {name}, hash: md5, md5: {md5(text)}, size: 3}}\n"
    leave({"dvc.lock": locked(AFTER, trees=20) + entry, name: text})
    with pytest.raises(Refused, match="the new lock is not true"):
        bring(ci)


@pytest.mark.parametrize("name", ["Makefile", "src/train.py"])
def test_a_new_file_that_only_the_new_lock_calls_a_result_stays_out(
    origin: Path, ci: Ci, trained: None, name: str
) -> None:
    entry = f"    - {{path: {name}, hash: md5, md5: {md5('evil')}, size: 4}}\n"
    leave({"dvc.lock": locked(AFTER, trees=20) + entry, name: "evil"})
    assert bring(ci).files == ("dvc.lock", "metrics.json")
    assert name not in git(origin, "ls-tree", "-r", "--name-only", "feature")


def test_a_path_that_leads_out_of_the_project_is_never_written(origin: Path, ci: Ci, trained: None) -> None:
    entry = (
        "    - {path: ../outside.csv, hash: md5, md5: 0, size: 3}\n    - {path: /etc/x, hash: md5, md5: 0, size: 3}\n"
    )
    leave({"dvc.lock": locked(AFTER, trees=20) + entry})
    found = bring(ci)
    assert list(found.files) == COMMITTED


def test_a_file_is_never_put_where_git_has_a_link(origin: Path, ci: Ci, trained: None) -> None:
    work = origin.parent / "work"
    (work / "metrics.json").unlink()
    (work / "metrics.json").symlink_to("train.py")
    sha = commit(work, "a link")
    git(work, "push", "-q", "origin", "feature")
    with pytest.raises(Refused, match=r"metrics\.json is a link"):
        bring(replace(ci, sha=sha, checkout=sha))


def test_a_project_below_the_top_brings_only_its_own(origin: Path, ci: Ci) -> None:
    work = origin.parent / "work"
    names = ["dvc.yaml", "dvc.lock", "metrics.json", "params.yaml", "train.py", "src/model.py", "data.csv.dvc"]
    write(work, {f"ml/{name}": (work / name).read_text() for name in names})
    write(work, {"mlcicd.yaml": "version: 1\nproject: {root: ml}\ndata: {}\ntrain: {lock: commit}\n"})
    sha = commit(work, "ml")
    git(work, "push", "-q", "origin", "feature")
    new = {"dvc.lock": locked(AFTER, trees=20), "metrics.json": AFTER}
    leave({**new, **{f"ml/{name}": text for name, text in new.items()}})
    assert list(bring(replace(ci, sha=sha, checkout=sha)).files) == ["ml/dvc.lock", "ml/metrics.json"]


def test_what_is_missing_is_said(origin: Path, ci: Ci) -> None:
    with pytest.raises(UsageError, match=r"train\.json: no such file"):
        bring(ci)
    leave({})
    with pytest.raises(UsageError, match=r"left no dvc\.lock"):
        bring(ci)
    with pytest.raises(OutsideError, match="no token to push with"):
        bring(replace(ci, token=""))
    with pytest.raises(UsageError, match="not a CI run") as caught:
        bring(Ci())
    assert "--dry-run" in caught.value.hint
    with pytest.raises(OutsideError, match=r"does not exist|not appear to be a git repository"):
        bring(replace(ci, git=f"file://{origin}.nowhere"))


def test_a_dry_run_writes_nothing(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = origin.parent / "work"
    monkeypatch.chdir(work)
    leave({"dvc.lock": locked(AFTER, trees=20), "metrics.json": AFTER})
    before = sorted(path for path in (work / ".git").rglob("*"))
    said: list[str] = []
    found = lock.run("mlcicd.yaml", True, Ci(), os.environ, said.append)
    assert said[:2] == ["would commit dvc.lock", "would commit metrics.json"]
    assert list(found.files) == COMMITTED
    assert sorted(path for path in (work / ".git").rglob("*")) == before


def test_the_token_goes_by_the_environment_and_to_one_address(tmp_path: Path) -> None:
    remote = bare.Remote(address="https://forge.example/o/r.git", user="x", token="s3cret-token")
    with bare.fresh(remote, {**os.environ, "GIT_DIR": "/elsewhere", "GIT_TRACE_CURL": "1"}) as repository:
        header = repository.git("config", "--get-urlmatch", "http.extraHeader", remote.address).decode()
        assert header.startswith("Authorization: Basic ")
        other = repository.attempt("config", "--get-urlmatch", "http.extraHeader", "https://forge.example/o/other.git")
        assert other.returncode == 1
        assert "s3cret" not in (repository.folder / "config").read_text() + repr(repository) + repr(remote)
        assert not {"GIT_DIR", "GIT_TRACE_CURL"} & repository.environ.keys()


def test_both_platforms_say_branch_checkout_and_fork(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    head = {"ref": "feature", "sha": "a" * 40, "repo": {"full_name": "o/r"}}
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": head, "base": {"sha": "b" * 40}}}))
    github = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(event), "GITHUB_REPOSITORY": "o/r"}
    found = detect({**github, "GITHUB_SHA": "c" * 40, "GITHUB_REF": "refs/pull/7/merge"})
    assert (found.git, found.branch, found.checkout, found.fork) == (
        "https://github.com/o/r.git", "feature", "c" * 40, False,
    )  # fmt: skip
    for other in ({"full_name": "stranger/r"}, None):
        event.write_text(json.dumps({"pull_request": {"number": 7, "head": {**head, "repo": other}}}))
        assert detect(github).fork
    event.write_text("{}")
    pushed = detect({**github, "GITHUB_SHA": "c" * 40, "GITHUB_REF": "refs/heads/main"})
    assert (pushed.branch, pushed.checkout, pushed.sha, pushed.fork) == ("main", "c" * 40, "c" * 40, False)
    assert detect({**github, "GITHUB_REF": "refs/tags/v1"}).branch == ""
    gitlab = {"GITLAB_CI": "true", "CI_PROJECT_URL": "https://gl.example/o/r", "CI_COMMIT_SHA": "c" * 40}
    request = {
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "a" * 40,
        "CI_MERGE_REQUEST_PROJECT_ID": "99",
    }
    for source, fork in (("99", False), ("98", True)):
        found = detect({**gitlab, **request, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": source})
        assert (found.git, found.branch, found.sha, found.checkout, found.fork) == (
            "https://gl.example/o/r.git", "feature", "a" * 40, "c" * 40, fork,
        )  # fmt: skip
    assert detect({**gitlab, "CI_COMMIT_BRANCH": "main"}).branch == "main"
