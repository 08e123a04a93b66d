"""Jobs of the team's own in a platform's words: what such a file must hold, and how a linter gets to see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ruamel.yaml.comments import CommentedMap

from mlcicd import yamlio
from mlcicd.config import strict
from mlcicd.errors import UsageError

Place = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Words:
    """How a platform says what every job has to say.

    Attributes:
        timeout: key of the time limit.
        rights: key of the token's rights, which are written out; "" where no key says them.
        head: what stands before the job in a file of its own, with `{id}`.
        tail: what mlcicd adds where the file does not say it: key and YAML.
        indent: how deep the job's keys stand then.
        kind: what a linter calls such a file.
    """

    timeout: str
    rights: str
    head: str
    tail: Mapping[str, str]
    indent: int
    kind: Literal["workflow", "gitlab"]


_WORKFLOW = """\
name: ML pipeline
on:
  pull_request:
  push:
    branches: [main]
  workflow_dispatch:
permissions: {{}}
cache-mode: none
concurrency:
  group: mlcicd
  cancel-in-progress: true
jobs:
  {id}:
"""
_RULES = "[{if: '$CI_PIPELINE_SOURCE == \"merge_request_event\"'}]"
WORDS: Mapping[str, Words] = {
    "github": Words(
        timeout="timeout-minutes",
        rights="permissions",
        head=_WORKFLOW,
        tail={"permissions": "{}"},
        indent=4,
        kind="workflow",
    ),
    "gitlab": Words(
        timeout="timeout", rights="", head="{id}:\n", tail={"rules": _RULES, "needs": "[]"}, indent=2, kind="gitlab"
    ),
}


@dataclass(frozen=True, kw_only=True)
class Framed:
    """A job as a file of its own: `lines` stand before it, `indent` characters before each of its own up to `last`."""

    text: str
    lines: int
    indent: int
    last: int


def parse(platform: str, path: str, text: str) -> Mapping[str, Any]:
    """Return the keys of a job.

    Raises:
        UsageError: with the place, when it is not one, or leaves out what each job has to say.
    """
    try:
        tree = yamlio.load(text)
        yamlio.load_foreign(text)  # which knows no tags; what is written must be read again
    except yamlio.Unreadable as error:
        raise _refuse(path, error.place, error.reason) from None
    if not isinstance(tree, CommentedMap) or not tree:
        raise _refuse(path, yamlio.place(tree, ()), "expected the keys of one job, such as `steps` or `script`")
    if tree.fa.flow_style():
        raise _refuse(path, yamlio.place(tree, ()), "a job in braces cannot be put among others: one key a line")
    for place, reason in _problems(WORDS[platform], tree):
        raise _refuse(path, place, reason)
    return tree


def require_strict(path: str, tree: Mapping[str, Any]) -> None:
    """Refuse a machine or an image that `tool.profile: strict` does not admit.

    Raises:
        UsageError: with the place.
    """
    if "runs-on" in tree and not _is_hosted(tree["runs-on"]):
        raise _refuse(path, yamlio.key_place(tree, ["runs-on"]), strict.MACHINE)
    for place, image in _images(tree):
        if not strict.is_by_digest(image):
            reason = f"tool.profile is strict: name {image or 'the image'} by digest"
            raise _refuse(path, yamlio.place(tree, place), reason)


def _is_hosted(runner: Any) -> bool:
    """Whether labels say so; nobody can tell which machines a group has."""
    labels = runner if isinstance(runner, list) else [runner]
    return bool(labels) and all(strict.is_hosted(str(label)) for label in labels)


def _images(tree: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Yield the images of a job with their places, whatever the platform calls them."""
    for key in ("container", "image"):
        yield from _image((key,), tree[key]) if key in tree else ()
    for place, service in _below(tree, "services"):
        yield from _image(place, service)
    for place, step in _below(tree, "steps"):
        action = str(step.get("uses", "")) if isinstance(step, dict) else ""
        if action.startswith("docker://"):
            yield (*place, "uses"), action


def _image(place: Place, named: Any) -> Iterator[tuple[Place, str]]:
    """Yield an image that is named alone, or in a mapping with other things."""
    if not isinstance(named, dict):
        yield place, str(named)
    else:
        yield from (((*place, key), str(named[key])) for key in ("image", "name") if key in named)


def _below(tree: Mapping[str, Any], key: str) -> Iterator[tuple[Place, Any]]:
    items = tree.get(key)
    pairs = items.items() if isinstance(items, dict) else enumerate(items if isinstance(items, list) else ())
    yield from (((key, step), item) for step, item in pairs)


def frame(platform: str, id: str, tree: Mapping[str, Any], text: str) -> Framed:
    """Put a job's text where it will stand, for a linter."""
    words = WORDS[platform]
    head = words.head.format(id=id)
    body = [" " * words.indent + line if line.strip() else "" for line in text.lstrip("\ufeff").splitlines()]
    tail = [f"{' ' * words.indent}{key}: {value}" for key, value in words.tail.items() if key not in tree]
    lines = head.count("\n")
    whole = head + "\n".join([*body, *tail]) + "\n"
    return Framed(text=whole, lines=lines, indent=words.indent, last=lines + len(body))


def _problems(words: Words, tree: Mapping[str, Any]) -> Iterator[tuple[yamlio.Place, str]]:
    if "needs" in tree:
        yield yamlio.key_place(tree, ["needs"]), "needs: who waits for whom stands in mlcicd.yaml: `after`, `before`"
    if words.timeout not in tree:
        yield yamlio.place(tree, ()), f"{words.timeout} is missing: a job that hangs would run for hours"
    if words.rights and not isinstance(tree.get(words.rights, {}), dict):
        yield yamlio.place(tree, [words.rights]), f"{words.rights}: write each right out, or {{}} for none"


def _refuse(path: str, place: yamlio.Place, reason: str) -> UsageError:
    return UsageError(
        f"{path}:{place.line}:{place.column}: {reason}",
        hint="the file holds the keys of one job in block form, without its id (docs/extending.md has one)",
    )
