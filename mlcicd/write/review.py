"""What a generated file says that mlcicd did not make: accepted, a bot's bump, or to be refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlcicd.write.meaning import Difference, differences, same
from mlcicd.write.newer import bump, repinned

_PIN = re.compile(r"@(sha256:[0-9a-f]{64}|[0-9a-f]{40})\Z")


@dataclass(frozen=True, kw_only=True)
class Edit:
    """An accepted difference: exactly `made` may be `now` at `at`; either may be `ABSENT`.

    Commits and digests in `made` do not count: a job that was taken out stays out when its actions get newer.
    """

    at: str
    made: Any
    now: Any

    def allows(self, difference: Difference) -> bool:
        """Tell whether this is that difference, value for value."""
        unpinned = same(_unpinned(self.made), _unpinned(difference.made))
        return self.at == difference.at and unpinned and same(self.now, difference.now)


@dataclass(frozen=True, kw_only=True)
class Bump:
    """A pin that is newer in the file: of `name`, from version or digest `old` to `new`."""

    name: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.name} {self.old} → {self.new}"


@dataclass(frozen=True, kw_only=True)
class Review:
    """The differences between one file and what mlcicd makes.

    Attributes:
        refused: those that nobody accepted.
        accepted: those that `mlcicd.lock` records.
        bumps: newer pins, each once.
        gone: recorded edits that are not in the file.
    """

    refused: tuple[Difference, ...] = ()
    accepted: tuple[Difference, ...] = ()
    bumps: tuple[Bump, ...] = ()
    gone: tuple[Edit, ...] = ()

    @property
    def edits(self) -> tuple[Difference, ...]:
        """Every difference that is an edit of the team's."""
        return (*self.accepted, *self.refused)


def review(made: str, now: str, edits: Sequence[Edit] = ()) -> Review:
    """Compare a file's text with the one mlcicd makes.

    Raises:
        Unreadable: when `now` is no YAML document.
    """
    refused: list[Difference] = []
    accepted: list[Difference] = []
    bumps: list[Bump] = []
    for one in differences(made, now):
        if versions := bump(one, made, now):
            bumps.append(Bump(name=versions[0], old=versions[1], new=versions[2]))
        else:
            (accepted if any(edit.allows(one) for edit in edits) else refused).append(one)
    gone = [edit for edit in edits if not any(edit.allows(one) for one in accepted)]
    return Review(refused=tuple(refused), accepted=tuple(accepted), bumps=tuple(dict.fromkeys(bumps)), gone=tuple(gone))


def unsaid(known: str, made: str) -> str:
    """Name the first place where two texts of ours differ by more than pins, newer on either side; "" for none."""
    return next((one.at for one in differences(known, made) if not repinned(one)), "")


def _unpinned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unpinned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unpinned(item) for item in value]
    return _PIN.sub("@", value) if isinstance(value, str) else value
