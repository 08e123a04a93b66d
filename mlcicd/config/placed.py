"""A problem between keys."""

from __future__ import annotations


class PlacedError(ValueError):
    """A problem between keys, found on the whole file, that belongs to one place in it."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        super().__init__(reason)
        self.path = path
