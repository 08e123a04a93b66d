"""M21: what is published as an artifact."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcicd.lint import gitlab
from mlcicd.lint.document import Document, Node
from mlcicd.lint.expressions import plain
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Rule
from mlcicd.lint.workflows import steps, triggers

_DAYS = 30
_EVERYTHING = re.compile(
    r"(?:\.|~|\.?/?\*\*?(?:/\*)*|\$HOME|\$CI_PROJECT_DIR|\$\{CI_PROJECT_DIR\}|\$\{\{ github\.workspace \}\}|(?=/))/?\Z"
)
_PRIVATE = re.compile(r"(?:^|/)(?:\.git|\.aws|\.ssh|\.netrc|\.pypirc|\.docker|\.env|\.kube|\.config/gcloud)(?:/|\Z|\*)")


class Upload(Rule):
    """An artifact is files that somebody named.

    Why: an artifact of the whole folder holds what nobody thought of: `.git/config` with the token, `.env`, the data
    that the licence forbids to pass on. On a public repository everyone may download it.

    Instead: list the files. Leave hidden ones out, and keep results of pull requests for days, not months.
    """

    id = "M21"
    severity = "warning"
    platforms = ("github", "gitlab")
    kinds = ("workflow", "action", "gitlab")

    def check(self, doc: Document) -> Iterator[Finding]:
        """Paths of uploads, and retention on pull requests."""
        if doc.kind == "gitlab":
            for job in gitlab.jobs(doc):
                for path in job.node.at("artifacts", "paths"):
                    yield from self._path(f"job {job.name}", path)
            return
        for step in steps(doc):
            if step.action != "actions/upload-artifact":
                continue
            yield from self._path(step.label, step.given("path"))
            days = step.given("retention-days")
            if "pull_request" in triggers(doc) and days.text.isdecimal() and int(days.text[:6]) > _DAYS:
                yield self.at(days, f"{step.label}: results of pull requests are kept for {days.text} days")

    def _path(self, label: str, paths: Node) -> Iterator[Finding]:
        for path in (line.strip() for line in paths.text.splitlines()):
            if _EVERYTHING.match(plain(path)):
                yield self.at(paths, f"{label}: the whole folder (`{path}`) is published", part=path)
            elif _PRIVATE.search(path) and not path.startswith("!"):
                yield self.at(paths, f"{label}: `{path}` is where credentials lie, and is published", part=path)
