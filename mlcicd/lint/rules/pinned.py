"""M16, M24: versions of actions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcicd import pins
from mlcicd.lint.document import Document, Node
from mlcicd.lint.model import Finding, Fix
from mlcicd.lint.rule import Rule
from mlcicd.lint.workflows import jobs, steps

_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_VERSION = re.compile(r"v?\d+(?:\.\d+)*(?:[.+-][\w.]+)?")
# First versions on node24 of actions that are often seen and that we do not use ourselves.
_SINCE = {
    "actions/github-script": "v8",
    "actions/setup-go": "v6",
    "actions/setup-node": "v5",
    "actions/setup-python": "v6",
    "astral-sh/setup-uv": "v7",
}
# On a server of one's own there is nothing newer.
_ENTERPRISE = frozenset(pin.commit for pin in pins.GHES)


def references(doc: Document) -> Iterator[tuple[str, Node]]:
    """Yield every action and workflow of others that a file names, with the words for its place."""
    for step in steps(doc):
        yield step.label, step.uses
    for name, job in jobs(doc):
        yield f"job {name}", job.get("uses")


def _taken_apart(uses: Node) -> tuple[str, str]:
    """Return an action and its version; nothing for local ones, images and expressions."""
    name, at, version = uses.text.partition("@")
    local = name.startswith((".", "$", "docker://")) or "${{" in uses.text
    return ("", "") if local or not at else (name, version)


class Pinned(Rule):
    """Actions are named by commit, and the comment says which version that is.

    Why: a tag moves. In March 2025 every tag of tj-actions/changed-files pointed at code that printed secrets, in
    23 000 repositories; those that named a commit noticed nothing. A comment that lies about the commit hides the same.

    Instead: `uses: owner/action@<40 hex digits> # v1.2.3`; Dependabot and Renovate keep both current.
    """

    id = "M16"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow", "action")
    mends = True

    def check(self, doc: Document) -> Iterator[Finding]:
        """Compare with the table of known commits where an action is in it."""
        for place, uses in references(doc):
            name, version = _taken_apart(uses)
            if not name:
                continue
            pin = pins.KNOWN.get("/".join(name.lower().split("/")[:2]))
            if not _COMMIT.match(version):
                fix = _by_commit(uses, pin) if pin and pin.version == version else ()
                yield self.at(uses, f"{place}: `{name}@{version}` is a name that its owner can move", fix=fix)
            elif not (said := _VERSION.match(uses.comment)):
                known = pin if pin and pin.commit == version else None
                fix = _commented(uses, known.version) if known and not uses.comment else ()
                message = f"{place}: no comment says which version of {name} this commit is"
                yield self.at(uses, message, fix=fix, severity="note")
            elif pin and pin.commit == version and not f"{pin.version}.".startswith(f"{_full(said[0])}."):
                fix = _corrected(uses, said[0], pin.version)
                yield self.at(uses, f"{place}: the comment says {said[0]}, and this commit is {pin.version}", fix=fix)
            elif pin and pin.commit != version and pin.version == _full(said[0]):
                message = f"{place}: {pin.action} {said[0]} is commit {pin.commit[:12]}, not {version[:12]}"
                yield self.at(uses, message, severity="error")


def _full(version: str) -> str:
    return version if version.startswith("v") else f"v{version}"


def _commented(uses: Node, version: str) -> tuple[Fix, ...]:
    """A comment, where nothing follows on the line."""
    ends_line = not _rest(uses).strip() and not _is_block(uses)
    return (Fix(start=uses.end, end=uses.end, text=f" # {version}"),) if ends_line else ()


def _corrected(uses: Node, said: str, version: str) -> tuple[Fix, ...]:
    """Another version in the comment."""
    start = uses.doc.text.find(said, uses.end)
    return () if _is_block(uses) else (Fix(start=start, end=start + len(said), text=version),)


def _by_commit(uses: Node, pin: pins.Pin) -> tuple[Fix, ...]:
    """The commit in the place of the tag, and the tag as its comment, where nothing else follows on the line."""
    start = uses.doc.text.rfind(pin.version, uses.start, uses.end)
    said = uses.comment == pin.version
    if start < 0 or _is_block(uses) or (_rest(uses).strip() and not said):
        return ()
    quote = uses.doc.text[start + len(pin.version) : uses.end]
    comment = "" if said else f" # {pin.version}"
    return (Fix(start=start, end=uses.end, text=f"{pin.commit}{quote}{comment}"),)


def _rest(uses: Node) -> str:
    return uses.doc.text[uses.end : uses.doc.line_end(uses.end)]


def _is_block(uses: Node) -> bool:
    """Whether it is a block of text: what is written behind it belongs to it, and its comment stands above it."""
    return uses.raw[:1] in ("|", ">")


class RetiredRuntime(Rule):
    """No action on a runtime that is switched off.

    Why: versions on node12, node16 and node20 warn today and fail without notice the day the forge removes that
    runtime, in the middle of somebody's release.

    Instead: take a version on node24. A reference by commit hides this from other linters: we look at its comment.
    """

    id = "M24"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow", "action")

    def check(self, doc: Document) -> Iterator[Finding]:
        """By tag, by the comment behind a commit, and what an action itself asks for."""
        for place, uses in references(doc):
            name, version = _taken_apart(uses)
            said = _VERSION.match(uses.comment if _COMMIT.match(version) else version)
            since = _since("/".join(name.lower().split("/")[:2]))
            if said and since and version not in _ENTERPRISE and _number(said[0]) < _number(since):
                message = f"{place}: {name} {said[0]} runs on a retired runtime; {since} does not"
                yield self.at(uses, message)
        runtime = doc.root.at("runs", "using") if doc.kind == "action" else doc.root.get("")
        if runtime.text in pins.RETIRED:
            yield self.at(runtime, f"the action runs on {runtime.text}, which is retired")


def _since(action: str) -> str:
    pin = pins.KNOWN.get(action)
    return pin.since if pin else _SINCE.get(action, "")


def _number(version: str) -> int:
    """The major version: all that a tag such as `v4` says."""
    return int(version.lstrip("v").split(".")[0][:9] or 0)
