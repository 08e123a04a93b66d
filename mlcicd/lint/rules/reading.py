"""M0: about reading itself. The engine makes its findings, so that no file passes because nobody could read it."""

from __future__ import annotations

from collections.abc import Iterator

from mlcicd.lint.document import Document
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Rule


class Reading(Rule):
    """Every file can be read, and every ignore says why.

    Why: a file that no reader understands has no findings either, and nobody can judge an ignore without a reason.

    Instead: repair the file. Write `# mlcicd: ignore[M5] the reason` behind the line, or alone on the line above, and
    remove it when the finding is gone.
    """

    id = "M0"
    severity = "error"
    platforms = ("github", "gitlab")
    kinds = ("workflow", "action", "gitlab", "dependabot")

    def check(self, doc: Document) -> Iterator[Finding]:
        """Yield nothing: what could be wrong is found before rules are asked."""
        yield from ()
