"""What the command line makes of errors that no verb explains."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mlcicd import cli


def outcome(error: Exception, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the exit code when a verb raises this."""

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli.cli, "main", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.ENOTDIR])
def test_a_disk_that_refuses_is_no_bug_of_ours(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert outcome(OSError(number, os.strerror(number), "some/file"), monkeypatch) == 3
    said = capsys.readouterr().err
    assert f"some/file: cannot be read or written: {os.strerror(number)}" in said
    assert "next: " in said
    assert "bug" not in said
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_foresaw_is_told_as_a_bug_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert outcome(KeyError("x"), monkeypatch) == 3
    said = capsys.readouterr().err
    assert "this is a bug in mlcicd" in said
    assert "Traceback" not in said
    assert "Traceback" in (tmp_path / ".mlcicd/crash.log").read_text()
