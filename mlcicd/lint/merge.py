"""What we and another linter both say is said once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from mlcicd.lint.model import SEVERITIES, Finding

# Theirs, words of its message, ours. Ours names the job and the step, so theirs joins it.
SAME = (
    ("zizmor/artipacked", "", "M28"),
    ("zizmor/cache-poisoning", "", "M12"),
    ("zizmor/dangerous-triggers", "", "M1"),
    ("zizmor/excessive-permissions", "", "M23"),
    ("zizmor/github-env", "", "M13"),
    ("zizmor/overprovisioned-secrets", "", "M17"),
    ("zizmor/secrets-inherit", "", "M17"),
    ("zizmor/template-injection", "", "M5"),
    ("zizmor/unpinned-images", "", "M26"),
    ("zizmor/unpinned-uses", "", "M16"),
    ("actionlint/action", 'runtime "node', "M24"),
    ("actionlint/expression", "potentially untrusted", "M5"),
)


def merge(ours: Iterable[Finding], theirs: Iterable[Finding]) -> list[Finding]:
    """Join what others say to our finding of the same thing on the same line, which becomes as severe as theirs."""
    joined: dict[tuple[int, str], list[Finding]] = defaultdict(list)
    ours = list(ours)
    places = {(one.line, one.rule) for one in ours}
    alone = []
    for one in theirs:
        same = [mine for rule, words, mine in SAME if rule == one.rule and words in one.message]
        at = next(((one.line, rule) for rule in same if (one.line, rule) in places), None)
        joined[at].append(one) if at else alone.append(one)
    return [*(_joined(one, joined.get((one.line, one.rule), ())) for one in ours), *alone]


def _joined(ours: Finding, theirs: Sequence[Finding]) -> Finding:
    worst = min([ours.severity, *(one.severity for one in theirs)], key=SEVERITIES.index)
    return replace(ours, severity=worst, also=tuple(sorted({one.rule for one in theirs})))
