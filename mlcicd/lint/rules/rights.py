"""M11, M23, M28: what a job's token may do, and where it lies."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from mlcicd.lint.document import Document, Node
from mlcicd.lint.expressions import plain
from mlcicd.lint.model import Finding, Fix
from mlcicd.lint.rule import Rule
from mlcicd.lint.workflows import (
    STRANGERS,
    Step,
    checks_out,
    jobs,
    knows_author,
    label,
    may_write,
    permissions,
    steps,
    steps_of,
    triggers,
)

_LOGINS = frozenset(
    {"aws-actions/configure-aws-credentials", "google-github-actions/auth", "azure/login", "hashicorp/vault-action",
     "databricks/setup-cli", "jfrog/setup-jfrog-cli", "alibabacloud/configure-alibaba-cloud-credentials-action"}
)  # fmt: skip
_STATIC = ("aws-access-key-id", "credentials_json", "creds", "token")
_PUSHES = re.compile(
    r"\bgit\b(?:(?!\bgit\b)[^\n])*\b(?:push|fetch|pull|clone|submodule|lfs)\b|\bcml\s+pr\b|\bcml-pr\b"
    r"|\bdvc\s+(?:exp\s+push|import|get|update)\b"
    r"|\bsemantic-release\b|\bgto\b|\bmike\s+deploy\b|\bmkdocs\s+gh-deploy\b|\bnpm\s+version\b|\bgh\s+pr\s+checkout\b"
)
_PUSHERS = re.compile(
    r"commit|push|pull-request|release|publish|pages|submodule|changeset|semantic|backport|rebase|merge"
)


class CloudIdentity(Rule):
    """Who may take a cloud role is decided by an environment.

    Why: `id-token: write` lets every step of the job ask for the job's identity. Without an `environment` in it the
    cloud cannot tell a training of the main branch from any branch that somebody pushed.

    Instead: give the job an `environment` with its own rules, and name it in the role's trust policy.
    """

    id = "M11"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """Jobs that log in to a cloud, for signing has no role behind it; and any that a stranger starts."""
        events = sorted(triggers(doc) & STRANGERS)
        for name, job in jobs(doc):
            granted = permissions(doc, job)
            if granted.get("id-token").text != "write":
                continue
            if events and not knows_author(doc, job):
                message = f"job {name}: anyone can start it by `{events[0]}`, and it may log in to clouds as itself"
                yield self.at(granted.get("id-token"), message, severity="error")
            elif not job.get("environment") and (step := self._logs_in(doc, job)):
                message = f"job {name} logs in to a cloud as itself, and no environment says which runs may"
                yield self.at(step.uses, message)

    def _logs_in(self, doc: Document, job: Node) -> Step | None:
        own = (step for step in steps_of(doc, job) if step.action in _LOGINS)
        return next((step for step in own if not any(step.given(key) for key in _STATIC)), None)


class Permissions(Rule):
    """A workflow says what its token may do.

    Why: without `permissions` the repository's setting counts, which in many is read and write of everything, and each
    action that a job uses has it.

    Instead: `permissions: {}` at the top, and in each job what it needs.
    """

    id = "M23"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """`write-all` counts as nothing said; where every job says it, the top need not."""
        for node in (doc.root.get("permissions"), *(job.get("permissions") for _, job in jobs(doc))):
            if node.text.lower() == "write-all":
                yield self.at(node, "the token may write everything")
        if doc.root.get("permissions"):
            return
        silent = [name for name, job in jobs(doc) if not job.get("permissions")]
        if silent:
            more = f" and {len(silent) - 1} more" if len(silent) > 1 else ""
            at = doc.root.get("jobs").key(silent[0])
            yield self.at(at, f"job {silent[0]}{more}: no `permissions`, so the token has the repository's default")


class KeptCredentials(Rule):
    """A checkout does not leave the job's token on the disk.

    Why: actions/checkout keeps the token for later `git` commands. Every later step can read it: tests, a training, an
    action; and an artifact of the whole folder publishes it.

    Instead: `persist-credentials: false`; hand `github.token` to the one step that pushes.
    """

    id = "M28"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow", "action")
    mends = True

    def check(self, doc: Document) -> Iterator[Finding]:
        """A note for a token that only reads; nothing where git's remote, or an action that may use it, comes later."""
        for step in steps(doc):
            given = step.given("persist-credentials")
            if not checks_out(step) or _is(given, "false") or _uses_git(doc, step.job):
                continue
            writes = may_write(doc, step.job)
            what = "a token that may write" if writes else "the token"
            message = f"{step.label}: leaves {what} on the disk, and nothing else in {label(doc, step.job)} uses git"
            fix = _without_credentials(step)
            yield self.at(given or step.uses, message, fix=fix, severity="warning" if writes else "note")


def _is(given: Node, word: str) -> bool:
    return plain(given.text).lower() in (word, f"${{{{ {word} }}}}")


@lru_cache(maxsize=64)
def _uses_git(doc: Document, job: Node) -> bool:
    """Whether git's remote is used in a job, or an action that may do so."""
    for step in steps_of(doc, job):
        if _PUSHES.search(step.node.get("run").text):
            return True
        if not checks_out(step) and step.action and _PUSHERS.search(step.action):
            return True
    return False


def _without_credentials(step: Step) -> tuple[Fix, ...]:
    """Put the line first into `with`, or below `uses`; nothing where the step is in braces, or of several jobs."""
    given, options = step.given("persist-credentials"), step.node.get("with")
    if _is_shared(step):
        return ()
    if given:  # an expression is somebody's judgement
        plain = given.text.lower() == "true" and given.raw[:1] not in ("|", ">", "&", "!")
        return (Fix(start=given.start, end=given.end, text="false"),) if plain else ()
    if "{" in (step.node.raw[:1], options.raw[:1]) or "<<" in step.node.keys() + options.keys():
        return ()
    if options:
        first = options.items()[0][0] if options.items() else options
        below = first.line > step.node.key("with").line
        line = f"persist-credentials: false\n{' ' * (first.column - 1)}"
        return (Fix(start=first.start, end=first.start, text=line),) if below else ()
    indent, end = " " * (step.node.key("uses").column - 1), step.node.doc.line_end(step.uses.end)
    return (Fix(start=end, end=end, text=f"\n{indent}with:\n{indent}  persist-credentials: false"),)


def _is_shared(step: Step) -> bool:
    """Whether a change would be one to other steps too: it is an anchor that is used again, or has its keys of one."""
    doc = step.node.doc
    return step.uses.start < step.node.start or any(_times(doc)[start] > 1 for start in _starts(step))


def _starts(step: Step) -> tuple[int, int]:
    return step.uses.start, step.node.get("with").start


@lru_cache(maxsize=4)
def _times(doc: Document) -> Counter[int]:
    """Return how many steps have their action, or what they hand to it, at an offset."""
    return Counter(start for step in steps(doc) for start in _starts(step))
