"""Secrets that a CI file holds itself: where they stand, and findings that do not show them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from mlcicd import secrets
from mlcicd.lint.document import Document, Node, Part, walk
from mlcicd.lint.model import Finding
from mlcicd.lint.scripts import scripts

_GIVEN = frozenset({"env", "variables", "with", "secrets", "inputs", "registries"})  # keys above names and values
# Stricter than the names whose values the runtime hides: `TOKENIZERS_PARALLELISM` and a cache's `key` are no secrets.
_NAME = re.compile(
    r"(?:^|[_-])(?:TOKEN|SECRET|PASS(?:WORD|WD|PHRASE)|PWD|CREDENTIALS?|CONNECTION_?STRING"
    r"|(?:ACCESS|ACCOUNT|API|AUTH|DEPLOY|ENCRYPTION|MASTER|PRIVATE|SECRET|SIGNING|SSH)[_-]?KEY)$",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(r"(?<![\w$-])(?P<name>[A-Z_][A-Z0-9_]*+)=['\"]?(?P<value>[\w+/=.!@#%^*~:-]++)(?![$`({\[<])")
_ELSEWHERE = re.compile(r"\$[A-Za-z_{(\[]|\{\{|%\w+%|^(?:[./~]|<.*>$|\w+://)", re.DOTALL)
_LETTERS = re.compile(r"[A-Za-z]+")
_ALL = re.compile(r".+", re.DOTALL)
_MASKED = re.compile(r"([*.])\1{2}|[xX]{4}")
_NEVER = frozenset({"change", "changeme", "dummy", "example", "fake", "insert", "placeholder", "redacted", "replace",
                    "sample", "test", "testing", "todo", "your"})  # fmt: skip
_THROWAWAY = frozenset({"a", "admin", "airflow", "ci", "db", "dev", "guest", "key", "local", "minio", "minioadmin",
                        "mlflow", "my", "mysql", "not", "pass", "password", "postgres", "root", "secret", "super",
                        "token", "user"})  # fmt: skip
_LEAST_KEY = 120  # characters of a private key with its first line; less is a program that looks for one


@dataclass(frozen=True, kw_only=True)
class Literal:
    """A secret in a file; `name` is of the variable that it is the value of, empty where its own shape tells."""

    part: Part
    name: str


@lru_cache(maxsize=4)
def literals(doc: Document) -> tuple[Literal, ...]:
    """Return the secrets in a file by place, each once."""
    shapes = [match for match in secrets.shaped(doc.text) if not _is_harmless(doc.text, match)]
    found = {match.start(): Literal(part=_part(match, 0), name="") for match in shapes}
    for name, part in _named(doc):
        if not _touches(part, shapes):
            found.setdefault(part.start, Literal(part=part, name=name))
    return tuple(found[start] for start in sorted(found))


def hide(doc: Document, finding: Finding) -> Finding:
    """Return a finding that shows no secret of its line, in the line or in its message; columns stay."""
    line, values = _masked_lines(doc).get(finding.line, ("", ()))
    if not line:
        return finding
    message = finding.message
    for value in values:
        message = message.replace(value, secrets.MASK)
    return replace(finding, source_line=line if finding.source_line else "", message=message)


def _named(doc: Document) -> Iterator[tuple[str, Part]]:
    """Yield what secret variables are set to, by keys of the file and by scripts."""
    for path, node in walk(doc.root):
        if node.is_mapping and "services" not in path and _GIVEN & {*path[-1:], *path[:1]}:
            yield from _values(node)
    for node in {script.node.start: script.node for script in scripts(doc)}.values():
        for part in node.find(_ASSIGNED) if "=" in node.raw else ():
            if _NAME.search(part.match["name"]) and _is_literal(part.match["value"]):
                yield part.match["name"], _part(part.match, "value")


def _values(node: Node) -> Iterator[tuple[str, Part]]:
    for key, given in node.items():
        value = given.get("value") or given
        if _NAME.search(key.text) and isinstance(value.value, str) and _is_literal(value.text):
            yield from [(key.text, part) for part in value.find(_ALL)[:1]]


def _is_literal(value: str) -> bool:
    """Whether a value is one that protects something: not named, not a path, no word that stands for another."""
    words = {word.lower() for word in _LETTERS.findall(value)}
    stands_for_another = bool(words & _NEVER) or words <= _THROWAWAY or _MASKED.search(value)
    return not (_ELSEWHERE.search(value) or secrets.is_ordinary(value) or stands_for_another)


def _is_harmless(text: str, match: re.Match[str]) -> bool:
    """Whether what has a secret's shape is none: it names a variable, is masked, or is a word before an address's @."""
    found = match[0]
    if "PRIVATE KEY-----" in found:
        return "$" in found or len(found) < _LEAST_KEY
    if ":" in found and text.endswith("://", 0, match.start()):
        return not _is_literal(found.partition(":")[2])
    return "$" in found or bool(_MASKED.search(found))


def _part(match: re.Match[str], group: str | int) -> Part:
    return Part(start=match.start(group), end=match.end(group), match=match)


def _touches(part: Part, shapes: Sequence[re.Match[str]]) -> bool:
    """Whether one of the shapes, in order and apart, lies in a part, or around it."""
    at = bisect_left(shapes, part.end, key=re.Match.start)
    return at > 0 and shapes[at - 1].end() > part.start


@lru_cache(maxsize=4)
def _masked_lines(doc: Document) -> Mapping[int, tuple[str, tuple[str, ...]]]:
    """The lines that hold secrets: each with stars in their place, and what the stars hide."""
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for one in literals(doc):
        line, column = doc.place(one.part.start)
        left = one.part.end - one.part.start
        while left > 0:
            spans[line].append((column - 1, column - 1 + left))
            left -= len(doc.lines[line - 1]) - column + 2
            line, column = line + 1, 1
    return {number: _masked(doc.lines[number - 1], spans[number]) for number in spans if number <= len(doc.lines)}


def _masked(line: str, spans: Sequence[tuple[int, int]]) -> tuple[str, tuple[str, ...]]:
    parts, done = [], 0
    for start, end in spans:
        parts += [line[done:start], "*" * (min(end, len(line)) - start)]
        done = end
    values = {line[start:end].strip("'\"") for start, end in spans}
    return "".join([*parts, line[done:]]), tuple(sorted(values - {""}))
