"""The verdict on one rule of a gate, as every reader of the report sees it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlcicd.runtime.evidence import Method

Rule = Literal["min", "max", "max-drop", "max-rise"]
Source = Literal["base", "change"]
Status = Literal["pass", "fail", "error", "no-base", "waiting", "inconclusive", "overridden"]
Cause = Literal[
    "",
    "missing",
    "ambiguous",
    "not-finite",
    "no-base",
    "new",
    "base-ambiguous",
    "base-unreadable",
    "base-not-finite",
    "base-untrained",
    "not-measured",
    "smoke",
    "inconclusive",
    "no-reference",
    "no-slices",
    "few-rows",
]


BASE = "base"
MAX_SLICES = 40


class SliceVerdict(BaseModel):
    """What a rule says about the rows with one value in a column.

    Attributes:
        name: `column=value`; `count` is how many rows.
        status: `few`: they are fewer than the gate's `min-count`, so nothing is judged.
        value, base: the metric of them here and there, where it is known.
        low, high: interval of the difference, where it is known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=500, ser_json_inf_nan="strings")

    name: str
    count: int
    status: Literal["pass", "fail", "no-base", "inconclusive", "few"]
    value: float | None = None
    base: float | None = None
    low: float | None = None
    high: float | None = None


class Verdict(BaseModel):
    """What one rule says about one metric.

    Attributes:
        status: `no-base` does not fail: there is nothing to compare with, as on a first run. Nor does `waiting`: what
            a smoke training measured says nothing about the gate, which the full training meets. `inconclusive`: the
            interval reaches over the bound. `overridden`: somebody answers for it, and it would be `was`.
        source: whose configuration the rule stands in.
        value, base: the metric here and there, where they are known.
        against: what it is compared with: `base`, or a branch or tag.
        low, high: interval of the difference, where it is known; `method` is how, of `n` runs, examples or groups.
        needed: how many of those would decide an inconclusive one, if all else stays; 0 when that is not to be had.
        column: whose values are judged each on its own, in a gate on slices; `slices` are they, worst first, `unlisted`
            how many are left out.
        slice: `column=value` of the worst one, or the column where none could be judged; `count` is how many rows.
        by, why: who overrides it, and the reason that they recorded.
        cause: why `status` is what it is, when it is not the numbers.
        names: metrics that exist or that could be meant, when `cause` is about names.
        likely: the one of `names` that was probably meant.
        reason: what the reader of a file said, when `cause` is about a file; what changed since the base was trained,
            when it is `base-untrained`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=500, ser_json_inf_nan="strings")

    metric: str
    rule: Rule
    bound: float
    status: Status
    source: Source = "base"
    value: float | None = None
    base: float | None = None
    against: str = BASE
    low: float | None = None
    high: float | None = None
    method: Method | None = None
    n: int = 0
    needed: int = 0
    column: str = ""
    slices: Annotated[tuple[SliceVerdict, ...], Field(max_length=MAX_SLICES)] = ()
    unlisted: int = 0
    slice: str = ""
    count: int = 0
    was: Literal["", "fail", "inconclusive"] = ""
    by: str = ""
    why: str = ""
    cause: Cause = ""
    names: tuple[str, ...] = ()
    likely: str = ""
    reason: str = ""


def altered(verdict: Verdict, **changes: object) -> Verdict:
    """Return the verdict with other values in some fields."""
    return verdict.model_copy(update=changes)
