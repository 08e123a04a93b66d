"""`mlcicd migrate`: an older mlcicd.yaml, read, rewritten and read again."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from mlcicd.config.load import VERSION, parse, read
from mlcicd.config.migrate import migrate
from mlcicd.errors import Refused
from mlcicd.write import disk


def run(config: Path, *, check: bool) -> Iterator[str]:
    """Rewrite the file, and say in a line each what was done and what is left.

    Raises:
        Refused: with `check`, when there is something to do.
        UsageError: when the file cannot be read; or after it was written, when something is left that only a person
            can repair.
    """
    text = read(config)
    made = migrate(text, config.name)
    if made.text == text:
        yield f"{config}: version {VERSION}, nothing to do"
        return
    if check:
        raise Refused(
            f"{config}: not of version {VERSION}",
            detail="".join(_diff(text, made.text, str(config))),
            hint="run `mlcicd migrate` and commit the result",
        )
    # A link is followed: the file it leads to is the one that is rewritten.
    disk.write({config.resolve(): made.text})
    yield f"{config}: now of version {VERSION}"
    yield from (f"    next  {note}" for note in made.notes)
    parse(made.text, config.name)
    yield "    next  `mlcicd generate`"


def _diff(old: str, new: str, name: str) -> Iterator[str]:
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    for line in difflib.unified_diff(before, after, f"{name} (as it is)", f"{name} (as `mlcicd migrate` writes it)"):
        yield line if line.endswith("\n") else f"{line}\n"
