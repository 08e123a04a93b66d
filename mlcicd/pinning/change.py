"""What `--import` and `--update` do to mlcicd.yaml, and what they say about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mlcicd import __version__, pins
from mlcicd.config.model import Config
from mlcicd.pinning import bumps, edit, images, scan
from mlcicd.pinning.images import Renewed
from mlcicd.pinning.table import Row


def imported(path: Path, config: Config, root: Path, rows: Sequence[Row]) -> list[str]:
    """Take over what the files under `root` name newer than the table; return what to tell.

    Raises:
        Refused: for what is no step forward; nothing is written then.
    """
    values = {name: _unless_ours(name, value) for name, value in bumps.written(rows).items()}
    notes = [
        f"note: the files name mlcicd {version}; install that release and run `mlcicd generate`"
        for version in sorted(scan.releases(root) - {f"v{__version__}", ""})
    ]
    return _write(path, rows, values, list(images.renewed(config, root, rows))) + notes


def updated(
    config: Path, rows: Sequence[Row], environ: Mapping[str, str], facts: Path | None, registry: str
) -> list[str]:
    """Take over what is newest, from the network or from a file; return what to tell.

    Raises:
        Refused: for what is no step forward; nothing is written then.
        OutsideError: when somebody who was asked did not answer; nothing is written then.
    """
    from mlcicd.pinning import update  # talks to forges, which costs a tenth of a second even where nobody is asked

    found = update.compare(rows, update.from_file(facts) if facts else update.online(environ, registry))
    return _write(config, rows, found.values, ()) + [f"note: {notice}" for notice in found.notices]


def _write(config: Path, rows: Sequence[Row], values: Mapping[str, str], named: Sequence[Renewed]) -> list[str]:
    if not values and not named:
        return ["nothing newer was found"]
    edit.write(config, values, named)
    before = {row.name: row.value or "not pinned" for row in rows}
    lines = [f"{name}: {before[name]} -> {value or 'as mlcicd knows it'}" for name, value in values.items()]
    lines += dict.fromkeys(str(one) for one in named)
    return [*lines, "next: mlcicd generate"]


def _unless_ours(name: str, value: str) -> str:
    """Return "" for what mlcicd knows by itself."""
    known = pins.KNOWN.get(name)
    return "" if known and known.value == value else value
