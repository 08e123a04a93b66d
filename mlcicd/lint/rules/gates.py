"""M33, M34: gates that let everything through."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

from mlcicd.lint import gitlab
from mlcicd.lint.document import Document, Node
from mlcicd.lint.expressions import plain
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Rule
from mlcicd.lint.scripts import scripts
from mlcicd.lint.shell import Command, Script
from mlcicd.lint.workflows import jobs, shown, steps

_GATES = frozenset({"pytest", "great_expectations", "tox", "nox", "papermill", "torchrun", "accelerate"})
_VERBS = {"dvc": ("repro", "exp"), "mlcicd": ("validate", "report", "test", "train", "status")}
_SCRIPT = re.compile(r"(train|test|valid|evaluat|gate)\w*\.py$")
_BRINGS = (("dvc", "pull"), ("dvc", "fetch"), ("dvc", "checkout"), ("dvc", "import"), ("dvc", "update"))
_SWALLOWS = frozenset((program,) for program in ("tee", "cat", "tail", "head", "grep", "sed", "awk", "ts"))
_OUTCOME = re.compile(r"steps(?:\.|\[['\"]++)([\w-]++)(?:['\"]++\])?\.outcome", re.IGNORECASE)
_YES = ("true", "${{ true }}")
_NEAR = 50  # commands of one line that anybody reads
_ONLY_TELLS = frozenset({"--version", "-V", "--help", "-h", "--collect-only", "--co", "--fixtures", "--markers"})
_PIPEFAIL = re.compile(r"\bpipefail\b|PIPESTATUS")


class SilencedGate(Rule):
    """A gate can fail.

    Why: `pytest || true`, and `continue-on-error` or `allow_failure` on such a job, turn every failure into a green
    check. After `dvc pull || true` whatever data is there is judged, or none. It was meant for one bad day, and nobody
    takes it out again.

    Instead: let it fail. What may fail for now is marked in the tests, or has a threshold, with a reason.
    """

    id = "M33"
    severity = "warning"
    platforms = ("github", "gitlab")
    kinds = ("workflow", "action", "gitlab")

    def check(self, doc: Document) -> Iterator[Finding]:
        """Tests, checkpoints, training and our own verbs; of `|| true` also what brings data."""
        for script in scripts(doc):
            for at, (command, after) in enumerate(pairwise(script.commands), 1):
                judges = is_gate(command) or _brings_data(command)
                if command.after == "||" and judges and self._ignores(script.commands, at):
                    message = f"{script.label}: `{command.shown}` cannot fail: `|| {after.shown}`"
                    yield self.at(script.node, message, part=script.part(command))
            for command in _unasked(script):
                message = f"{script.label}: `{command.shown}` cannot fail: `set +e`, and nothing asks for `$?`"
                yield self.at(script.node, message, part=script.part(command))
        gates = sorted(
            (script.node.start, script.node.end)
            for script in scripts(doc)
            if any(is_gate(command) for command in script.commands)
        )
        for label, flag, code in _forgiven(doc):
            if _holds_one(code, gates):
                yield self.at(flag, f"{label}: it judges, and its failure is ignored")

    def _ignores(self, commands: Sequence[Command], at: int) -> bool:
        """Whether what follows a `||` succeeds, and nothing in its braces or on its line fails afterwards."""
        after = commands[at]
        says_yes = after.argv[:1] in (("true",), (":",), ("echo",), ("printf",)) or after.argv[:2] == ("exit", "0")
        if not says_yes or after.after in ("&&", "||"):
            return False
        group = after.words[:1] == ("{",)
        for before, one in pairwise(commands[at : at + _NEAR]):
            if one.words[:1] == ("}",) or (before.after in ("\r", "\n") and not group):
                break
            if one.argv[:1] in (("false",), ("return",)) or (one.argv[:1] == ("exit",) and one.argv[1:2] != ("0",)):
                return False
        return True


def _unasked(script: Script) -> Iterator[Command]:
    """Yield gates behind a `set +e` whose status is lost: another command follows, and nothing reads `$?`."""
    if "+e" not in script.text:
        return
    asked = max(script.text.rfind(words) for words in ("$?", "PIPESTATUS"))
    off = False
    for command in script.commands[:-1]:
        if command.runs("set"):
            options = [word for word in command.argv[1:] if re.fullmatch(r"[-+][a-z]*e[a-z]*", word)]
            off = options[-1].startswith("+") if options else off
        elif off and is_gate(command) and command.end > asked and command.after in (";", "\n", "\r"):
            yield command


def _forgiven(doc: Document) -> Iterator[tuple[str, Node, Node]]:
    """Yield what may fail: words for its place, the flag, and the node with its scripts."""
    if doc.kind == "gitlab":
        for job in gitlab.jobs(doc):
            flag = job.node.get("allow_failure")
            manual = job.get("when").text == "manual" or gitlab.has_manual(job.get("rules"))
            if flag.value is True and not manual:
                yield f"job {job.name}", flag, job.node.get("script")
        return
    asked = frozenset(name.lower() for name in _OUTCOME.findall(doc.text))
    for step in steps(doc):
        flag = step.node.get("continue-on-error")
        if plain(flag.text).lower() in _YES and step.node.get("id").text.lower() not in asked:
            yield step.label, flag, step.node
    for name, node in jobs(doc):
        flag = node.get("continue-on-error")
        if plain(flag.text).lower() in _YES:
            yield f"job {shown(name)}", flag, node.get("steps")


def _holds_one(node: Node, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether one of the spans, in order and apart, lies in a node."""
    at = bisect_left(spans, (node.start, 0))
    return at < len(spans) and spans[at][1] <= node.end


class SwallowedStatus(Rule):
    """A pipe does not hide that a program failed.

    Why: without `shell: bash` GitHub runs a script by `bash -e`, where only the last program of a pipe counts.
    `pytest | tee log.txt` and `dvc repro | tee train.log` succeed whatever happens.

    Instead: `shell: bash`, which sets `pipefail`, in the step or under `defaults.run`.
    """

    id = "M34"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow",)
    remedy = "write `shell: bash`, which sets `pipefail`"

    def check(self, doc: Document) -> Iterator[Finding]:
        """Tests, checkpoints and training before a pipe."""
        for script in scripts(doc):
            places = (script.step, script.job.at("defaults", "run"), doc.root.at("defaults", "run"))
            if "|" not in script.text or _PIPEFAIL.search(script.text) or any(place.get("shell") for place in places):
                continue
            for command, after in pairwise(script.commands):
                if command.after in ("|", "|&") and is_gate(command) and after.argv[:1] in _SWALLOWS:
                    message = f"{script.label}: the failure of `{command.shown}` is lost in the pipe"
                    yield self.at(script.node, message, part=script.part(command))


def _brings_data(command: Command) -> bool:
    return any(command.runs(*start) for start in _BRINGS)


def is_gate(command: Command) -> bool:
    """Whether a command judges or trains: tests, checkpoints, `dvc repro`, a training script."""
    argv = command.argv
    program = argv[0].rsplit("/", 1)[-1] if argv else ""
    if re.fullmatch(r"python[\d.]*", program):
        return any(_SCRIPT.search(word) for word in argv[1:])
    if not _ONLY_TELLS.isdisjoint(argv[1:]):
        return False
    return program in _GATES or (program in _VERBS and argv[1:2] != () and argv[1] in _VERBS[program])
