"""M3, M4, M35: runs that follow another run, and what they take from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcicd.lint.document import Document, Node
from mlcicd.lint.expressions import plain
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Rule
from mlcicd.lint.workflows import (
    Step,
    asks,
    checks_out,
    codes,
    has_checkout,
    has_power,
    jobs,
    secrets,
    steps,
    steps_of,
    trigger,
    triggers,
)

_DOWNLOADS = frozenset({"dawidd6/action-download-artifact", "aochmann/actions-download-artifact"})
_WORKSPACE = re.compile(r"\.?/?\Z|\$\{\{ github\.workspace \}\}/?\Z|\$\{?GITHUB_WORKSPACE\}?/?\Z")
_ORIGIN = re.compile(r"workflow_run\.(event|head_repository)\b|github\.event_name ?==")
_GH_DOWNLOAD = re.compile(r"\bgh\s+run\s+download\b[^\n]*")
_GH_FOLDER = re.compile(r"(?:--dir|-D)[ =](\S+)")
_NUMBER = re.compile(
    r"""(?:\bcat\s+|readFileSync\(\s*|<\s*|\bopen\(\s*)['"]?(?:[\w.${}/-]*/)?
        (?:(?:pr|pull[-_]?request|issue)(?:[-_]?(?:number|num|id|nr|no))?|nr)(?:\.txt|\.json)?(?=['")\s]|\Z)""",
    re.VERBOSE | re.IGNORECASE,
)


def takes_artifacts(step: Step) -> Node:
    """Return where a step takes artifacts of another run; a missing node when it does not."""
    if step.action == "actions/download-artifact" and step.given("run-id"):
        return step.uses
    if step.action in _DOWNLOADS:
        return step.uses
    run = step.node.get("run")
    return run if _GH_DOWNLOAD.search(run.text) else step.node.get("")


class RunOrigin(Rule):
    """A run that follows another one asks where that came from.

    Why: `workflow_run` has the secrets and the token of the default branch, also when the run it follows was a fork's.
    A filter of `branches:` does not help: a fork can call its branch `main`.

    Instead: begin the job with a condition such as `if: github.event.workflow_run.event == 'push'`, or compare
    `github.event.workflow_run.head_repository.full_name` with `github.repository`.
    """

    id = "M3"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow",)
    remedy = "let the job's `if` ask for `github.event.workflow_run.event` or its `head_repository`"

    def check(self, doc: Document) -> Iterator[Finding]:
        """Jobs that hold nothing, or only report that something ended, are left alone."""
        if "workflow_run" not in triggers(doc):
            return
        for name, job in jobs(doc):
            if asks(doc, job, _ORIGIN) or not self._matters(doc, job):
                continue
            message = f"job {name} runs for every run it follows, a fork's too: its `if` does not ask for the event"
            yield self.at(job.get("if") or doc.root.get("jobs").key(name) or trigger(doc, "workflow_run"), message)

    def _matters(self, doc: Document, job: Node) -> bool:
        takes = any(takes_artifacts(step) or checks_out(step) for step in steps_of(doc, job))
        return (takes and has_power(doc, job)) or bool(secrets(job) and job.get("environment"))


class ArtifactFolder(Rule):
    """What another run left is unpacked away from code.

    Why: an artifact of a fork's run holds whatever names its author chose. Unpacked into the workspace it replaces
    scripts, `pyproject.toml` or `.git` hooks that a later step runs with this run's rights.

    Instead: unpack it below `${{ runner.temp }}` and read one file of it as data; or `skip-decompress: true`, and read
    that file out of the archive.
    """

    id = "M4"
    severity = "error"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """Only where a run follows another one; a warning where no code lies beside it yet."""
        for step in steps(doc) if "workflow_run" in triggers(doc) else ():
            place = takes_artifacts(step)
            if place and not self._apart(step):
                code = has_checkout(doc, step.job)
                message = f"{step.label}: an artifact of another run is unpacked over the workspace"
                yield self.at(place, message, severity="error" if code else "warning")

    def _apart(self, step: Step) -> bool:
        if step.given("skip-decompress").value is True or step.given("skip_unpack").value is True:
            return True
        folder = plain(step.given("path").text)
        if command := _GH_DOWNLOAD.search(step.node.get("run").text):
            named = _GH_FOLDER.search(command[0])
            folder = plain(named[1].strip("'\"")) if named else step.node.get("working-directory").text
        return bool(folder) and not _WORKSPACE.match(folder)


class NumberFromArtifact(Rule):
    """Which pull request to write to is not read from an artifact.

    Why: the artifact is the fork's. With another number in it the report, and whatever a comment starts, goes to any
    pull request that its author likes, under your bot's name.

    Instead: find the pull request by the run's own event: its `head_repository`, `head_branch` and `head_sha`.
    """

    id = "M35"
    severity = "error"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """Look for a file whose name says that it holds the number."""
        taken = "workflow_run" in triggers(doc) and any(takes_artifacts(step) for step in steps(doc))
        for step, code in codes(doc) if taken else ():
            for part in code.find(_NUMBER)[:1]:
                yield self.at(code, f"{step.label}: the number of the pull request is read from a file", part=part)
