"""M10, M22, M31, M32: the machines that jobs run on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcicd.lint.document import Document, Node
from mlcicd.lint.expressions import condition, inside, plain
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Rule
from mlcicd.lint.scripts import scripts
from mlcicd.lint.workflows import Step, jobs, keeps_forks_out, knows_author, steps, triggers

_FORKS = ("pull_request", "pull_request_target", "issue_comment")
_HIDDEN = re.compile(r"\$\{\{\s*(?:vars|inputs|github\.event\.inputs|needs\.[\w-]+\.outputs)\b(?:(?!\$\{\{)[^|])*\}\}")
_SELF_HOSTED = re.compile(r"['\"]self-hosted['\"]")
_HOSTED = re.compile(r"(ubuntu|windows|macos)-|\$\{\{\s*matrix\.")
_LAUNCH = ("machulav/ec2-github-runner", "related-sciences/gce-github-runner", "namecheap/ec2-github-runner")
_ALWAYS = re.compile(r"\balways\(\)|!\s*cancelled\(\)")


class OwnMachine(Rule):
    """No fork's code on a machine of your own.

    Why: a self-hosted runner is used again. What a pull request leaves there, a process, a hook, a changed cache, meets
    the next job's token, data and GPU.

    Instead: let the job's `if` compare `github.event.pull_request.head.repo.full_name` with `github.repository`, or put
    it behind an `environment` with reviewers, or run it on `push` only.
    """

    id = "M10"
    severity = "error"
    platforms = ("github",)
    kinds = ("workflow",)
    remedy = "let the job's `if` compare `github.event.pull_request.head.repo.full_name` with `github.repository`"

    def check(self, doc: Document) -> Iterator[Finding]:
        """Also labels that only the run knows; a label that is no hosted one cannot be told from a larger runner."""
        event = next((event for event in _FORKS if event in triggers(doc)), "")
        who = "anyone" if event == "issue_comment" else "a fork's code"
        for name, job in jobs(doc) if event else ():
            runner = job.get("runs-on")
            words = self._named(runner)
            if words and not job.get("environment") and not keeps_forks_out(doc, job) and not knows_author(doc, job):
                yield self.at(runner, f"job {name}: {who} reaches {words} by `{event}`")

    def _named(self, runner: Node) -> str:
        given = runner if not runner.is_mapping else runner.get("labels")
        labels = [plain(label.text) for label in ([given] if given.is_scalar else given)]
        named = [one for label in labels for one in inside(label)]
        if any(label.lower() == "self-hosted" for label in labels) or any(map(_SELF_HOSTED.search, named)):
            return "a self-hosted runner"
        return "a runner that only an expression names" if any(map(_HIDDEN.search, labels)) else ""


class Timeout(Rule):
    """Every job says how long it may take.

    Why: without `timeout-minutes` a training that hangs is ended after six hours, on a machine of your own after days,
    and each minute of a GPU is paid for.

    Instead: write `timeout-minutes:`, about twice what the job takes.
    """

    id = "M22"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """A note on a hosted machine, which ends by itself; where all steps have one the job is limited."""
        for name, job in jobs(doc):
            own = job.get("steps")
            limited = bool(own.get(0)) and all(step.get("timeout-minutes") for step in own)
            if job.get("runs-on") and not job.get("timeout-minutes") and not limited:
                hosted = _HOSTED.match(job.get("runs-on").text)
                key = doc.root.get("jobs").key(name)
                yield self.at(key, f"job {name} has no `timeout-minutes`", severity="note" if hosted else "warning")


class CmlRunner(Rule):
    """A machine that CML starts ends by itself.

    Why: `cml runner launch` without `--single` waits for more jobs, and with an idle time of `never` or 0 it waits for
    ever. Instances that ran for weeks are its oldest and still open complaint.

    Instead: `cml runner launch --single --idle-timeout=10min --labels=gpu-$GITHUB_RUN_ID ...`, and a budget alarm.
    """

    id = "M31"
    severity = "warning"
    platforms = ("github", "gitlab")
    kinds = ("workflow", "gitlab")

    def check(self, doc: Document) -> Iterator[Finding]:
        """`cml runner` and the older `cml-runner`."""
        for script in scripts(doc):
            for command in script.commands if "cml" in script.text else ():
                if not (command.runs("cml", "runner") or command.runs("cml-runner")):
                    continue
                words = " ".join(command.argv)
                if "--single" not in words:
                    message = f"{script.label}: the machine that `cml runner` starts is not ended after the job"
                    yield self.at(script.node, message, part=script.part(command))
                elif re.search(r"--idle-timeout[= ](never|0|-1)\b", words):
                    message = f"{script.label}: the machine that `cml runner` starts waits for ever"
                    yield self.at(script.node, message, part=script.part(command))


class LaunchedMachine(Rule):
    """A machine that a job starts is stopped whatever happens.

    Why: a run that fails, or is cancelled while the machine starts, leaves it running and paid for: the job that stops
    it is skipped, or gets no id of it.

    Instead: give the stopping job `if: always()`, and keep `cancel-in-progress` out of the workflow that starts it.
    Stop by a tag that was known before the start, and let the machine switch itself off.
    """

    id = "M32"
    severity = "error"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """Actions that start and stop a runner by `mode`."""
        own = [step for step in steps(doc) if step.action in _LAUNCH]
        starts = [step for step in own if step.given("mode").text == "start"]
        stops = [step for step in own if step.given("mode").text == "stop"]
        stopped = any(self._surely(stop) for stop in stops)
        for start in starts:
            if not stopped:
                why = "is skipped when another one fails" if stops else "is missing"
                yield self.at(start.uses, f"{start.label}: starts a machine, and the job that stops it {why}")
            cancels = doc.root.at("concurrency", "cancel-in-progress")
            if cancels and cancels.value is not False:
                message = f"{start.label}: a newer run cancels this one while its machine starts, and nobody stops that"
                yield self.at(cancels, message)

    def _surely(self, stop: Step) -> bool:
        return bool(_ALWAYS.search(condition(stop.node.get("if") or stop.job.get("if"))))
