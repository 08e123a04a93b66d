"""A shell script as rules see it: its commands, without comments, quotes and the bodies of here-documents.

No shell: what a person would take for a command at a glance, fast, for any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from mlcicd.lint.document import Node, Part

_PIECE = re.compile(
    r"""(?P<word>\$\{\{(?:(?!\}\}|\$\{\{).)*+\}\}|'[^']*'|"(?:\\.|[^"\\])*"|\$\(\(|\\\r?\n|\\.|>>?\||[^\s;&|()#'"\\$>]+|[\#$>'"\\])
      | (?P<end>\|\||&&|;;?|\|&?|(?<![<>])&(?!>)|[()\r\n])
      | (?P<space>[^\S\r\n]+|&)""",
    re.VERBOSE | re.DOTALL,
)
_HEREDOC = re.compile(
    r"(?:(?<=\s)|(?<=cat))<<-?\s*+(['\"]?)(\w++)\1[^\n]*+(?:\n|\Z)(.*?)(?:^[ \t]*\2[ \t]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_COMMENT = re.compile(r"(?:^|(?<=[\s;]))#[^\n]*", re.MULTILINE)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_FIRST_LINE = re.compile(r"[^\r\n]+")
_KEYWORDS = frozenset({"!", "if", "then", "elif", "else", "while", "until", "do", "{", "}", "time", "exec", "command"})
_PYTHON = re.compile(r"(?:\S*/)?python[\d.]*")
_RUNNERS = {
    ("uv", "run"), ("poetry", "run"), ("pipenv", "run"), ("pdm", "run"), ("hatch", "run"), ("conda", "run"),
    ("pixi", "run"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command of a script.

    Attributes:
        words: as written but for the quotes around a whole word; redirections too.
        written: the same words with their quotes, which tell what the shell replaces.
        start, end: offsets in the script's text.
        after: what ends it: `|`, `||`, `&&`, `;`, a line end, nothing.
    """

    words: tuple[str, ...]
    written: tuple[str, ...]
    start: int
    end: int
    after: str

    @property
    def argv(self) -> tuple[str, ...]:
        """The words from the program on: no assignments, `sudo`, `uv run`, `python -m` in front."""
        words, at = self.words, 0
        while at < len(words):
            if words[at] in _KEYWORDS or _ASSIGNMENT.match(words[at]):
                at += 1
            elif words[at] in ("sudo", "env"):
                at = _after_options(words, at + 1)
            elif words[at : at + 2] in _RUNNERS or (_PYTHON.fullmatch(words[at]) and words[at + 1 : at + 2] == ("-m",)):
                at = _after_options(words, at + 2)
            else:
                break
        return words[at:]

    @property
    def shown(self) -> str:
        """The first words, for messages."""
        words = self.argv[:3]
        redirected = next((place for place, word in enumerate(words) if ">" in word or "<" in word), 3)
        return " ".join(words[:redirected])

    def runs(self, *start: str) -> bool:
        """Whether the program, by whatever path, and its first words are these."""
        argv = self.argv
        return bool(argv) and (argv[0].rsplit("/", 1)[-1], *argv[1 : len(start)]) == start


@dataclass(frozen=True, kw_only=True)
class Script:
    """What a job runs.

    Attributes:
        node: where it stands.
        text: what the shell reads, more or less.
        offset: where the text begins in the file; -1 when the file writes it otherwise (escapes, anchors).
        label: words that name job and step.
        step: the node of the step; of the job where there are no steps.
        job: the node of the job; missing in a composite action.
    """

    node: Node
    text: str
    offset: int
    label: str
    step: Node
    job: Node

    @property
    def commands(self) -> tuple[Command, ...]:
        """In order."""
        return commands(self.text)

    def part(self, command: Command) -> Part | None:
        """Where a command stands in the file: the first line of it."""
        if self.offset < 0:
            return None
        found = _FIRST_LINE.match(self.node.doc.text, self.offset + command.start, self.offset + command.end)
        return Part(start=found.start(), end=found.end(), match=found) if found else None


def script(node: Node, label: str, step: Node, job: Node) -> Script:
    """Read a scalar as a script."""
    text, offset = _source(node)
    return Script(node=node, text=text, offset=offset, label=label, step=step, job=job)


def _source(node: Node) -> tuple[str, int]:
    raw, style = node.raw, node.tree.style if node.tree else ""
    if raw[:1] in ("&", "!", "*"):
        return node.text, -1
    if style in ("|", ">"):
        skip = raw.find("\n") + 1 or len(raw)
        body = raw[skip:]
        return (body if style == "|" else _folded(body)), node.start + skip
    if style:
        return (raw[1:-1], node.start + 1) if raw[1:-1] == node.text else (node.text, -1)
    return _folded(raw), node.start


def _folded(text: str) -> str:
    """One line end is a space; of the same length, so that offsets stay."""
    return re.sub(r"(?<=\S)([ \t\r]*)\n(?=[ \t]*\S)", r"\1 ", text)


@lru_cache(maxsize=4096)
def commands(text: str) -> tuple[Command, ...]:
    """Split a script into its commands."""
    return tuple(_split(_blank(text)))


def comments(text: str) -> list[tuple[int, int]]:
    """Return where the comments of a script begin and end."""
    return [found.span() for found in _COMMENT.finditer(_without_documents(text))]


def _blank(text: str) -> str:
    """Put spaces over what is no command: comments, and the bodies of here-documents."""
    text = _without_documents(text)
    return _COMMENT.sub(lambda found: " " * len(found[0]), text) if "#" in text else text


def _without_documents(text: str) -> str:
    return _HEREDOC.sub(lambda found: _spaced(found, 3), text) if "<<" in text else text


def _spaced(found: re.Match[str], group: int) -> str:
    start, end = found.start(group) - found.start(), found.end() - found.start()
    body = found[0][start:end]
    return found[0][:start] + re.sub(r"[^\n]", " ", body)


def _split(text: str) -> Iterator[Command]:
    words: list[list[str]] = []  # each in the pieces that it is glued from
    start = end = 0
    glued = False
    for piece in _PIECE.finditer(text):
        if piece["end"]:
            if words:
                yield _command(words, start, end, piece["end"])
            words, glued = [], False
        elif piece["word"] and not piece["word"].startswith(("\\\n", "\\\r")):
            start = start if words else piece.start()
            end = piece.end()
            if not glued:
                words.append([])
            words[-1].append(piece[0])
            glued = True
        else:
            glued = False
    if words:
        yield _command(words, start, end, "")


def _command(words: list[list[str]], start: int, end: int, after: str) -> Command:
    written = tuple("".join(pieces) for pieces in words)
    return Command(words=tuple(map(_unquoted, written)), written=written, start=start, end=end, after=after)


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word


def _after_options(words: tuple[str, ...], at: int) -> int:
    while at < len(words) and words[at].startswith("-"):
        at += 1
    return at
