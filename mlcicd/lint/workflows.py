"""What several rules ask about a workflow or composite action: triggers, jobs, steps, scripts, who reaches them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mlcicd.lint import conditions
from mlcicd.lint.document import Document, Node
from mlcicd.lint.expressions import condition
from mlcicd.lint.shell import Script, script

# Anyone may cause these, and the run has the rights and secrets of the default branch.
STRANGERS = frozenset({"pull_request_target", "issue_comment", "issues", "discussion", "discussion_comment"})
PRIVILEGED = STRANGERS | {"workflow_run"}
_FORKS = frozenset({"pull_request", "pull_request_target", "issue_comment"})

_MAX_NAME = 200
# Characters of steps that several jobs share by an anchor and that are read again for each of them.
_MAX_SHARED = 100_000

_SECRET = re.compile(r"\bsecrets\s*+(?:\.\s*+([A-Za-z_]\w*)|\[\s*+['\"]++(\w+)['\"]++\s*+\])", re.IGNORECASE)
_ALWAYS = re.compile(r"\b(always|cancelled|failure)\(\)")
_ASKED = re.compile(r"\bneeds\.([\w-]+)\.(?:outputs\.|result\s*==\s*'success')")
# Comparisons that keep forks' pull requests out where they hold, and where they do not.
_REPO = r"head\.repo\.(full_name|id|owner\.login|owner\.id)"
_OWN_EVENT = r"github\.event_name ?== ?'(push|schedule|workflow_dispatch|release|merge_group|repository_dispatch)'"
_OWN_CODE = (
    rf"\A(?!.*head\.repo.*head\.repo).*(?:{_REPO} ?==|== ?github\.event\.pull_request\.{_REPO})|{_OWN_EVENT}"
    r"|author_association|fromjson\((?:(?!fromjson\().)*\) ?, ?github\.(actor|event\.\w+\.user\.login)"
)
# Where a stranger's event has the default branch's rights, it has its `github.ref` too.
_OWN_REF = r"github\.ref(_name)? ?==(?! ?github\.ref)|startswith\( ?github\.ref ?, ?'refs/(heads|tags)/"
_FOREIGN_CODE = re.compile(
    rf"{_REPO} ?!=|!= ?github\.event\.pull_request\.{_REPO}|head\.repo\.fork\Z|github\.event_name ?== ?'pull_request"
)
_AUTHOR = (
    r"author_association|github\.(actor|triggering_actor|event\.(comment|sender|issue)(\.user)?\.login)\b ?(==|\))"
)
_ASKS_AUTHOR = re.compile(_AUTHOR)
_KNOWN_AUTHOR = re.compile(rf"{_AUTHOR}|{_OWN_EVENT}|github\.event_name ?!= ?'")
_NOTHING = re.compile(r"(?!)")
# Actions that run what they are given, and the input.
_TAKES_CODE = {
    "actions/github-script": "script",
    "addnab/docker-run-action": "run",
    "appleboy/ssh-action": "script",
    "azure/cli": "inlinescript",
    "azure/powershell": "inlinescript",
    "nick-fields/retry": "command",
    "reactivecircus/android-emulator-runner": "script",
}
_ASKS_FORGE = re.compile(r"/collaborators/|getCollaboratorPermissionLevel|uses:\s*[\w./-]*permission")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of a job or of a composite action; `label` names both."""

    node: Node
    job: Node
    label: str

    @property
    def uses(self) -> Node:
        """The action it runs."""
        return self.node.get("uses")

    @property
    def action(self) -> str:
        """The action without its version, in small letters."""
        return self.uses.text.partition("@")[0].lower()

    def given(self, name: str) -> Node:
        """What it hands to an input of the action; the platform takes names in small and large letters for the same."""
        inputs = self.node.get("with")
        written = next((key for key in inputs.keys() if key.lower() == name), name)  # noqa: SIM118
        return inputs.get(written)


@lru_cache(maxsize=4)
def triggers(doc: Document) -> frozenset[str]:
    """Return the events that start a workflow."""
    on = doc.root.get("on")
    return frozenset(on.keys() if on.is_mapping else on.texts())


def trigger(doc: Document, event: str) -> Node:
    """Return where an event is named."""
    on = doc.root.get("on")
    if on.is_mapping:
        return on.key(event)
    return next((node for node in on if node.text == event), on)


@lru_cache(maxsize=4)
def jobs(doc: Document) -> tuple[tuple[str, Node], ...]:
    """Return the jobs of a workflow, by id."""
    return tuple((key.text, job) for key, job in doc.root.get("jobs").items() if job.is_mapping)


@lru_cache(maxsize=4)
def steps(doc: Document) -> tuple[Step, ...]:
    """Return every step of a workflow, or of a composite action."""
    if doc.kind == "action":
        return tuple(_steps(doc.root.get("runs"), "", Node(doc, None)))
    found: list[Step] = []
    seen: set[int] = set()
    spare = _MAX_SHARED
    for name, job in jobs(doc):
        below = job.get("steps")
        if below.start in seen and spare <= 0:
            continue
        seen.add(below.start)
        for step in _steps(job, f"job {shown(name)}, ", job):
            spare -= step.node.end - step.node.start if step.node.start in seen else 0
            if step.node.start not in seen or spare > 0:
                seen.add(step.node.start)
                found.append(step)
    return tuple(found)


def _steps(parent: Node, before: str, job: Node) -> Iterator[Step]:
    for number, node in enumerate(parent.get("steps"), 1):
        name = node.get("name").text
        yield Step(node=node, job=job, label=before + (f'step "{shown(name)}"' if name else f"step {number}"))


def shown(name: str) -> str:
    """Return a name as messages show it: whole, unless nobody would read it to its end."""
    return name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}..."


def steps_of(doc: Document, job: Node) -> Sequence[Step]:
    """Return the steps of one job."""
    return _steps_by_job(doc).get(job.start, ())


@lru_cache(maxsize=4)
def _steps_by_job(doc: Document) -> Mapping[int, Sequence[Step]]:
    found: dict[int, list[Step]] = defaultdict(list)
    for step in steps(doc):
        found[step.job.start].append(step)
    return dict(found)


@lru_cache(maxsize=4)
def scripts(doc: Document) -> tuple[Script, ...]:
    """Return what the steps run in a shell."""
    found = ((step, step.node.get("run")) for step in steps(doc))
    return tuple(script(run, step.label, step.node, step.job) for step, run in found if run)


def codes(doc: Document) -> Iterator[tuple[Step, Node]]:
    """Yield every text that is run as code: by a shell, or by an action that takes a script."""
    told: set[int] = set()  # defaults, each in its first step
    for step in steps(doc):
        own = (step.node.get("run"), step.node.get("shell"), step.given(_TAKES_CODE.get(step.action, "")))
        defaults = (place.at("defaults", "run", "shell") for place in (step.job, doc.root))
        new = [code for code in defaults if code and code.start not in told]
        told.update(code.start for code in new)
        yield from ((step, code) for code in (*own, *new) if code)


def label(doc: Document, job: Node) -> str:
    """Return the words that name a job."""
    return _labels(doc).get(job.start, "the action") if job else "the action"


@lru_cache(maxsize=4)
def _labels(doc: Document) -> Mapping[int, str]:
    return {job.start: f"job {shown(name)}" for name, job in reversed(jobs(doc))}


@lru_cache(maxsize=64)
def secrets(node: Node) -> frozenset[str]:
    """Return the names of the secrets that an expression below reads, but for the run's own token."""
    escaped = node.doc.escaped
    first = bisect_left(escaped, node.start, key=lambda one: one.start)
    last = bisect_left(escaped, max(node.end, node.start), key=lambda one: one.start)
    matches = [part.match for part in node.find(_SECRET)]
    matches += [match for one in escaped[first:last] for match in _SECRET.finditer(one.text)]
    found = {(match[1] or match[2]).upper() for match in matches}
    return frozenset(found - {"GITHUB_TOKEN"})


def permissions(doc: Document, job: Node) -> Node:
    """Return what grants a job its rights; missing where the repository's default counts."""
    return job.get("permissions") or doc.root.get("permissions")


def may_write(doc: Document, job: Node) -> bool:
    """Whether a job's token may change something, by its own words or for lack of any."""
    return _may_write(permissions(doc, job))


@lru_cache(maxsize=64)
def _may_write(granted: Node) -> bool:
    if not granted:
        return True
    return granted.text.lower() == "write-all" or any(value.text == "write" for _, value in granted.items())


def has_power(doc: Document, job: Node) -> bool:
    """Whether a job has something that a stranger would want: secrets, or a token that may write."""
    return bool(secrets(job) or secrets(doc.root.get("env"))) or may_write(doc, job)


def checks_out(step: Step) -> bool:
    """Whether a step brings code of a repository here."""
    return step.action == "actions/checkout"


@lru_cache(maxsize=64)
def has_checkout(doc: Document, job: Node) -> bool:
    """Whether some step of a job brings code of a repository here."""
    return any(checks_out(step) for step in steps_of(doc, job))


def keeps_forks_out(doc: Document, job: Node) -> bool:
    """Whether a job's condition, or that of one it needs, lets only the repository's own code pass."""
    events = triggers(doc)
    return job.start in _behind(doc, _own_code(events & _FORKS, bool(events & STRANGERS)), _FOREIGN_CODE)


@lru_cache(maxsize=16)
def _own_code(forks: frozenset[str], privileged: bool) -> re.Pattern[str]:
    others = f"|github\\.event_name ?!= ?'(?:{'|'.join(sorted(forks)) or '(?!)'})'"
    return re.compile(_OWN_CODE + others + ("" if privileged else f"|{_OWN_REF}"), re.DOTALL)


def knows_author(doc: Document, job: Node) -> bool:
    """Whether a job, or one it needs, asks who started the run: in its condition, or in a step by the forge."""
    return job.start in _behind(doc, _KNOWN_AUTHOR, _NOTHING, _ASKS_AUTHOR) | _behind_asking(doc)


def asks(doc: Document, job: Node, words: re.Pattern[str]) -> bool:
    """Whether a job, or one it needs, runs only where a comparison with these words, normalised, decides so."""
    return job.start in _behind(doc, words, words)


@lru_cache(maxsize=32)
def _behind(
    doc: Document, shows: re.Pattern[str], denies: re.Pattern[str], named: re.Pattern[str] | None = None
) -> frozenset[int]:
    """Where the jobs start whose condition proves something, and names it, or that run only after one of these."""
    asked = ((job, condition(job.get("if"))) for _, job in jobs(doc))
    return _after(
        doc,
        [
            job.start
            for job, text in asked
            if (not named or named.search(text)) and conditions.proves(text, shows, denies)
        ],
    )


@lru_cache(maxsize=4)
def _behind_asking(doc: Document) -> frozenset[int]:
    """Where the jobs start that ask the forge who somebody is, or run only after one that does."""
    return _after(doc, [job.start for _, job in jobs(doc) if _ASKS_FORGE.search(doc.text, job.start, job.end)])


def _after(doc: Document, waiting: list[int]) -> frozenset[int]:
    """These jobs, and those that do not run without them."""
    after = _dependents(doc)
    found: set[int] = set()
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += after[here]
    return frozenset(found)


@lru_cache(maxsize=4)
def _dependents(doc: Document) -> Mapping[int, Sequence[int]]:
    """Which jobs do not run without the success of which: each by where it starts."""
    known = {name.lower(): job for name, job in jobs(doc)}
    found: dict[int, list[int]] = {job.start: [] for job in known.values()}
    for job in known.values():
        asked = condition(job.get("if"))
        names = _ASKED.findall(asked) if _ALWAYS.search(asked) else job.get("needs").texts()
        for name in map(str.lower, names):
            if name in known:
                found[known[name].start].append(job.start)
    return found
