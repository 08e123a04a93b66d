"""The part of mermaid's grammar that our charts use, for there is no mermaid offline.

What is accepted here was parsed by mermaid 10.6 to 12.3; what is refused, at least one of them refused: a quote inside
quotes, `1e-3`, `NaN`, an empty series, a name that is no name.
"""

from __future__ import annotations

import re

MAX_CHARACTERS = 50_000  # of one diagram; mermaid draws no longer one
LABEL = r'"(?:[^"%\n\\`<>{}#;]|%(?!%))*"'
NUMBER = r"-?\d+(?:\.\d+)?"
XYCHART = re.compile(
    rf"""---\nconfig:\n(?:[ ]{{2,}}[A-Za-z]+:(?:[ ](?:\d+|"[#0-9a-f, ]+"))?\n)+---\n
    xychart-beta\n
    [ ]{{2}}title[ ]{LABEL}\n
    [ ]{{2}}x-axis[ ]{LABEL}[ ]{NUMBER}[ ]-->[ ]{NUMBER}\n
    [ ]{{2}}y-axis[ ]{LABEL}[ ]{NUMBER}[ ]-->[ ]{NUMBER}
    (?:\n[ ]{{2}}line[ ]\[{NUMBER}(?:,[ ]{NUMBER})*\])+""",
    re.VERBOSE,
)
FLOWCHART = re.compile(rf"flowchart LR(?:\n  n\d+\[{LABEL}\])+(?:\n  n\d+ --> n\d+)+")


def blocks(markdown: str) -> list[str]:
    """Return the content of every mermaid fence."""
    return re.findall(r"^```mermaid\n(.*?)\n```$", markdown, re.DOTALL | re.MULTILINE)


def complaint(text: str) -> str:
    """Return what is wrong with a diagram, or ""."""
    if len(text) > MAX_CHARACTERS:
        return f"{len(text):,} characters"
    if not re.sub('"[^"]*"', "", text).isascii():
        return "not ASCII outside of its labels"
    if not text.startswith("flowchart"):
        return "" if XYCHART.fullmatch(text) and _is_drawable(text) else "not an xychart that every version reads"
    if not FLOWCHART.fullmatch(text):
        return "not a flowchart that every version reads"
    nodes = re.findall(r"^  (n\d+)\[", text, re.MULTILINE)
    ends = {end for pair in re.findall(r"^  (n\d+) --> (n\d+)$", text, re.MULTILINE) for end in pair}
    return "" if len(nodes) == len(set(nodes)) and ends <= set(nodes) else "an arrow from or to nowhere"


def _is_drawable(text: str) -> bool:
    """Tell whether both axes grow, and every line has the same number of values, inside them."""
    (x_low, x_high), (low, high) = (map(float, pair) for pair in re.findall(rf"({NUMBER}) --> ({NUMBER})", text))
    lines = [list(map(float, values.split(", "))) for values in re.findall(r"line \[(.*)\]", text)]
    inside = all(low <= value <= high for values in lines for value in values)
    return x_low < x_high and low < high and inside and len({len(values) for values in lines}) == 1
