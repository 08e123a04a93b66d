"""What a minute of a hosted machine costs: a dated table, and the words for an estimate made of it. Never a bill."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Unit = Literal["$", "compute minutes"]
Product = Literal["linux_4_core_gpu"]

AS_OF = "2026-11-21"


@dataclass(frozen=True, kw_only=True)
class Price:
    """What one minute costs, in dollars or in the minutes that a plan is charged with.

    Attributes:
        as_of: when the table had it from its seller, as text; "" for a price of the team's own.
    """

    minute: float
    unit: Unit = "$"
    as_of: str = ""


# By the name on the bill, or by the tag that stands for exactly one kind of machine. What is not known is not here.
TABLE: dict[str, Price] = {
    # GitHub's larger runner, 4 cores and one T4 of 16 GB: its page of prices by the minute. Each job's minutes are
    # rounded up; a plan's included minutes do not count. Its label is the team's own, so `price` has to name it.
    "linux_4_core_gpu": Price(minute=0.052, as_of=AS_OF),
    # GitLab.com's hosted runner, 4 cores and one GPU of 16 GB: the cost factor in its page of compute minutes.
    "saas-linux-medium-amd64-gpu-standard": Price(minute=7, unit="compute minutes", as_of=AS_OF),
}


def find(own: float | str | None, labels: Iterable[str]) -> Price | None:
    """Return the price of a machine, or None when it is not known.

    Args:
        own: what the configuration says: dollars an hour, or a name of the table.
        labels: what the platform calls the machine.
    """
    if isinstance(own, (int, float)):
        return Price(minute=own / 60)
    names = [*labels, *([own] if own else [])]
    return next((TABLE[name] for name in names if name in TABLE), None)


def estimate(price: Price, minutes: int) -> str:
    """Return what so many minutes cost: `$16.38 (5 h 15 min at $3.12/h, estimate)`."""
    amount, time = price.minute * minutes, _time(minutes)
    of = f", prices of {price.as_of}" if price.as_of else ""
    if price.unit == "$":
        return f"${amount:,.2f} ({time} at {_hourly(price.minute * 60)}{of}, estimate)"
    return f"{amount:,.0f} {price.unit} ({time} at factor {price.minute:g}{of}, estimate)"


def _hourly(price: float) -> str:
    return f"${price:,.2f}/h" if price >= 0.1 else f"${price:.2g}/h"


def _time(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest or not hours))
