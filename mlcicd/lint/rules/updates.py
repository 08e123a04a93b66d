"""M40: Dependabot."""

from __future__ import annotations

from collections.abc import Iterator

from mlcicd.lint.document import Document
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Rule


class ActionUpdates(Rule):
    """A bot keeps the actions current.

    Why: an action that is named by commit stays at that commit. Without a bot it also keeps its known holes, and the
    runtime that is switched off.

    Instead: an entry `package-ecosystem: github-actions` with a `cooldown` of a week.
    """

    id = "M40"
    severity = "note"
    platforms = ("github",)
    kinds = ("dependabot",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """The list of ecosystems."""
        updates = doc.root.get("updates")
        systems = {entry.get("package-ecosystem").text for entry in updates}
        if systems and "github-actions" not in systems:
            yield self.at(doc.root.key("updates"), "nothing keeps the actions current: no entry for github-actions")
