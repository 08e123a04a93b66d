"""Where the values come from that expressions of a step read: `env`, and what earlier steps write for later ones."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from mlcicd.lint.document import Document, Node
from mlcicd.lint.workflows import Step, scripts, steps

_VARIABLE = re.compile(r"(?<![\w.])env\.([\w-]+)")
_ALL = re.compile(r"\btojson\( ?env ?\)")
_OUTPUT = re.compile(r"(?<![\w.])steps\.([\w-]+)\.outputs\.([\w-]+)")
_FILE = re.compile(r"GITHUB_(?:ENV|OUTPUT)\b")
_NAME = re.compile(r"(?<![\w$])([A-Za-z_]\w*+)=")
_READ = re.compile(r"\$\{?([A-Za-z_]\w*+)")
_ENV = ""  # stands for the id of a step

# Job, id of a step, name.
_Key = tuple[int, str, str]


def behind(step: Step, expression: str) -> Iterator[Node]:
    """Yield what the file itself gives the variables and outputs that a normalised expression of a step reads."""
    written = _written(step.node.doc)
    if _ALL.search(expression):
        for place in (step.node, step.job, step.node.doc.root):
            yield from _by_name(place.get("env")).values()
    for name in dict.fromkeys(_VARIABLE.findall(expression)):
        yield from _variable(step, name)
        yield from written.get((step.job.start, _ENV, name), ())
    for output in dict.fromkeys(_OUTPUT.findall(expression)):
        yield from written.get((step.job.start, *output), ())


def _variable(step: Step, name: str) -> list[Node]:
    """The nearest value of a variable, whose name is in small letters: of the step, its job, the workflow."""
    places = (step.node, step.job, step.node.doc.root)
    found = (_by_name(place.get("env")).get(name) for place in places)
    return [node for node in found if node][:1]


@lru_cache(maxsize=64)
def _by_name(env: Node) -> Mapping[str, Node]:
    return {key.text.lower(): value for key, value in env.items()}


@lru_cache(maxsize=4)
def _written(doc: Document) -> Mapping[_Key, Sequence[Node]]:
    """The values of variables that a command writes on: `echo "TITLE=$T" >> $GITHUB_ENV` writes that of `T`."""
    found: dict[_Key, list[Node]] = defaultdict(list)
    if not _FILE.search(doc.text):
        return found
    by_start = {step.node.start: step for step in steps(doc)}
    for script in scripts(doc):
        for command in script.commands if _FILE.search(script.text) else ():
            text = script.text[command.start : command.end]
            file = _FILE.search(text)
            if not file:
                continue
            step = by_start[script.step.start]
            read = dict.fromkeys(name.lower() for name in _READ.findall(text))
            values = [node for name in read for node in _variable(step, name)]
            place = _ENV if file[0] == "GITHUB_ENV" else step.node.get("id").text.lower()
            for name in dict.fromkeys(_NAME.findall(text)) if values else ():
                found[step.job.start, place, name.lower()] += values
    return found
