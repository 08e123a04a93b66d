"""docs/pins.md shows what happens."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.pinning.conftest import Repository

TEXT = (Path(__file__).parents[3] / "docs/pins.md").read_text("utf-8")
CONFIG, FACTS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
BARE = CONFIG.partition("tool:")[0]


def test_the_table_is_what_the_command_prints(repository: Repository) -> None:
    shown = re.search(r"\$ mlcicd pins\n(.*?)```", TEXT, re.DOTALL)
    assert shown
    assert repository.generated(BARE).run("pins").output == shown[1]


def test_the_facts_make_the_configuration(repository: Repository) -> None:
    (repository.generated(BARE).root / "facts.yaml").write_text(FACTS, "utf-8")
    done = repository.run("pins", "--update", "--from", str(repository.root / "facts.yaml"))
    assert done.exit_code == 0, done.exception
    assert repository.config == CONFIG


def test_every_option_is_explained(repository: Repository) -> None:
    options = set(re.findall(r"--[a-z]+", repository.run("pins", "--help").output)) - {"--help", "--config", "--root"}
    assert options <= set(re.findall(r"--[a-z]+", TEXT))
