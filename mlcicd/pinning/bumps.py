"""Newer pins, judged: what a bot wrote into the files, what a forge or a registry said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlcicd import pins
from mlcicd.errors import Refused, UsageError
from mlcicd.pinning.scan import Reference
from mlcicd.pinning.table import Row


def written(rows: Sequence[Row]) -> Mapping[str, str]:
    """Return what the files name newer than the table, by name.

    Raises:
        Refused: for a lower version, one on a retired runtime, the same version at another commit, or files that
            disagree.
    """
    newer: dict[str, Reference] = {}
    for row in rows:
        for found in row.found:
            if found.value in ("", row.value):
                continue
            before = newer.setdefault(row.name, found)
            if before.value != found.value:
                raise Refused(
                    f"{found.place}: {row.name}: two files name it differently",
                    detail=f"{before.place}: {before.value}\n{found.place}: {found.value}",
                    hint="make them the same, or run `mlcicd generate` to put the table's back",
                )
            require_newer(found.place, row, found.value)
    return {name: found.value for name, found in newer.items()}


def require_newer(place: str, row: Row, value: str, runtime: str = "") -> None:
    """Refuse what is no step forward; digests of images have no order.

    Args:
        place: where the value comes from, for the message.
        row: what the table says.
        value: what is to take its place.
        runtime: what runs the new version, where it is known.

    Raises:
        Refused: with the reason.
    """
    if row.name not in pins.KNOWN:
        return
    version, commit = _parts(place, row.name, value)
    since = pins.KNOWN[row.name].since
    now = row.value.partition("@")
    if runtime in pins.RETIRED or pins.order(version) < pins.order(since):
        words = runtime or f"a runtime from before {since}"
        raise _refused(place, f"{row.name} {version} runs on {words}, which is retired")
    if pins.order(version) < pins.order(now[0]):
        raise _refused(place, f"{row.name} {version} is lower than {now[0]}")
    if pins.order(version) == pins.order(now[0]) and commit != now[2]:
        raise _refused(place, f"{row.name} {version} is another commit than the {now[0]} that is known: {commit}")


def _refused(place: str, why: str) -> Refused:
    return Refused(f"{place}: {why}", hint="nothing was written; find out why, or run `mlcicd generate` to go back")


def _parts(place: str, name: str, value: str) -> tuple[str, str]:
    version, _, commit = value.partition("@")
    try:
        pins.order(version)
    except ValueError:
        raise UsageError(
            f"{place}: {name} is named by a commit, and no version such as `# v1.2.3` stands behind it",
            hint="write the version that the commit was released as",
        ) from None
    return version, commit
