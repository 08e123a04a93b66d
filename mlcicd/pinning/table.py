"""The table of pins: each action and image that a configuration uses, at which commit or digest, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcicd import pins
from mlcicd.config.model import Config
from mlcicd.errors import Refused
from mlcicd.pinning.scan import Reference, references
from mlcicd.plan.build import build
from mlcicd.platforms import pinned

# On a retired runtime, and there is nothing newer that a server of one's own could run.
_OLDER = frozenset((pin.action, pin.value) for pin in pins.GHES)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One action or image that the configuration uses.

    Attributes:
        name: the action or the image.
        value: as `tool.pins` writes it; "" for an image that is not pinned.
        runtime: of an action, where it is known.
        team: whether `tool.pins` says so; else mlcicd does.
        found: where the files name it.
    """

    name: str
    value: str
    runtime: str
    team: bool
    found: tuple[Reference, ...]


def table(config: Config, root: Path) -> tuple[Row, ...]:
    """Return what the configuration uses, actions first.

    Raises:
        UsageError: for a pin of something that is not used.
    """
    pipeline = build(config)
    pinned.check(pipeline, config.platforms)
    names = pinned.used(pipeline, config.platforms)
    found = tuple(one for one in references(root, names) if (one.name, one.value) not in _OLDER)
    return tuple(_row(name, config, [one for one in found if one.name == name]) for name in names)


def require_same(rows: Sequence[Row]) -> None:
    """Refuse when a file names something else than the table.

    Raises:
        Refused: with each place, what is there and what is expected.
    """
    wrong = [
        f"{one.place}: {row.name}: expected {row.value or 'no digest'}, found {one.value or 'no digest'}"
        for row in rows
        for one in row.found
        if one.value != row.value
    ]
    if wrong:
        raise Refused(
            "files name other versions than the table of pins",
            detail="\n".join(wrong),
            hint="`mlcicd pins --import` takes them over, `mlcicd generate` puts the table's back",
        )


def _row(name: str, config: Config, found: Sequence[Reference]) -> Row:
    team = name in config.tool.pins
    if name not in pins.KNOWN:
        value = config.tool.pins.get(name, "")
        return Row(name=name, value=value, runtime="", team=team, found=_unnamed(name, value, config, found))
    pin = pins.resolve(name, config.tool.pins)
    return Row(name=name, value=pin.value, runtime=pin.runtime, team=team, found=tuple(found))


def _unnamed(name: str, value: str, config: Config, found: Sequence[Reference]) -> tuple[Reference, ...]:
    """Leave out what mlcicd.yaml names with a digest itself, and a new one where all that this pin says is there."""
    digests = {digest for _, image in config.images() for same, _, digest in [image.partition("@")] if same == name}
    if not digests - {""}:
        return tuple(found)
    others = tuple(one for one in found if one.value == "" or one.value not in digests)
    return tuple(one for one in others if one.value == value) or others
