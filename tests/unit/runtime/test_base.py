"""The base commit, in real repositories: full, shallow, empty, none."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from mlcicd.errors import UsageError
from mlcicd.runtime import base
from mlcicd.runtime.ci import Ci, detect

SHA = "c" * 40


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, name: str) -> str:
    (folder / "metrics.json").write_text(f'{{"name": "{name}"}}')
    git(folder, "add", "metrics.json")
    git(folder, "commit", "--quiet", "-m", name)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """main: one, two; change: one, three (the change left main at "one")."""
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "--quiet")
    commit(folder, "one")
    git(folder, "checkout", "--quiet", "-b", "change")
    commit(folder, "three")
    git(folder, "checkout", "--quiet", "main")
    commit(folder, "two")
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    return folder


def clone(origin: Path, *options: str) -> Path:
    target = origin.parent / "clone"
    git(origin.parent, "clone", "--quiet", *options, f"file://{origin}", str(target))
    return target


def sha(folder: Path, revision: str) -> str:
    return git(folder, "rev-parse", revision)


def test_locally_it_is_where_the_branch_left_main(origin: Path) -> None:
    git(origin, "checkout", "--quiet", "change")
    found = base.resolve(origin, Ci(), branch="main")
    assert (found.sha, found.found) == (sha(origin, "main~1"), "where this branch left main")


def test_a_run_without_an_earlier_commit_has_no_base(origin: Path) -> None:
    assert base.resolve(origin, Ci(sha=SHA)).found == "there is no commit before this one"


def test_without_a_local_main_the_remote_one_counts(origin: Path) -> None:
    here = clone(origin, "--branch", "change")
    found = base.resolve(here, Ci(), branch="main")
    assert (found.sha, found.found) == (sha(origin, "main~1"), "where this branch left origin/main")


def test_an_explicit_base_wins_over_ci(origin: Path) -> None:
    found = base.resolve(origin, Ci(sha=SHA, base=("HEAD^1",)), "change")
    assert (found.sha, found.found) == (sha(origin, "change"), "--base change")


def test_an_explicit_base_is_fetched_into_a_shallow_clone_alone(origin: Path) -> None:
    here = clone(origin, "--depth=1", "--branch", "change")
    assert base.resolve(here, Ci(), "main").sha == sha(origin, "main")
    assert git(here, "rev-list", "--count", "FETCH_HEAD") == "1"


def test_fetching_does_not_make_a_full_clone_shallow(origin: Path) -> None:
    here = clone(origin)
    new = commit(origin, "four")
    assert base.resolve(here, Ci(sha=SHA, base=(new,), fetch=("main",))).sha == new
    assert git(here, "rev-parse", "--is-shallow-repository") == "false"


@pytest.mark.parametrize("name", ["nothing", "--upload-pack=x"])
def test_an_unknown_explicit_base_is_refused_with_the_next_step(origin: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no such branch, tag or commit") as caught:
        base.resolve(origin, Ci(), name)
    assert "git fetch" in caught.value.hint


def test_ci_asks_what_is_there_before_it_fetches(origin: Path) -> None:
    git(origin, "remote", "add", "origin", "/nowhere")
    found = base.resolve(origin, Ci(sha=SHA, base=("0123456789", "HEAD^1"), fetch=("main",)))
    assert (found.sha, found.found) == (sha(origin, "HEAD^1"), "HEAD^1")


def test_ci_fetches_one_commit_into_a_shallow_clone(origin: Path) -> None:
    here = clone(origin, "--depth=1", "--branch", "change")
    wanted = sha(origin, "main")
    found = base.resolve(here, Ci(sha=SHA, base=("HEAD^1", wanted), fetch=("gone", wanted)))
    assert (found.sha, found.found) == (wanted, f"fetched {wanted}")


def test_the_first_parent_is_the_base_only_of_a_merge(origin: Path) -> None:
    git(origin, "checkout", "--quiet", "change")
    base_sha = sha(origin, "main")
    ci = Ci(sha=SHA, change=7, base=("HEAD^1", base_sha))
    assert base.resolve(origin, ci).sha == base_sha
    git(origin, "checkout", "--quiet", "main")
    git(origin, "merge", "--quiet", "--strategy=ours", "change")
    assert base.resolve(origin, ci).found == "HEAD^1"


def test_when_nothing_can_be_had_it_says_why(origin: Path) -> None:
    git(origin, "remote", "add", "origin", "/nowhere")
    found = base.resolve(origin, Ci(sha=SHA, base=("abcdef0",), fetch=("main2",)))
    assert found.sha == ""
    assert found.found.startswith("none of abcdef0, main2 could be found or fetched ('/nowhere'")


@pytest.mark.parametrize("is_repository", [True, False])
def test_no_commit_and_no_repository(tmp_path: Path, is_repository: bool) -> None:
    if is_repository:
        git(tmp_path, "init", "--quiet")
    found = base.resolve(tmp_path, Ci(sha=SHA, base=("HEAD^1",)))
    assert found.sha == ""
    assert found.found.startswith("there is no commit yet" if is_repository else "not a git repository")
    with pytest.raises(UsageError, match="--base main"):
        base.resolve(tmp_path, Ci(), "main")


def test_a_file_of_the_base_is_read_from_the_project_folder(origin: Path) -> None:
    assert base.show(origin, sha(origin, "main~1"), "metrics.json") == b'{"name": "one"}'
    (origin / "ml").mkdir()
    assert base.show(origin / "ml", sha(origin, "main"), "metrics.json") is None
    assert base.show(origin, sha(origin, "main"), "gone.json") is None


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_a_push_of_several_commits_is_compared_with_where_the_branch_was(
    origin: Path, tmp_path: Path, platform: str, depth: int
) -> None:
    before = sha(origin, "main")
    for name in ("worse", "a word in the README", "another"):
        commit(origin, name)
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"before": before}))
    environ = {
        "github": {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(event), "GITHUB_SHA": SHA},
        "gitlab": {"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": before, "CI_COMMIT_SHA": SHA},
    }[platform]
    assert base.resolve(clone(origin, f"--depth={depth}"), detect(environ)).sha == before


def test_a_first_push_has_nothing_to_be_compared_with(origin: Path) -> None:
    found = detect({"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": "0" * 40, "CI_COMMIT_SHA": SHA})
    assert (found.base, found.fetch) == (("HEAD^1",), ())
    assert base.resolve(clone(origin, "--depth=1"), found).sha == ""


def test_a_private_repository_is_fetched_from_with_the_jobs_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our checkout leaves no log-in behind; the token goes by the environment of that one git."""
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/ml",
        "GITHUB_SERVER_URL": "https://forge.example",
        "GITHUB_TOKEN": "s3cret-token",
    }.items():
        monkeypatch.setenv(name, value)
    seen: list[tuple[list[str], dict[str, str]]] = []

    def run(argv: list[str], *, env: dict[str, str], **_: object) -> subprocess.CompletedProcess[bytes]:
        seen.append((argv, env))
        return subprocess.CompletedProcess(argv, 1, b"", b"fatal: no")

    monkeypatch.setattr(subprocess, "run", run)
    base.named(Path(), "champion")
    logged_in = [argv[3] for argv, env in seen if "http.https://forge.example/.extraHeader" in env.values()]
    assert logged_in == ["fetch"]
    assert not [argv for argv, _ in seen if "s3cret-token" in " ".join(argv)]
