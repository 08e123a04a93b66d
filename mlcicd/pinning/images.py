"""Images that mlcicd.yaml names with their digest itself, and what a bot made of them in the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcicd.config.model import Config
from mlcicd.errors import Refused
from mlcicd.pinning.scan import Reference, references
from mlcicd.pinning.table import Row


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image with its digest, at a key of mlcicd.yaml."""

    path: tuple[str, ...]
    name: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Renewed:
    """An image, and the digest that is to take the place of its own."""

    image: Image
    digest: str

    def __str__(self) -> str:
        """For a person: what was there, what comes."""
        return f"{self.image.name}@{self.image.digest} -> {self.digest}"


def renewed(config: Config, root: Path, rows: Sequence[Row]) -> Iterator[Renewed]:
    """Yield the images that mlcicd.yaml names with one digest, and the files with a new one.

    Raises:
        Refused: when it is not clear which digest took the place of which.
    """
    pinned = {row.name: row.value for row in rows}
    named = [_split(path, image) for path, image in config.images() if "@" in image]
    found = list(references(root, [one.name for one in named]))
    for name in dict.fromkeys(one.name for one in named):
        places = [one for one in named if one.name == name]
        known = {one.digest for one in places} | ({pinned[name]} if name in pinned else set())
        written = [one for one in found if one.name == name]
        if new := {one.value for one in written} - known:
            old = _replaced(name, known, written)
            yield from (Renewed(image=one, digest=min(new)) for one in places if one.digest == old)


def _split(path: tuple[str, ...], image: str) -> Image:
    name, _, digest = image.partition("@")
    return Image(path=path, name=name, digest=digest)


def _replaced(name: str, known: set[str], written: Sequence[Reference]) -> str:
    """Return which of the known digests the one new one stands for: the only one, or the only one that went."""
    values = {one.value for one in written}
    gone = known - values if len(known) > 1 else known
    if len(values - known) > 1 or len(gone) != 1:
        raise Refused(
            f"{name}: the files name it with several digests, and it is not clear which is new for which",
            detail="\n".join(f"{one.place}: {one.value or 'no digest'}" for one in written),
            hint="write the digests into mlcicd.yaml, or run `mlcicd generate` to put its own back",
        )
    return min(gone)
