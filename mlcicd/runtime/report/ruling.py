"""The gates in words: what each asks for, what came out, and why it does not pass."""

from __future__ import annotations

from mlcicd.runtime.markdown import Words
from mlcicd.runtime.report.numbers import number
from mlcicd.runtime.report.words import Sentence, interval, listed
from mlcicd.runtime.verdict import BASE, SliceVerdict, Verdict


def gate(verdict: Verdict) -> Sentence:
    """Return why a gate does not pass."""
    named = (verdict.metric, Words(" in "), verdict.slice) if verdict.slice else (verdict.metric,)
    if verdict.status == "overridden":
        return (*named, Words(f" does not pass ({verdict.was}), overridden by "), verdict.by, Words(": "), verdict.why)
    if verdict.cause == "base-untrained":
        whose = (Words("the base"),) if verdict.against == BASE else (verdict.against,)
        return (*named, Words(" is not judged, for "), *whose, Words(" was not trained as it is: "), verdict.reason)
    if verdict.low is not None:
        return (*named, *_by_interval(verdict))
    if verdict.status != "fail":
        return (*named, Words(" could not be judged: "), *outcome(verdict))
    value, bound = number(verdict.value, verdict.bound), number(verdict.bound, verdict.value)
    if verdict.rule in ("min", "max"):
        side = "at least" if verdict.rule == "min" else "at most"
        return (*named, Words(f" is {value}, the gate asks for {side} {bound}"))
    moved = abs((verdict.value or 0) - (verdict.base or 0))
    verb = "fell" if verdict.rule == "max-drop" else "rose"
    before, after = number(verdict.base, verdict.value), number(verdict.value, verdict.base)
    far, allowed = number(moved, verdict.bound), number(verdict.bound, moved)
    return (*named, Words(f" {verb} by {far}, from {before} to {after}; the gate allows {allowed}"))


def _by_interval(verdict: Verdict) -> Sentence:
    allowed, verb = number(verdict.bound), "fell" if verdict.rule == "max-drop" else "rose"
    where = f"the 95 % interval of the difference is {interval(verdict.low, verdict.high)}"
    if verdict.status == "fail" and verdict.cause != "inconclusive":
        return (Words(f" {verb} by more than {allowed}, which is all that the gate allows: {where}"),)
    moved = "fallen" if verdict.rule == "max-drop" else "risen"
    return (Words(f" may have {moved} by more than the {allowed} that the gate allows: {where}{_needed(verdict)}"),)


def _needed(verdict: Verdict) -> str:
    unit = {"paired-t": "seeds", "welch-t": "seeds on each side"}.get(verdict.method or "", "examples")
    return f"; about {verdict.needed:,} {unit} would tell" if verdict.needed else ""


def rule(verdict: Verdict) -> Sentence:
    """Return what a gate asks for."""
    bound = number(verdict.bound, verdict.value)
    side = {"min": f"≥ {bound}", "max": f"≤ {bound}"}
    if verdict.rule in side:
        return (Words(side[verdict.rule]),)
    way = "below" if verdict.rule == "max-drop" else "above"
    return (Words(f"at most {bound} {way} base"),) if verdict.against == "base" else (
        Words(f"at most {bound} {way} "), verdict.against,
    )  # fmt: skip


def outcome(verdict: Verdict) -> Sentence:
    """Return the metric's value, or why it says nothing."""
    value = number(verdict.value, verdict.bound)
    because = (Words(" ("), verdict.reason, Words(")")) if verdict.reason else ()
    if verdict.cause == "missing":
        likely = (Words(", did you mean "), verdict.likely, Words("?")) if verdict.likely else (Words("."),)
        known = (Words(" Known: "), *listed(verdict.names)) if verdict.names else (Words(" No metric is known at all"),)
        return (Words(f"no such metric{' that can be used' if because else ''}"), *because, *likely, *known)
    between = Words(f" (Δ {interval(verdict.low, verdict.high)}{_needed(verdict)})")
    known = (value,) if verdict.low is None else (value, between)
    if verdict.status == "overridden":
        return (*known, Words("; overridden by "), verdict.by, Words(": "), verdict.why)
    return {
        "": known,
        "inconclusive": known,
        "no-reference": (verdict.against, Words(" could not be found"), *because),
        "no-slices": (Words("there are no slices to judge"), *because),
        "few-rows": (Words("no value of "), verdict.slice, Words(f" has {verdict.count:,} rows")),
        "ambiguous": (Words("several files have it: write one of "), *listed(verdict.names)),
        "not-finite": (value, Words(" is not a number to judge")),
        "no-base": (value, Words("; there is no base to compare with")),
        "new": (value, Words("; the base does not have this metric")),
        "base-ambiguous": (Words("several files of the base have it: write one of "), *listed(verdict.names)),
        "base-unreadable": (Words("its value at the base cannot be used"), *because),
        "base-untrained": (value, Words(" (its base is of another training)")),
        "base-not-finite": (Words("its value at the base is "), number(verdict.base)),
        "not-measured": (Words("nothing was measured, because training did not finish"),),
        "smoke": (Words("waits for the full training"),),
    }[verdict.cause]


def of_slice(verdict: Verdict, one: SliceVerdict) -> Sentence:
    """Return how one slice of a gate did."""
    base = f", {number(one.base, one.value)} at the base" if one.base is not None else ""
    known = f", 95 % interval of the difference {interval(one.low, one.high)}" if one.low is not None else ""
    why = " is too few to judge" if one.status == "few" else ""
    rows = f"{one.count:,} rows" if one.count != 1 else "1 row"
    return (
        verdict.metric, Words(" is "), number(one.value, verdict.bound), Words(f"{base}{known}; {rows}{why}; asked: "),
        *rule(verdict),
    )  # fmt: skip


def source(verdict: Verdict) -> Words:
    """Return whose configuration asks for it."""
    return Words("base branch") if verdict.source == "base" else Words("this change")
