"""Files of the team's own that we write once: what keeps the pins new, and what explains its machines to a linter."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mlcicd import resources
from mlcicd.platforms.common import Seed
from mlcicd.render import render

# Wherever Renovate looks for its configuration.
_RENOVATE = (
    "renovate.json5", ".github/renovate.json", ".github/renovate.json5", ".gitlab/renovate.json",
    ".gitlab/renovate.json5", ".renovaterc", ".renovaterc.json", ".renovaterc.json5",
)  # fmt: skip
# What actionlint knows: labels that every machine of a team's own has, and GitHub's machines.
_USUAL = re.compile(
    r"self-hosted|linux|windows|macos|x64|x86|arm|arm64|(ubuntu|windows|macos)-(latest|slim|[0-9.]+)(-(arm|large|xlarge|intel))?",
    re.IGNORECASE,
)


def dependabot(folders: Iterable[str], *, asked: bool) -> Seed:
    """Return Dependabot's configuration for the actions that are named below these folders.

    Where the team did not ask for it, Renovate's that is there already does.
    """
    return Seed(
        path=".github/dependabot.yml",
        text=render("github/dependabot.yml.j2", {"folders": list(folders)}),
        needle="github-actions",
        advice="add to .github/dependabot.yml the package-ecosystem github-actions, or write `tool: {updates: none}`",
        instead=(".github/dependabot.yaml", *(() if asked else ("renovate.json", *_RENOVATE))),
    )


def renovate() -> Seed:
    """Return Renovate's configuration; one that exists finds actions and images by itself."""
    return Seed(
        path="renovate.json",
        text=(resources.find("templates") / "renovate.json").read_text("utf-8"),
        needle="",
        advice="renovate.json is no file",
        instead=_RENOVATE,
    )


def actionlint(labels: Iterable[str]) -> list[Seed]:
    """Return actionlint's configuration with the labels that it would take for a slip of the pen, if there are any."""
    own = sorted({label for label in labels if not _USUAL.fullmatch(label)})
    if not own:
        return []
    names = ", ".join(own)
    seed = Seed(
        path=".github/actionlint.yaml",
        text=render("github/actionlint.yaml.j2", {"labels": own}),
        needle="self-hosted-runner",
        advice=f"add to .github/actionlint.yaml under self-hosted-runner, labels: {names}",
        instead=(".github/actionlint.yml",),
    )
    return [seed]
