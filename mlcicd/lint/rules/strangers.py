"""M1, M2, M29: runs that strangers start with the repository's own rights."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcicd.lint.document import Document, Node, Part
from mlcicd.lint.expressions import inside, plain
from mlcicd.lint.model import Finding, Severity
from mlcicd.lint.rule import Rule
from mlcicd.lint.values import behind
from mlcicd.lint.workflows import (
    PRIVILEGED,
    STRANGERS,
    Step,
    checks_out,
    has_checkout,
    has_power,
    jobs,
    knows_author,
    scripts,
    secrets,
    steps,
    trigger,
    triggers,
)

# What names the code of the change, where the event itself means the default branch.
_HEAD = re.compile(
    r"""github\.event\.pull_request\.(head\.|merge_commit_sha)|github\.head_ref|refs/pull/
      | github\.event\.((issue|pull_request)\.)?number|github\.event\.workflow_run\.(head_|pull_requests)
      | (steps|needs)\.[\w-]+\.outputs\.[\w-]*(head|sha|ref|branch)""",
    re.VERBOSE,
)
_SCRIPT = re.compile(r"(train|evaluat|predict|validat|finetun)\w*\.py$")
_ASKED_FOR = re.compile(r"\bgh\s+pr\s+checkout\b")
_FETCH = re.compile(r"\bgit\s+(?:fetch|pull|checkout|switch)\b(?P<what>[^\n]*)")
_CHANGE = re.compile(r"pull/|\$\{\{(?:(?!\$\{\{)[^}])*(?:head|merge_commit_sha)", re.IGNORECASE)
# An issue or a discussion only brings text.
_SEVERITIES: dict[str, Severity] = {"pull_request_target": "warning", "issue_comment": "warning"}


class Trigger(Rule):
    """Strangers start no run that has the repository's rights and code.

    Why: anyone may comment on an issue or open a pull request from a fork. `pull_request_target`, `issue_comment`,
    `issues` and `discussion` then run with the secrets and the token of the default branch, and one checkout or one
    pasted title later the stranger has both.

    Instead: use `pull_request`, which has neither. For a comment that starts training, let the job's `if` ask
    `github.event.comment.author_association`, or start it by `workflow_dispatch`.
    """

    id = "M1"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow",)
    remedy = "use `pull_request` or `workflow_dispatch`, or let the job's `if` ask for the `author_association`"

    def check(self, doc: Document) -> Iterator[Finding]:
        """A run without secrets and without code, such as one that sets labels, is no finding."""
        for event in sorted(triggers(doc) & STRANGERS):
            for name, job in jobs(doc):
                if not self._asked(doc, job, event) and (what := self._stake(doc, job)):
                    message = f"anyone can start job {name} by `{event}`, and it has {what}"
                    yield self.at(trigger(doc, event), message, severity=_SEVERITIES.get(event, "note"))
                    break

    def _asked(self, doc: Document, job: Node, event: str) -> bool:
        return event != "pull_request_target" and knows_author(doc, job)

    def _stake(self, doc: Document, job: Node) -> str:
        held = sorted(secrets(job) | secrets(doc.root.get("env")))
        if held:
            return f"the secret {held[0]}"
        return "code and a token that may write" if has_checkout(doc, job) and has_power(doc, job) else ""


class UntrustedCheckout(Rule):
    """Code of a change is not checked out where secrets are.

    Why: `pull_request_target`, `issue_comment` and `workflow_run` run with the rights of the default branch. Whoever
    wrote the pull request owns them as soon as its `setup.py`, `conftest.py` or `dvc.yaml` runs there; a checkout is
    enough for a later `pip install .`.

    Instead: judge the change in a `pull_request` run without secrets, and let the privileged run read its report as
    data.
    """

    id = "M2"
    severity = "error"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """Look at what checkouts name, and at git and gh in scripts; a warning where a member has to ask for it."""
        for step in steps(doc):
            unsafe = step.given("allow-unsafe-pr-checkout")
            if unsafe and unsafe.value is not False:
                yield self.at(unsafe, f"{step.label}: the guard of actions/checkout against forks' code is off")
        events = sorted(triggers(doc) & PRIVILEGED)
        for step in steps(doc) if events else ():
            asked = events == ["issue_comment"] and knows_author(doc, step.job)
            for value, part in self._heads(step):
                message = f"{step.label}: code of the change is brought here on `{events[0]}`"
                yield self.at(value, message, part=part, severity="warning" if asked else "error")

    def _heads(self, step: Step) -> Iterator[tuple[Node, Part | None]]:
        for value in (step.given("ref"), step.given("repository")) if checks_out(step) else ():
            behind_it = (given for one in inside(value.text) for given in behind(step, one))
            if any(_HEAD.search(plain(node.text)) for node in (value, *behind_it)):
                yield value, None
        run = step.node.get("run")
        yield from ((run, part) for part in (*run.find(_ASKED_FOR), *_fetched(run)))


def _fetched(run: Node) -> Iterator[Part]:
    """Yield where git fetches what is named by a change."""
    for part in run.find(_FETCH):
        named = [found.end() for found in _CHANGE.finditer(part.match["what"])]
        if named:
            yield Part(start=part.start, end=part.match.start("what") + named[-1], match=part.match)


class TrainingForStrangers(Rule):
    """No training and no data in a run that strangers start.

    Why: `dvc repro`, `train.py` and a checkpoint are programs of the repository. On `pull_request_target` or
    `issue_comment` they run beside its secrets, on whatever data and parameters the stranger's change or comment names,
    and as often as somebody comments.

    Instead: train on `pull_request` without secrets, and with them on `push`, `schedule` or `workflow_dispatch`.
    """

    id = "M29"
    severity = "error"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """One finding a job."""
        events = sorted(triggers(doc) & {"pull_request_target", "issue_comment"})
        told: set[int] = set()
        for script in scripts(doc) if events else ():
            guarded = events == ["issue_comment"] and knows_author(doc, script.job)
            for command in script.commands:
                if not guarded and script.job.start not in told and _trains(command.argv):
                    told.add(script.job.start)
                    message = f"{script.label}: `{command.shown}` runs on `{events[0]}`"
                    yield self.at(script.node, message, part=script.part(command))


def _trains(argv: tuple[str, ...]) -> bool:
    """Whether a command trains, evaluates or fetches data; a script that only reads the event is none of these."""
    program = argv[0].rsplit("/", 1)[-1] if argv else ""
    if program == "dvc":
        return argv[1:2] in (("repro",), ("pull",), ("exp",), ("fetch",), ("push",))
    if program in ("python", "python3"):
        return any(_SCRIPT.search(word) for word in argv[1:])
    if program == "make":
        return any("train" in word for word in argv[1:])
    return program in ("papermill", "great_expectations", "accelerate", "torchrun")
