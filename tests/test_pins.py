"""Everything that names an action of others names it as the table does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from mlcicd.pins import GHES, KNOWN, RETIRED, order

ROOT = Path(__file__).parent.parent
PATTERNS = (
    "actions/**/action.yml",
    ".github/workflows/*.yml",
    "docs/examples/*.yml",
    "docs/*.md",
    "tests/golden/*/expected/.github/**/*.yml",
    "tests/e2e/projects/*/expected/.github/**/*.yml",
)
FILES = sorted(path for pattern in PATTERNS for path in ROOT.glob(pattern))
USES = re.compile(
    r"uses: *[\"']?((?:actions|pypa|github|docker)/[\w./-]+)@(\S+?)[\"']?(?: +# *(\S+).*)?$", re.MULTILINE
)


def named(path: Path) -> set[tuple[str, str, str]]:
    """Return repository, commit and version of every action of others."""
    found = USES.findall(path.read_text("utf-8"))
    return {("/".join(name.split("/")[:2]), commit, version) for name, commit, version in found}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_names_are_those_of_the_table(path: Path) -> None:
    known = GHES if "actions/ghes" in path.as_posix() else tuple(KNOWN.values())
    assert named(path) <= {(pin.action, pin.commit, pin.version) for pin in known}


def test_every_pin_is_used() -> None:
    used = set().union(*(named(path) for path in FILES))
    assert used == {(pin.action, pin.commit, pin.version) for pin in (*KNOWN.values(), *GHES)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_else_is_used(path: Path) -> None:
    """A file's steps name ours, folders of the repository, and what the test above compares."""
    if path.suffix == ".md":
        return
    text = path.read_text("utf-8")
    others = re.findall(r"uses: *[\"']?(?!\.|\$/|mlcicd/|actions/)(\S+)", text)
    assert others == []


@pytest.mark.parametrize("pin", KNOWN.values(), ids=lambda pin: pin.action)
def test_no_pin_is_on_a_retired_runtime(pin: object) -> None:
    from mlcicd.pins import Pin

    assert isinstance(pin, Pin)
    assert pin.runtime == "node24"
    assert pin.runtime not in RETIRED
    assert re.fullmatch(r"[0-9a-f]{40}", pin.commit)
    assert order(pin.version) >= order(pin.since)


def test_the_runtimes_of_our_own_actions() -> None:
    actions = [path for path in FILES if path.name == "action.yml"]
    assert len(actions) > 10
    assert {yaml.safe_load(path.read_text("utf-8"))["runs"]["using"] for path in actions} == {"composite"}
