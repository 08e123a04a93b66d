"""What an edit of a YAML file means: two texts compared by what a CI system reads in them.

Comments, quotes, indentation and the order of keys mean nothing; the order of a list does, but for `needs`. The items
of a list are told by their names, so a step added in front does not make every later step another one.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mlcicd.write.read import values


class _Absent:
    """What stands where a key or an item is not there: another thing than null, which is written."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()

_LABELS = ("name", "id", "job", "uses", "run")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One value that is not as mlcicd makes it.

    Attributes:
        at: path in people's words, such as `jobs.train.steps["Fetch data"].with.for`.
        made: the value as mlcicd makes it; `ABSENT` when it makes none.
        now: the value in the file; `ABSENT` when it has none.
        place: keys and indices that lead to it in the file as it was read.
    """

    at: str
    made: Any
    now: Any
    place: tuple[str | int, ...] = ()


def differences(made: str, now: str) -> list[Difference]:
    """Compare the text that mlcicd makes with the one in the file.

    Raises:
        Unreadable: when `now` is no YAML document.
    """
    return [] if made == now else list(_values(values(made), values(now), "", ()))


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same; true is not 1, and what is absent is not null."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _values(made: Any, now: Any, at: str, place: tuple[str | int, ...]) -> Iterator[Difference]:
    if isinstance(made, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*made, *now)):
            name = f".{key}" if _PLAIN_KEY.match(key) else f"[{_quoted(key)}]"
            below = f"{at}{name}".removeprefix(".")
            yield from _values(made.get(key, ABSENT), now.get(key, ABSENT), below, (*place, key))
    elif isinstance(made, list) and isinstance(now, list):
        yield from _items(made, now, at, place)
    elif not same(made, now):
        yield Difference(at=at, made=made, now=now, place=place)


def _items(made: list[Any], now: list[Any], at: str, place: tuple[str | int, ...]) -> Iterator[Difference]:
    before, after = _labelled(made), _labelled(now)
    if before is None or after is None:
        yield from _positions(made, now, at, place)
        return
    old, new = ([label for label in one if label in other] for one, other in ((before, after), (after, before)))
    if old != new:
        yield Difference(at=f"{at} (order)", made=old, now=new, place=place)
    for label, index in before.items():
        there = after.get(label)
        where = (*place, there) if there is not None else place
        value = now[there] if there is not None else ABSENT
        yield from _values(made[index], value, f"{at}[{_quoted(label)}]", where)
    for (label, index), follows in zip(after.items(), (None, *after), strict=False):
        if label not in before:
            # Where it stands is part of what it means: the same step before the checkout is another thing.
            position = f"after {_quoted(follows)}" if follows else "first"
            yield Difference(
                at=f"{at}[{_quoted(label)} {position}]", made=ABSENT, now=now[index], place=(*place, index)
            )


def _positions(made: list[Any], now: list[Any], at: str, place: tuple[str | int, ...]) -> Iterator[Difference]:
    structured = any(isinstance(item, dict | list) for item in made)
    if structured and len(made) == len(now):
        for index, (old, new) in enumerate(zip(made, now, strict=True)):
            yield from _values(old, new, f"{at}[{index}]", (*place, index))
    elif not same(made, now):
        yield Difference(at=at, made=made, now=now, place=place)


def _labelled(items: Sequence[Any]) -> dict[str, int] | None:
    """Return the index of each item by its name, the second of a name numbered; None when not every item has one."""
    found: dict[str, int] = {}
    for index, item in enumerate(items):
        label = _label(item)
        if not label:
            return None
        numbered = (f"{label} ({count})" for count in itertools.count(2))
        found[next(one for one in (label, *itertools.islice(numbered, len(items))) if one not in found)] = index
    return found


def _label(item: Any) -> str:
    key = next((key for key in _LABELS if isinstance(item.get(key), str)), "") if isinstance(item, dict) else ""
    # A step without a name is the same step at another version of its action, an image the same by another digest.
    return str(item[key]).partition({"uses": "@", "name": "@sha256:"}.get(key, "\n"))[0] if key else ""


def _quoted(label: str) -> str:
    return json.dumps(label, ensure_ascii=not label.isprintable())
