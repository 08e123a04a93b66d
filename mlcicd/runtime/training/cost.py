"""What training cost, where a CI system ran it on a machine whose price is known."""

from __future__ import annotations

import math
import os

from mlcicd.config import prices
from mlcicd.config.model import Config
from mlcicd.runtime import ci
from mlcicd.runtime.facts import Cost


def of(config: Config, runner: str, seconds: float) -> Cost | None:
    """Return what so many seconds on a runner cost, each minute begun counted; a laptop costs nothing."""
    here, machine = ci.forge(os.environ), config.runner(runner)
    price = prices.find(machine.price, machine.labels.get(here, ())) if here else None
    if price is None:
        return None
    return Cost(minutes=math.ceil(seconds / 60), price=price.minute, unit=price.unit)
