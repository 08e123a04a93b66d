"""The scripts of a document, whichever platform it is for."""

from __future__ import annotations

from mlcicd.lint import gitlab, workflows
from mlcicd.lint.document import Document
from mlcicd.lint.shell import Script


def scripts(doc: Document) -> tuple[Script, ...]:
    """Return what its jobs run in a shell."""
    return gitlab.scripts(doc) if doc.kind == "gitlab" else workflows.scripts(doc)
