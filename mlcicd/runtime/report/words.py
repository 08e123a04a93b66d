"""The words that every printer of the report (markdown, HTML, terminal) shares: icons, names of states, short facts.

A sentence is a tuple: `Words` stand as they are, every other text is from outside and gets escaped. The sentences
themselves are in `headline` (the verdict), `ruling` (the gates) and `notes` (what else has to be known).
"""

from __future__ import annotations

from mlcicd.runtime.markdown import Words
from mlcicd.runtime.report.model import Machine, Revision, Training
from mlcicd.runtime.report.numbers import counted, difference, size

Sentence = tuple[str, ...]

ICONS = {
    "pass": Words("✅"),
    "fail": Words("❌"),
    "error": Words("❌"),
    "no-base": Words("⚪"),
    "waiting": Words("⚪"),
    "smoke": Words("⚪"),
    "no-baseline": Words("⚪"),
    "inconclusive": Words("⚠️"),
    "overridden": Words("⚠️"),
    "warning": Words("⚠️"),
}
ALERTS = {
    "pass": Words("TIP"),
    "fail": Words("CAUTION"),
    "error": Words("CAUTION"),
    "no-baseline": Words("NOTE"),
    "smoke": Words("NOTE"),
    "inconclusive": Words("WARNING"),
}
STATUS = {
    "pass": Words("pass"),
    "fail": Words("fail"),
    "error": Words("error"),
    "no-base": Words("no base"),
    "waiting": Words("waits"),
    "inconclusive": Words("inconclusive"),
    "overridden": Words("overridden"),
}
ARROWS = {"higher": Words(" ↑"), "lower": Words(" ↓"), "": Words("")}
READING_ICONS = {"better": Words("🟢 "), "worse": Words("🔴 "), "small": Words("⚪ "), "unclear": Words("⚪ ")}
READINGS = {
    "better": Words("better"),
    "worse": Words("worse"),
    "changed": Words("changed"),
    "small": Words("too small to matter"),
    "unclear": Words("no evidence of change"),
    "single": Words("one run each"),
    "machine": Words("another machine"),
    "untrained": Words("base not trained as it is"),
    "same": Words("same"),
    "": Words("–"),
}
# How a slice of a gate did.
SLICES = {
    "fail": Words("fail"),
    "inconclusive": Words("inconclusive"),
    "pass": Words("pass"),
    "no-base": Words("no base"),
    "few": Words("too few rows"),
}
UNDECIDED = ("inconclusive", "overridden")
# What a group of checks is called before its name.
GROUPS = {
    "checkpoint": Words("checkpoint"),
    "suite": Words("suite of"),
    "checks": Words("checks of"),
    "split": Words("split"),
    "scan": Words("scan of"),
}


def revision(found: Revision) -> Sentence:
    """Return which data the change is of, and whether the base has the same."""
    same = "as at the base" if found.base == found.change else "changed" if found.base else ""
    return (found.change[:8], Words(f" ({same})" if same else ""))


def interval(low: float | None, high: float | None) -> Words:
    """Return both ends of a difference, with their signs."""
    return Words(f"{difference(0.0, low)} … {difference(0.0, high)}")


def hardware(found: Training | Machine) -> Words:
    """Return the machine in a few words; names of GPUs are printed elsewhere, as text from outside."""
    parts = [counted(found.cpus, "CPU") if found.cpus else "", size(found.memory) if found.memory else ""]
    return Words(", ".join(part for part in parts if part))


def listed(names: tuple[str, ...]) -> Sentence:
    """Return names with commas between them."""
    return tuple(part for index, name in enumerate(names) for part in ((Words(", "), name) if index else (name,)))
