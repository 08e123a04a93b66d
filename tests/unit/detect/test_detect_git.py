"""Hosting and default branch."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcicd.detect import git as detector
from mlcicd.detect.files import Folder


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://github.com/acme/digits.git", "github.com"),
        ("https://user:s3cret@gitlab.com/acme/digits", "gitlab.com"),
        ("https://git.acme.org:8443/digits.git", "git.acme.org"),
        ("ssh://git@gitlab.acme.org:2222/acme/digits.git", "gitlab.acme.org"),
        ("ssh://git@[::1]:2222/digits", "[::1]"),
        ("git@github.com:acme/digits.git", "github.com"),
        ("github-work:acme/digits.git", "github-work"),
        ("GIT@GitHub.com:acme/digits.git", "github.com"),
        ("/srv/git/digits.git", ""),
        ("../digits", ""),
        ("C:\\git\\digits", ""),
        ("C:/git/digits", ""),
        ("", ""),
    ],
)
def test_host_of_a_remote_address(address: str, host: str) -> None:
    assert detector.host(address) == host


@pytest.mark.parametrize(
    ("host", "platform"),
    [
        ("github.com", "github"),
        ("ssh.github.com", "github"),
        ("github.acme.org", "github"),
        ("acme.ghe.com", "github"),
        ("gitlab.com", "gitlab"),
        ("gitlab.acme.org", "gitlab"),
        ("git.acme.org", ""),
        ("bitbucket.org", ""),
        ("", ""),
    ],
)
def test_platform_of_a_host(host: str, platform: str) -> None:
    assert detector.platform(host) == platform


def test_remote_decides_before_files(make, git) -> None:
    folder = make({".gitlab-ci.yml": "job: {script: make}\n"})
    git("init", "-q")
    git("remote", "add", "origin", "https://oauth2:t0ken@github.com/acme/digits")
    seen = detector.look(folder).platforms
    assert (seen.value, seen.source) == (("github",), "the remote origin, github.com")


@pytest.mark.parametrize(
    ("file", "platforms", "source"),
    [
        (".gitlab-ci.yml", ("gitlab",), ".gitlab-ci.yml"),
        (".github/workflows/ci.yml", ("github",), ".github"),
        ("README.md", ("github",), "assumed: git.acme.org names none"),
    ],
)
def test_files_decide_for_an_unknown_host(make, git, file: str, platforms: tuple[str, ...], source: str) -> None:
    folder = make({file: ""})
    git("init", "-q")
    git("remote", "add", "origin", "https://git.acme.org/digits.git")
    seen = detector.look(folder).platforms
    assert (seen.value, seen.source) == (platforms, source)


def test_another_remote_counts_when_there_is_no_origin(make, git) -> None:
    folder = make({})
    git("init", "-q")
    git("remote", "add", "company", "git@gitlab.acme.org:ml/digits.git")
    assert detector.look(folder).platforms.source == "the remote company, gitlab.acme.org"


def test_branch_of_a_repository_without_commits(make, git) -> None:
    folder = make({})
    git("init", "-q", "-b", "trunk")
    seen = detector.look(folder).branch
    assert (seen.value, seen.source) == ("trunk", "the current branch")
    assert folder.notices == []


def test_feature_branch_is_not_taken_for_the_default(make, git) -> None:
    folder = make({})
    git("init", "-q", "-b", "master")
    git("commit", "-q", "--allow-empty", "-m", "a")
    git("switch", "-q", "-c", "feature")
    assert detector.look(folder).branch.value == "master"


def test_branch_of_the_remote_wins(make, git) -> None:
    folder = make({})
    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "a")
    git("update-ref", "refs/remotes/origin/develop/x", "HEAD")
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop/x")
    seen = detector.look(folder).branch
    assert (seen.value, seen.source) == ("develop/x", "origin/HEAD")


def test_outside_git_everything_is_assumed_and_said(make, git) -> None:
    folder = make({})
    found = detector.look(folder)
    assert found.top is None
    assert (found.platforms.value, found.branch.value) == (("github",), "main")
    assert folder.notices[0].startswith("git: not a git repository")


def test_missing_git_program_is_said(make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    folder = make({})
    assert detector.look(folder).branch.source == "assumed"
    assert "there is no git program on PATH" in folder.notices[0]


def test_a_hook_does_not_lead_to_another_repository(make, git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make({"inner/file": ""})
    git("init", "-q", "-b", "outer")
    git("init", "-q", "-b", "inner", "inner")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    found = detector.look(Folder(path=tmp_path / "inner"))
    assert found.branch.value == "inner"
