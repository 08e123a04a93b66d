"""M41: text of other people in a variable that is run as code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from mlcicd.lint import gitlab
from mlcicd.lint.document import Document, Node
from mlcicd.lint.model import SEVERITIES, Finding, Severity
from mlcicd.lint.rule import Rule
from mlcicd.lint.rules.injection import weight
from mlcicd.lint.scripts import scripts
from mlcicd.lint.shell import Command, Script

# What the forge itself puts into the environment and somebody typed; a slug, a number or a hash is harmless.
_TYPED = re.compile(
    r"CI_(?:COMMIT_(?:TITLE|MESSAGE|DESCRIPTION|AUTHOR|BRANCH|TAG|TAG_MESSAGE|REF_NAME)"
    r"|MERGE_REQUEST_(?:TITLE|DESCRIPTION|SOURCE_BRANCH_NAME|LABELS|MILESTONE)"
    r"|EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME)|GITLAB_USER_NAME"
)
_GITHUB: Mapping[str, Severity] = {"GITHUB_HEAD_REF": "error", "GITHUB_REF_NAME": "warning", "GITHUB_REF": "warning"}
_CODE = re.compile(r"-\w*c")
_CODE_OR_EXPRESSION = re.compile(r"-\w*e|--eval")
# The option of each program that takes code.
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "ash", "python", "python3")
_PROGRAMS: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(_SHELLS, _CODE),
    **dict.fromkeys(("perl", "ruby", "node"), _CODE_OR_EXPRESSION),
}
_WITH_VALUE = re.compile(r"[-+]\w*[oOWX]|--rcfile|--init-file")
_ALL_CODE = frozenset({"eval", "ssh"})  # they run all that they are given
_PRINTS = frozenset({"echo", "printf", "cat"})
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=")
# What the shell itself replaces in a word: not within single quotes of its own, not behind a backslash.
_QUOTED = re.compile(r"""(?s)"(?P<double>(?:\\.|[^"\\])*+)"|'[^']*+'|\\.|(?P<plain>[^'"\\]++)""")
_ESCAPED = re.compile(r"(?s)\\.")
_SUBSTITUTED = re.compile(r"\$\((?!\s*+echo\b)[^()]*+\)|`(?!\s*+echo\b)[^`]*+`")
# `${A@Q}` is quoted, `${A:+x}` is not the text, `${A//[^a-z]/}` keeps what is listed.
_VARIABLE = re.compile(r"\$\{?(?P<name>[A-Za-z_]\w*+)(?!@Q|:?\+|//?\[[!^])")


class Evaluated(Rule):
    """No text of other people's is run as code.

    Why: a title, a message or the name of a branch is data until `eval`, `sh -c "... $TITLE"`, `ssh`,
    `python -c "... $TITLE"` or `echo "$TITLE" | sh` reads it once more, as a program, beside the job's variables and
    secrets. That it came by `env:` does not help.

    Instead: hand it over as an argument or in the environment: `bash -c 'echo "$1"' _ "$TITLE"`, or
    `python -c 'import os; print(os.environ["TITLE"])'`.
    """

    id = "M41"
    severity = "error"
    platforms = ("github", "gitlab")
    kinds = ("workflow", "action", "gitlab")
    remedy = "hand it over as an argument or in the environment, and read it there in quotes"

    def check(self, doc: Document) -> Iterator[Finding]:
        """What anyone types is an error, what members name a warning; a caller's command is the caller's own."""
        given = _Given(doc)
        for script in scripts(doc):
            printed = reader = ""  # what a pipe brings; who runs what the next command prints
            for command in script.commands:
                given.assign(script, command)
                words = [*_code(command), *(command.written if reader and _prints(command) else ())]
                if printed and _reads_code(command):
                    words.append(f"${printed}")
                name, severity = given.worst(script, words)
                if severity:
                    message = f"{script.label}: `${name}` is run as code by `{reader or _program(command)}`"
                    yield self.at(script.node, message, part=script.part(command), severity=severity)
                printed = given.piped(script, command, printed)
                reader = _program(command) if _reads_file(command) else ""


class _Given:
    """How bad each variable is to run, as far as a script has been read."""

    def __init__(self, doc: Document) -> None:
        self._doc = doc
        self._set: dict[tuple[int, str], Severity | None] = {}  # by the scripts of a step or job
        self._weights: dict[int, Severity | None] = {}  # of values, which may be long, by where they stand

    def worst(self, script: Script, words: Sequence[str]) -> tuple[str, Severity | None]:
        """Return the variable in words of a command that is the worst to run, and how bad that is."""
        found = [(name, severity) for name in _variables(words) if (severity := self._severity(script, name))]
        return min(found, key=lambda one: SEVERITIES.index(one[1]), default=("", None))

    def assign(self, script: Script, command: Command) -> None:
        """Remember what a command without a program, or `export`, sets."""
        argv = command.argv
        if not argv or argv[0] in ("export", "local", "declare", "readonly"):
            for word in command.written:
                if name := _ASSIGNMENT.match(word):
                    self._set[script.step.start, name[1]] = self.worst(script, (word[name.end() :],))[1]

    def piped(self, script: Script, command: Command, before: str) -> str:
        """Return the variable whose text a pipe behind a command brings, if any."""
        if command.after not in ("|", "|&"):
            return ""
        return (self.worst(script, command.written)[0] if _prints(command) else "") or before

    def _severity(self, script: Script, name: str) -> Severity | None:
        if (script.step.start, name) in self._set:
            return self._set[script.step.start, name]
        if self._doc.kind == "gitlab":
            return "error" if _TYPED.fullmatch(name) or name in _holding_typed(self._doc) else None
        places = (script.step, script.job, self._doc.root)
        value = next((value for place in places if (value := place.at("env", name))), None)
        return self._weight(value) if value else _GITHUB.get(name)

    def _weight(self, value: Node) -> Severity | None:
        if value.start not in self._weights:
            found = weight(self._doc, value.text, frozenset()) if "${{" in value.text else None
            typed = found == "error" or "github.ref_name" in value.text
            self._weights[value.start] = found if typed else None
        return self._weights[value.start]


def _code(command: Command) -> Sequence[str]:
    """Return the words of a command, as they are written, that are read as code."""
    argv = command.argv
    written = command.written[len(command.written) - len(argv) :]
    if _program(command) in _ALL_CODE:
        return written[1:]
    if _reads_code(command):
        return _here_string(written)
    option, skipped = None, False  # of the last program, which another may run: `docker run image sh -c`
    for word, behind in zip(argv, written[1:], strict=False):
        if skipped:
            skipped = False
        elif option and option.fullmatch(word):
            return (behind,)
        elif option and _WITH_VALUE.fullmatch(word):
            skipped = True
        elif not word.startswith(("-", "+")):
            option = _PROGRAMS.get(word.rsplit("/", 1)[-1])
    return ()


def _program(command: Command) -> str:
    return command.argv[0].rsplit("/", 1)[-1] if command.argv else ""


def _prints(command: Command) -> bool:
    return _program(command) in _PRINTS


def _reads_file(command: Command) -> bool:
    """Whether a command runs what the next one prints: `bash <(echo ...)`."""
    is_next = command.after == "(" and command.words[-1:] == ("<",)
    return is_next and (_program(command) in _PROGRAMS or _program(command) in ("source", "."))


def _reads_code(command: Command) -> bool:
    """Whether a command is a program that reads code from its standard input: `sh`, `bash -s`, `python -`."""
    if _program(command) not in _PROGRAMS:
        return False
    named = next(
        (word for word in command.argv[1:] if word in ("-", "-s", "-c", "-e", "-m") or not word.startswith("-")), "-"
    )
    return named in ("-", "-s") or named[0] in "<>" or named == "2>"


def _here_string(written: Sequence[str]) -> Sequence[str]:
    at = next((place for place, word in enumerate(written) if word.startswith("<<<")), len(written))
    return written[at : at + 2]


def _variables(words: Sequence[str]) -> Iterator[str]:
    """Yield the variables whose text the shell puts into words."""
    for word in words:
        if "$" in word:
            pieces = (_ESCAPED.sub("", found["double"] or found["plain"] or "") for found in _QUOTED.finditer(word))
            yield from _VARIABLE.findall(_SUBSTITUTED.sub("", "".join(pieces)))


@lru_cache(maxsize=4)
def _holding_typed(doc: Document) -> frozenset[str]:
    """Return the variables of a pipeline whose value is made of what somebody typed."""
    every = ((key.text, _VARIABLE.findall(value.text)) for key, value in gitlab.variables(doc))
    return frozenset(name for name, inside in every if any(_TYPED.fullmatch(one) for one in inside))
