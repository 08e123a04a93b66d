"""M15: `safe.directory`."""

from __future__ import annotations

from collections.abc import Iterator

from mlcicd.lint.document import Document, walk
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Rule

_EVERY = r"safe\.directory['\"]?[ =]+['\"]?\*['\"]?"


class SafeDirectory(Rule):
    """Git trusts single folders, not every folder.

    Why: git refuses repositories of another owner because their configuration runs programs. `safe.directory '*'` ends
    that for all of them, also for one that an artifact or a cache brought along.

    Instead: name the folder: `git config --global --add safe.directory "$PWD"`.
    """

    id = "M15"
    severity = "warning"
    platforms = ("github", "gitlab")
    kinds = ("workflow", "action", "gitlab")

    def check(self, doc: Document) -> Iterator[Finding]:
        """Look at every text."""
        for _, node in walk(doc.root) if "safe.directory" in doc.text else ():
            for part in node.find(_EVERY) if node.is_scalar else ():
                yield self.at(node, "git is told to trust every folder on the machine", part=part)
