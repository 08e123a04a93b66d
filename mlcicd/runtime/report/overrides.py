"""Who answers for a gate that stays red: `.mlcicd-overrides.yaml` of the base commit, so no change overrides itself.

```yaml
- {metric: accuracy, by: Ada Lovelace, reason: the new labels are stricter, change: 17}
- {metric: latency_ms, by: Ada Lovelace, reason: slow machine until the move, until: 2027-01-31}
```

`change` is the number of a pull or merge request, which stays the same over all its pushes.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from mlcicd import yamlio
from mlcicd.runtime.gate import Override

FILE = ".mlcicd-overrides.yaml"
MAX_BYTES = 64 * 1024

_KEYS = {"metric", "by", "reason", "change", "until"}


def read(raw: bytes, change: int | None, today: datetime.date) -> tuple[list[Override], list[str]]:
    """Return the overrides that hold for a change today, and what is wrong with the file, one line each."""
    try:
        tree: Any = yamlio.load_foreign(raw[:MAX_BYTES].decode("utf-8"))
    except (UnicodeDecodeError, yamlio.Unreadable) as error:
        return [], [f"{FILE}: {str(error).splitlines()[0]}"]
    if not isinstance(tree, Sequence) or isinstance(tree, str):
        return [], [f"{FILE}: expected a list of overrides"]
    wrong = [f"{FILE}: entry {number}: {why}" for number, one in enumerate(tree, 1) if (why := _wrong(one))]
    return [_made(one) for one in tree if not _wrong(one) and _holds(one, change, today)], wrong


def _wrong(one: Any) -> str:
    """Return why an entry is no override, or ""."""
    if not isinstance(one, Mapping):
        return "expected metric, by, reason, and change or until"
    if unknown := [str(key) for key in one if key not in _KEYS]:
        return f"unknown key {unknown[0]}"
    if missing := [key for key in ("metric", "by", "reason") if not _is_text(one.get(key))]:
        return f"{missing[0]} is missing"
    number, until = one.get("change"), one.get("until")
    if number is None and until is None:
        return "it has no end: name a change (its number) or a day (until: 2027-01-31)"
    if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
        return "change must be the number of a pull or merge request"
    return "" if until is None or _day(until) else "until must be a day such as 2027-01-31"


def _holds(one: Mapping[str, Any], change: int | None, today: datetime.date) -> bool:
    until = _day(one["until"]) if one.get("until") is not None else None
    return one.get("change") in (None, change) and (until is None or today <= until)


def _made(one: Mapping[str, Any]) -> Override:
    return Override(metric=str(one["metric"]), person=_line(one["by"]), reason=_line(one["reason"]))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _line(value: str) -> str:
    return " ".join(value.split())


def _day(value: Any) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
