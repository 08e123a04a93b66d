"""What the generated files name: a line for each action at a commit, and for each image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcicd import yamlio, yamltree
from mlcicd.errors import UsageError
from mlcicd.platforms import PLATFORMS
from mlcicd.release import REPOSITORY
from mlcicd.yamltree import Tree

_ACTION = re.compile(r"([\w.-]+/[\w.-]+)(?:/[\w.-]+)*@([0-9a-f]{40})\Z")
_VERSION = re.compile(r"[ \t]+#[ \t]*(\S+)")
_IMAGE = re.compile(r"([^@]+)(?:@(sha256:[0-9a-f]{64}))?\Z")
_REQUIREMENT = re.compile(r"\bmlcicd==([0-9]+(?:\.[0-9]+)*)(?![\w.])")
# Where a file names actions and images: what else looks like one is a person's text.
_USES = (("jobs", "*", "uses"), ("jobs", "*", "steps", "*", "uses"), ("runs", "steps", "*", "uses"))
_OF_WORKFLOW = (
    ("jobs", "*", "container"),
    ("jobs", "*", "container", "image"),
    ("jobs", "*", "services", "*", "image"),
)
_OF_JOB = (("image",), ("image", "name"), ("services", "*"), ("services", "*", "name"))
_NO_JOBS = frozenset({"variables", "workflow", "include", "spec", "stages"})


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A line of a file that names an action by its commit, or an image.

    Attributes:
        path: the file, relative to the repository's top.
        line: counted from 1.
        name: the action's repository or the image with its tag.
        value: as `tool.pins` writes it; an image without a digest has "", an action without a version `@COMMIT`.
    """

    path: str
    line: int
    name: str
    value: str

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.path}:{self.line}"


def references(root: Path, images: Sequence[str]) -> Iterator[Reference]:
    """Yield every reference in the files that mlcicd writes under `root`.

    Raises:
        UsageError: when one of them is no YAML.
    """
    for path, text in _texts(root).items():
        yield from scan(path, text, images)


def releases(root: Path) -> set[str]:
    """Return the releases of mlcicd that the files under `root` name: by its actions, or as a requirement."""
    named = {one.value.partition("@")[0] for one in references(root, ()) if one.name == REPOSITORY}
    return named | {f"v{found[1]}" for text in _texts(root).values() for found in _REQUIREMENT.finditer(text)}


def scan(path: str, text: str, images: Sequence[str]) -> Iterator[Reference]:
    """Yield the references in one file's text; of images only those of these names.

    Raises:
        UsageError: when it is no YAML.
    """
    found: list[tuple[int, str, str]] = []
    for root in _documents(path, text):
        found += (one for node in _reached(root, _USES) if (one := _action(text, node)))
        found += (one for node in _reached(root, _images(root)) if (one := _image(node, images)))
    for start, name, value in sorted(found):
        yield Reference(path=path, line=text.count("\n", 0, start) + 1, name=name, value=value)


def _action(text: str, node: Tree) -> tuple[int, str, str] | None:
    found = _ACTION.match(node.text)
    said = _VERSION.match(text, node.end)
    return (node.start, found[1].lower(), f"{said[1] if said else ''}@{found[2]}") if found else None


def _image(node: Tree, images: Sequence[str]) -> tuple[int, str, str] | None:
    found = _IMAGE.match(node.text)
    return (node.start, found[1], found[2] or "") if found and found[1] in images else None


def _images(root: Tree) -> Sequence[tuple[str, ...]]:
    """Return where a file of this kind names images: in jobs below one key, or in jobs that are keys themselves."""
    keys = [key.text for key, _ in root.pairs]
    if "jobs" in keys or "runs" in keys:
        return _OF_WORKFLOW
    return [*_OF_JOB, *((job, *place) for job in keys if job not in _NO_JOBS for place in _OF_JOB)]


def _reached(root: Tree, places: Sequence[Sequence[str]]) -> Iterator[Tree]:
    """Yield what stands at these paths, where `*` is any key or item; what aliases share comes once."""
    reached: dict[int, Tree] = {}
    for place in places:
        nodes = [root]
        for step in place:
            below = [child for node in nodes for child in _children(node, step)]
            nodes = list({id(child): child for child in below}.values())
        reached |= {id(node): node for node in nodes}
    yield from reached.values()


def _children(node: Tree, step: str) -> Iterator[Tree]:
    yield from (value for key, value in node.pairs if step in ("*", key.text))
    yield from node.items if step == "*" else ()


def _documents(path: str, text: str) -> list[Tree]:
    try:
        return yamltree.compose(text)
    except yamlio.Unreadable as error:
        raise UsageError(
            f"{path}:{error.place.line}:{error.place.column}: {error.reason}",
            hint="repair that line, or put the file back from git",
        ) from None


def _texts(root: Path) -> dict[str, str]:
    """Return the YAML files that mlcicd writes, by their path below `root`."""
    patterns = [pattern for platform in PLATFORMS.values() for pattern in platform.OWNED]
    paths = sorted({path for pattern in patterns for path in root.glob(pattern)})
    return {
        path.relative_to(root).as_posix(): path.read_text("utf-8", "replace")
        for path in paths
        if path.suffix in (".yml", ".yaml") and path.is_file()
    }
