"""The third-party actions that generated files name, by commit. The actions' own are in `actions/*/action.yml`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pin:
    """An action at a commit, and the version that commit was released as."""

    action: str
    commit: str
    version: str

    @property
    def uses(self) -> str:
        """The reference as a step writes it."""
        return f"{self.action}@{self.commit}"


CHECKOUT = Pin(action="actions/checkout", commit="3d3c42e5aac5ba805825da76410c181273ba90b1", version="v7.0.1")
