"""The threat model names every threat once, and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs/threats.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| [TGS]\d.*$", TEXT, re.MULTILINE)
]


def test_every_threat_is_there_once() -> None:
    ids = [row[0] for row in ROWS]
    wanted = [*(f"T{number}" for number in range(1, 25)), *(f"G{number}" for number in range(1, 7))]
    assert ids == [*wanted, *(f"S{number}" for number in range(1, 5))]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_stops_it_is_tested(row: list[str]) -> None:
    assert len(row) == 4
    paths = re.findall(r"`([^`]+)`", row[3])
    assert paths
    for path in paths:
        assert re.search(r"^def test_", (ROOT / path).read_text("utf-8"), re.MULTILINE), path


def test_lines_of_the_drawing_join_what_is_drawn() -> None:
    drawing = TEXT.partition("```mermaid")[2].partition("```")[0]
    nodes = set(re.findall(r"^ +(\w+)\[\"", drawing, re.MULTILINE)) | set(re.findall(r"subgraph (\w+)", drawing))
    ends = re.findall(r"^  (\w+) -- \".*\" --> (\w+)$", drawing, re.MULTILINE)
    assert len(ends) == drawing.count("-->")
    assert {end for pair in ends for end in pair} <= nodes
    assert {"fork", "code", "data", "poster", "lock", "forge", "cloud", "registry"} <= nodes


@pytest.mark.parametrize("page", ["docs/threats.md", "docs/pins.md", ".github/SECURITY.md"])
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / page).read_text("utf-8")):
        assert target.startswith("https://") or ((ROOT / page).parent / target).exists(), target
