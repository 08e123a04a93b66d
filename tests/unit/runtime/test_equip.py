"""What `setup --tables` installs: from the hash-locked list, beside mlcicd, and only when it is not there."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from mlcicd import resources
from mlcicd.errors import OutsideError
from mlcicd.runtime import equip


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """A stand-in for uv that notes what it was asked, and fails when told to."""
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$VIRTUAL_ENV|$*" >> "{tmp_path}/asked"\n'
        f'if [ -e "{tmp_path}/broken" ]; then echo "no such index" >&2; exit 2; fi\n'
    )
    program.chmod(0o755)
    return tmp_path


def environ(folder: Path) -> dict[str, str]:
    return {"PATH": f"{folder}/bin:/usr/bin:/bin", "VIRTUAL_ENV": "/somewhere/else"}


def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_it_is_installed_from_the_locked_list(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent(monkeypatch)
    said: list[str] = []
    equip.duckdb(environ(asked), asked, said.append)
    active, _, words = (asked / "asked").read_text().strip().partition("|")
    assert active == ""
    assert f"--python {sys.executable} --require-hashes -r {resources.find('actions')}/setup/fast.txt" in words
    assert said == ["duckdb installed beside mlcicd, to judge tables"]


def test_what_is_there_is_not_installed_again(asked: Path) -> None:
    equip.duckdb(environ(asked), asked, lambda line: pytest.fail(line))
    assert not (asked / "asked").exists()


def test_a_failure_is_told_with_what_uv_said(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent(monkeypatch)
    (asked / "broken").touch()
    with pytest.raises(OutsideError, match="duckdb, which judges tables") as caught:
        equip.duckdb(environ(asked), asked, lambda line: pytest.fail(line))
    assert "no such index" in caught.value.detail


def test_the_list_is_locked_and_names_no_place() -> None:
    text = (resources.find("actions") / "setup/fast.txt").read_text("utf-8")
    assert re.match(r"duckdb==\d", text)
    assert "--hash=sha256:" in text
    assert "://" not in text
