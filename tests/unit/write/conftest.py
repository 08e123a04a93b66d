from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.write import repository


@pytest.fixture(autouse=True)
def _commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCICD_COMMIT", repository.COMMIT)


@pytest.fixture
def repo(tmp_path: Path) -> repository.Repository:
    """A repository on both platforms, generated."""
    return repository.begin(tmp_path)
