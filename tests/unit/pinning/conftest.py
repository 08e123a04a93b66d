from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlcicd.cli import cli
from mlcicd.config.load import parse
from mlcicd.plan.build import build
from mlcicd.platforms import PLATFORMS
from mlcicd.release import Release
from tests.unit.pinning.server import Server, serve


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as state:
        yield state


COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Repository:
    """A folder with a configuration, and the commands of this part."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, verb: str, *options: str) -> Result:
        return CliRunner().invoke(cli, [verb, "--root", str(self.root), *options])

    def generated(self, config: str) -> Repository:
        """Write the files as they would be, without asking what is there."""
        (self.root / "mlcicd.yaml").write_text(config, "utf-8")
        settings = parse(config, "mlcicd.yaml")
        for name in settings.platforms:
            for path, text in PLATFORMS[name].files(build(settings), Release(version="0.1.0", commit=COMMIT)).items():
                (self.root / path).parent.mkdir(parents=True, exist_ok=True)
                (self.root / path).write_text(text, "utf-8")
        return self

    def replace(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text("utf-8")
        assert old in text
        (self.root / path).write_text(text.replace(old, new), "utf-8")

    @property
    def config(self) -> str:
        return (self.root / "mlcicd.yaml").read_text("utf-8")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)
