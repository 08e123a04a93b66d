"""A repository out of a few lines."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

Make = Callable[[dict[str, str]], Path]


@pytest.fixture(autouse=True)
def _no_git_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make({"dvc.yaml": "…"}) -> Path`: write these files and return their folder."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        return tmp_path

    return write
