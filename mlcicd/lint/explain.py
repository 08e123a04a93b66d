"""What a rule says about itself: the same text for `--explain` and for the page of the documentation."""

from __future__ import annotations

from collections.abc import Sequence

from mlcicd.errors import UsageError
from mlcicd.lint.rule import Rule, text
from mlcicd.lint.rules import RULES

_NAMES = {"github": "GitHub", "gitlab": "GitLab"}


def known(rule: str) -> type[Rule]:
    """Return our rule with this id, in any case.

    Raises:
        UsageError: when there is none.
    """
    found = next((one for one in RULES if one.id.lower() == rule.lower()), None)
    if found:
        return found
    if "/" in rule:
        name, _, audit = rule.partition("/")
        raise UsageError(f"{rule}: a rule of {name}, which explains it itself", hint=f"look for {audit} in its manual")
    raise UsageError(f"{rule}: there is no such rule", hint=f"ours are {', '.join(one.id for one in RULES)}")


def ids(rules: Sequence[str]) -> list[str]:
    """Return the rules' ids as they are written; those of other linters, which have a slash, stay as they are.

    Raises:
        UsageError: when one is not known.
    """
    return [rule if "/" in rule else known(rule).id for rule in rules]


def section(rule: type[Rule]) -> str:
    """Return the rule's explanation in markdown, heading included."""
    said = text(rule)
    parts = [f"## {rule.id}: {said.title}", f"{rule.severity}, {_platforms(rule)}{_how(rule)}", said.what]
    parts += [f"Why: {said.why}" if said.why else "", f"Instead: {said.instead}" if said.instead else ""]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(rules: Sequence[type[Rule]] = RULES) -> str:
    """Return the table of all rules in markdown."""
    rows = [
        f"| [{one.id}](#{_anchor(one)}) | {text(one).title} | {one.severity} | {_platforms(one)} |" for one in rules
    ]
    return "\n".join(["| rule | what it asks for | severity | platform |", "|---|---|---|---|", *rows]) + "\n"


def _platforms(rule: type[Rule]) -> str:
    return ", ".join(_NAMES[platform] for platform in rule.platforms)


def _how(rule: type[Rule]) -> str:
    return ", mended by `--fix`" if rule.mends else ""


def _anchor(rule: type[Rule]) -> str:
    """The place of the heading, as markdown readers name it."""
    heading = f"{rule.id}: {text(rule).title}".lower().replace(" ", "-")
    return "".join(char for char in heading if char.isalnum() or char in "-_")
