"""What is no difference to us is none to a reader of YAML 1.1 and to one of 1.2: random edits of real files."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcicd.write.meaning import differences
from mlcicd.yamlio import Unreadable, load_foreign

GOLDEN = Path(__file__).parents[2] / "golden/full/expected"
LETTERS = "'\"#:-&*!|>%{}[],?~`@ \n\\.<=0123456789xyeE_+"
WORDS = [
    " # x", "<<: ", "<<: {a: b}\n", "&a ", "*a", "!!str ", "!x ", "on", "yes", "0x1", "1_0", "null", "|\n", "? ", ": ",
    "--- ", "...\n", "%YAML 1.1\n", "\r", "\u2028", "\x85", "\ufeff", "\n  ",
]  # fmt: skip


def edited(text: str, chance: random.Random) -> str:
    """Put in, take out or replace a letter or a word, once or twice."""
    for _ in range(chance.randrange(1, 3)):
        at = chance.randrange(len(text))
        piece = chance.choice(["", chance.choice(LETTERS), chance.choice(WORDS)])
        text = text[:at] + piece + text[at + chance.randrange(2) :]
    return text


def read(text: str) -> str:
    """Return what both readers see."""
    return json.dumps([one_form(yaml.safe_load(text)), one_form(load_foreign(text))], sort_keys=True, default=str)


def one_form(value: Any, key: str = "") -> Any:
    """What may be written alone or as a list of one, in the only form that the comparison has to know."""
    if isinstance(value, dict):
        return {str(name): one_form(item, str(name)) for name, item in value.items()}
    items = [one_form(item) for item in value] if isinstance(value, list) else value
    if isinstance(items, str) and key in ("script", "before_script", "paths", "branches", "runs-on", "needs"):
        return [items]
    return sorted(items, key=str) if key == "needs" and isinstance(items, list) else items


@pytest.mark.parametrize("path", [".github/workflows/mlcicd.yml", ".gitlab/mlcicd.yml"])
def test_no_reader_sees_an_edit_that_we_do_not(path: str) -> None:
    chance = random.Random(path)
    lines = (GOLDEN / path).read_text("utf-8").splitlines(keepends=True)
    accepted = 0
    for end in range(20, 44):
        made = "".join(lines[:end])
        expected = read(made)
        for now in (edited(made, chance) for _ in range(40)):
            try:
                found = differences(made, now)
            except Unreadable:
                continue
            if not found:
                accepted += 1
                assert read(now) == expected, now
    assert accepted > 100
