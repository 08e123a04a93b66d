"""Which repository, which event, which base; and what is said when there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcicd.engine import workspace
from mlcicd.errors import OutsideError, UsageError
from tests.unit.engine.kit import Run, git, job

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


def compare(
    folder: Path, event: str | None = None, base: str | None = None, branch: str = "main"
) -> tuple[str, str | None]:
    return workspace.compare(workspace.find(folder, ENVIRON), branch, event, base)


def test_not_a_repository(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not inside the working tree of a git repository") as caught:
        workspace.find(tmp_path, ENVIRON)
    assert "git init" in caught.value.hint


def test_no_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(UsageError, match="nothing is committed yet") as caught:
        workspace.find(tmp_path, ENVIRON)
    assert "git commit" in caught.value.hint


def test_no_git(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="git: no such program"):
        workspace.find(repository, {"PATH": str(tmp_path)})


def test_a_subfolder_is_inside(repository: Path) -> None:
    (repository / "deep").mkdir()
    found = workspace.find(repository / "deep", ENVIRON)
    assert (found.root, found.branch, found.changes) == (repository.resolve(), "feature", 0)


def test_a_hook_s_variables_do_not_mislead(repository: Path) -> None:
    found = workspace.find(repository, {**ENVIRON, "GIT_DIR": "/elsewhere", "GIT_INDEX_FILE": "/elsewhere"})
    assert found.root == repository.resolve()


def test_uncommitted_changes_are_counted_and_said(run: Run, repository: Path) -> None:
    run(job("a"))
    assert "uncommitted change" not in run.text
    (repository / "value").write_text("edited")
    run(job("a"))
    assert "note: 1 uncommitted change is not part of this run" in run.text
    (repository / "untracked").write_text("x")
    (repository / "ignored").write_text("x")
    run(job("a"))
    assert "note: 2 uncommitted changes are not part of this run" in run.text


def test_a_branch_is_a_pull_request_from_where_it_left(repository: Path) -> None:
    fork = git(repository, "rev-parse", "main")
    git(repository, "switch", "-q", "main")
    git(repository, "commit", "-q", "--allow-empty", "-m", "main goes on")
    git(repository, "switch", "-q", "feature")
    assert compare(repository) == ("pull_request", fork)


def test_what_the_forge_has_counts_more_than_the_local_branch(repository: Path) -> None:
    fork = git(repository, "rev-parse", "main")
    git(repository, "update-ref", "refs/remotes/origin/main", fork)
    git(repository, "branch", "-f", "main", "feature")
    assert compare(repository) == ("pull_request", fork)


def test_the_default_branch_is_a_push_after_its_parent(repository: Path) -> None:
    parent = git(repository, "rev-parse", "HEAD^")
    assert compare(repository, branch="feature") == ("push", parent)
    git(repository, "switch", "-q", "main")
    assert compare(repository) == ("push", None), "a first commit has nothing before it"


def test_without_a_base_a_branch_is_a_push(repository: Path) -> None:
    assert compare(repository, branch="trunk")[0] == "push"
    with pytest.raises(UsageError, match="neither trunk nor origin/trunk") as caught:
        compare(repository, "pull_request", branch="trunk")
    assert "--base REF" in caught.value.hint


def test_a_named_base(repository: Path) -> None:
    main = git(repository, "rev-parse", "main")
    assert compare(repository, base="main") == ("pull_request", main)
    assert compare(repository, event="push", base="HEAD^") == ("push", main)
    git(repository, "update-ref", "refs/remotes/origin/release", main)
    assert compare(repository, base="release")[1] == main
    for wrong in ("nowhere", "--all", ""):
        with pytest.raises(UsageError, match="no such commit here"):
            compare(repository, base=wrong)


def test_a_commit_on_no_branch(repository: Path) -> None:
    git(repository, "switch", "-q", "--detach", "feature")
    assert compare(repository)[0] == "pull_request"


def test_a_shallow_clone_and_a_worktree_can_be_run(run: Run, repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"), "main")
    for name, value in (("shallow", "new"), ("tree", "old")):
        run.repository = tmp_path / name
        outcome = run(job("a", f'test "$(cat value)" = {value}'))
        assert outcome.exit_code == 0, name
        assert outcome.folder == tmp_path / name / ".mlcicd"


def test_the_configuration_is_the_committed_one(repository: Path) -> None:
    source = workspace.find(repository, ENVIRON)
    path = repository / "mlcicd.yaml"
    with pytest.raises(UsageError, match="no such file"):
        workspace.committed(source, repository, Path("mlcicd.yaml"))
    path.write_text("version: 1\n")
    with pytest.raises(UsageError, match="not committed") as caught:
        workspace.committed(source, repository, Path("mlcicd.yaml"))
    assert "git add mlcicd.yaml" in caught.value.hint
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "configuration")
    path.write_text("edited\n")
    source = workspace.find(repository, ENVIRON)
    (repository / "deep").mkdir()
    assert workspace.committed(source, repository / "deep", Path("../mlcicd.yaml")) == ("version: 1\n", "mlcicd.yaml")
    with pytest.raises(UsageError, match="not inside the repository"):
        workspace.committed(source, repository, Path("/etc/passwd"))


def test_a_folder_that_cannot_be_written_is_explained(run: Run, repository: Path) -> None:
    (repository / ".mlcicd").write_text("a file")
    with pytest.raises(UsageError, match=r"\.mlcicd: is a file, and mlcicd needs a folder"):
        run(job("a"))
