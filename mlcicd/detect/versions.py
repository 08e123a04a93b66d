"""Choosing one Python for a stated range, in the words of PEP 440, poetry, conda and pyenv."""

from __future__ import annotations

import re

# Best supported by machine-learning libraries first; the first is also the configuration's default.
MINORS = (12, 13, 11, 10, 14, 9, 8)
# Stands for the newest patch of a minor version, which is what installers take.
_NEWEST = 99
_CLAUSE = re.compile(r"(===|==|!=|~=|>=|<=|>|<|=|\^|~)?\s*v?(\d+(?:\.\d+)*)(?:\.\*)?(?:[-+.a-z][^<>=!~^]*)?")


def choose(stated: str) -> str | None:
    """Return a version such as "3.12" that satisfies the text; None when none does, or it is not understood."""
    text = re.sub(r"^(?:c?python|py)[-=@]?", "", stated.strip(), flags=re.IGNORECASE)
    text = re.sub(r"([<>=!~^])\s+", r"\1", text)
    alternatives = [re.findall(r"[^,\s]+", part) for part in re.split(r"\|\|?", text)]
    for minor in MINORS:
        if any(clauses and all(_allows(clause, minor) for clause in clauses) for clauses in alternatives):
            return f"3.{minor}"
    return None


def _allows(clause: str, minor: int) -> bool:
    """Tell whether the newest patch of 3.`minor` satisfies one clause such as ">=3.10"."""
    parsed = _CLAUSE.fullmatch(clause)
    if parsed is None:
        return clause == "*"
    operator, bound = parsed[1] or "==", tuple(int(part[:6]) for part in parsed[2].split("."))[:3]
    version = (3, minor, _NEWEST)
    if operator in ("==", "===", "="):
        return version[: len(bound[:2])] == bound[:2]
    if operator == "!=":
        # Leaving out one patch leaves the others.
        return len(bound) > 2 or version[: len(bound)] != bound
    if operator in ("^", "~", "~="):
        return bound <= version < _ceiling(operator, bound)
    return {">=": version >= bound, ">": version > bound, "<=": version <= bound, "<": version < bound}[operator]


def _ceiling(operator: str, bound: tuple[int, ...]) -> tuple[int, ...]:
    """Return the first version too new: `~=3.10` and `^3.10` stop at 4, `~3.10` and `~=3.10.1` at 3.11."""
    kept = 1 if operator == "^" else len(bound) - 1 if operator == "~=" else min(len(bound), 2)
    kept = max(kept, 1)
    return (*bound[: kept - 1], bound[kept - 1] + 1)
