"""Renew our own table of pins: `uv run python .ci/pins.py [FACTS]`, then read the difference and the releases' notes.

Asks the forge's API for the newest release of each action (FACTS: a file of the form that `mlcicd pins --update --from`
takes), and puts it in place of the old one in `mlcicd/pins.py` and in everything that is compared with it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mlcicd import pins
from mlcicd.pinning import bumps, update
from mlcicd.pinning.table import Row

ROOT = Path(__file__).resolve().parent.parent
WHERE = ("mlcicd/pins.py", "actions/*/action.yml", ".github/workflows/*.yml", "docs/examples/*.yml", "docs/*.md")


def main(facts: str = "") -> None:
    """Replace commit and version of every action that has a newer release."""
    ask = update.from_file(Path(facts)) if facts else update.online(os.environ, "")
    files = [path for pattern in WHERE for path in ROOT.glob(pattern)]
    for pin in pins.KNOWN.values():
        fact = ask(pin.action)
        if fact is None or fact.value == pin.value:
            continue
        row = Row(name=pin.action, value=pin.value, runtime=pin.runtime, team=False, found=())
        bumps.require_newer("the newest release", row, fact.value, fact.runtime)
        version, _, commit = fact.value.partition("@")
        for path in files:
            path.write_text(renewed(path.read_text("utf-8"), pin, version, commit), "utf-8")
        print(f"{pin.action}: {pin.version} -> {version} ({fact.runtime})")


def renewed(text: str, pin: pins.Pin, version: str, commit: str) -> str:
    """Return a file's text with the new release, as a step writes it and as the table does."""
    text = text.replace(f"@{pin.commit} # {pin.version}", f"@{commit} # {version}")
    table = 'version="{}",\n    commit="{}"'
    return text.replace(table.format(pin.version, pin.commit), table.format(version, commit))


if __name__ == "__main__":
    main(*sys.argv[1:])
