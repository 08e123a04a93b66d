"""Git reads the checkout of another user, and no other folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlcicd.errors import OutsideError
from mlcicd.runtime import project


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout as a job in a container sees it: on a forge, and of another user."""
    folder = tmp_path / "checkout"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    Path("mlcicd.yaml").write_text("version: 1\ntrain: {}\n", "utf-8")
    return folder


def trusted() -> list[str]:
    done = subprocess.run(
        ["git", "config", "--global", "--get-all", "safe.directory"], capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines()


def set_up() -> None:
    project.setup(project.load(), lambda _: None)


def test_only_this_folder_is_trusted_and_once(checkout: Path) -> None:
    set_up()
    set_up()
    assert trusted() == [str(checkout)]


def test_nothing_is_trusted_where_git_reads_it_anyway(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: checkout.stat().st_uid)
    set_up()
    assert trusted() == []


def test_nothing_is_trusted_on_a_persons_machine(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    for name in ("CI", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    set_up()
    assert trusted() == []


def test_a_home_that_cannot_be_written_is_said(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout.parent / "file").touch()
    monkeypatch.setenv("HOME", str(checkout.parent / "file"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(checkout.parent / "file"))
    with pytest.raises(OutsideError, match="belongs to another user"):
        set_up()
