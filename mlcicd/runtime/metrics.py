"""Numbers and parameters out of JSON, YAML and TOML files. What cannot be read becomes a `Problem`, never a gap."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlcicd import yamlio

Key = tuple[str, str]  # file, dotted key
Tree = Mapping[str, Any]

MAX_BYTES = 4 * 1024 * 1024
MAX_LEAVES = 10_000
MAX_DEPTH = 32


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What could not be read: `key` is "" when it is the whole file."""

    file: str
    key: str = ""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Values:
    """What one side of the comparison says; NaN and the infinities are values like others."""

    numbers: Mapping[Key, float] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


class Unusable(Exception):
    """A file without keys and values; the text says why."""


def from_file(root: Path, file: str) -> Values:
    """Read the metrics of a file in the workspace."""
    try:
        return from_bytes(file, read_bytes(root / file))
    except Unusable as error:
        return Values(problems=(Problem(file=file, reason=str(error)),))


def from_bytes(file: str, raw: bytes) -> Values:
    """Read the metrics of a file's content; the name's suffix says how."""
    try:
        return from_tree(file, parse(file, raw))
    except Unusable as error:
        return Values(problems=(Problem(file=file, reason=str(error)),))


def from_tree(file: str, tree: Tree) -> Values:
    """Take every leaf as a number: `{"val": {"auc": 0.9}}` has the key `val.auc`, lists count from `[0]`."""
    numbers: dict[Key, float] = {}
    problems = []
    repeated: set[Key] = set()
    try:
        for key, leaf in flatten(tree, lists=True):
            reason = _why_no_number(leaf)
            if (file, key) in numbers:
                reason = "the key is there twice, once nested and once with a dot"
                repeated.add((file, key))
            if reason:
                problems.append(Problem(file=file, key=key, reason=reason))
            else:
                numbers[file, key] = float(leaf)
    except Unusable as error:
        problems.append(Problem(file=file, reason=str(error)))
    # Which of two is meant nobody knows, so neither can pass a gate.
    known = {key: number for key, number in numbers.items() if key not in repeated}
    return Values(numbers=known, problems=tuple(problems))


def join(sides: Iterable[Values]) -> Values:
    """Put the values of several files together."""
    every = list(sides)
    return Values(
        numbers={key: number for values in every for key, number in values.numbers.items()},
        problems=tuple(problem for values in every for problem in values.problems),
    )


def params_from_file(root: Path, file: str) -> tuple[dict[Key, str], tuple[Problem, ...]]:
    """Read the parameters of a file in the workspace, each as text."""
    try:
        return _params(file, read_bytes(root / file))
    except Unusable as error:
        return {}, (Problem(file=file, reason=str(error)),)


def params_from_bytes(file: str, raw: bytes) -> tuple[dict[Key, str], tuple[Problem, ...]]:
    """Read the parameters of a file's content, each as text."""
    try:
        return _params(file, raw)
    except Unusable as error:
        return {}, (Problem(file=file, reason=str(error)),)


def text(value: object) -> str:
    """Print a parameter's value: text as it is, everything else as JSON."""
    return _whole(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def read_bytes(path: Path) -> bytes:
    """Return what a file holds.

    Raises:
        Unusable: when it cannot be read, or is too large.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise Unusable("no such file") from None
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise Unusable(f"larger than {MAX_BYTES:,} bytes")
    return raw


def parse(file: str, raw: bytes) -> Tree:
    """Read keys and values by the suffix of the file's name.

    Raises:
        Unusable: when that cannot be done.
    """
    reader = _READERS.get(Path(file).suffix.lower())
    if reader is None:
        raise Unusable(f"the name must end in one of {', '.join(_READERS)}")
    if len(raw) > MAX_BYTES:
        raise Unusable(f"larger than {MAX_BYTES:,} bytes")
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable(f"not UTF-8 text (byte {error.start})") from None
    if not content.strip():
        raise Unusable("the file is empty")
    try:
        tree = reader(content)
    except yamlio.Unreadable as error:
        raise Unusable(f"{error.reason} (line {error.place.line}, column {error.place.column})") from None
    except RecursionError:
        raise Unusable("nested too deeply") from None
    except ValueError as error:  # of JSON, of TOML, and of numbers with thousands of digits
        raise Unusable(str(error).splitlines()[0]) from None
    if not isinstance(tree, dict):
        raise Unusable(f"expected keys and values, got {type(tree).__name__}")
    return tree


def flatten(tree: Tree, *, lists: bool) -> Iterator[tuple[str, Any]]:
    """Yield every leaf with its dotted key; `lists` says whether lists are opened too."""
    for count, pair in enumerate(_leaves(tree, "", lists, MAX_DEPTH)):
        if count >= MAX_LEAVES:
            raise Unusable(f"more than {MAX_LEAVES:,} values")
        yield _whole(pair[0]), pair[1]


def names(keys: Iterable[Key]) -> dict[Key, str]:
    """Return what each metric is called: its key, or `file:key` where two files share one."""
    every = list(dict.fromkeys(keys))
    count = Counter(key for _, key in every)
    return {(file, key): key if count[key] == 1 else f"{file}:{key}" for file, key in every}


def find(name: str, keys: Iterable[Key]) -> list[Key]:
    """Return the metrics that `name` (a key, or `file:key`) can mean."""
    every = list(keys)
    exact = [(file, key) for file, key in every if f"{file}:{key}" == name]
    return exact or [(file, key) for file, key in every if key == name]


def _params(file: str, raw: bytes) -> tuple[dict[Key, str], tuple[Problem, ...]]:
    return {(file, key): text(leaf) for key, leaf in flatten(parse(file, raw), lists=False)}, ()


def _leaves(node: Any, prefix: str, lists: bool, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(node, Mapping):
        inner = [(f"{prefix}.{key}" if prefix else str(key), child) for key, child in node.items()]
    elif lists and isinstance(node, list):
        inner = [(f"{prefix}[{index}]", child) for index, child in enumerate(node)]
    else:
        yield prefix, node
        return
    if depth == 0:  # also ends a YAML document that contains itself
        raise Unusable(f"nested deeper than {MAX_DEPTH} levels")
    for key, child in inner:
        yield from _leaves(child, key, lists, depth - 1)


def _whole(value: str) -> str:
    """JSON can spell half a surrogate pair, which no file and no terminal takes."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _why_no_number(leaf: object) -> str:
    if isinstance(leaf, bool) or leaf is None:
        return f"{json.dumps(leaf)} is not a number"
    if isinstance(leaf, str):
        return f"the text {leaf[:60]!r} is not a number"
    if not isinstance(leaf, int | float):
        return f"a {type(leaf).__name__} is not a number"
    try:
        float(leaf)
    except OverflowError:
        return "the number is too large"
    return ""


def _json(content: str) -> Any:
    return json.loads(content, object_pairs_hook=_without_duplicates)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    count = Counter(key for key, _ in pairs)
    if repeated := [key for key in count if count[key] > 1]:
        raise ValueError(f'duplicate key "{_whole(repeated[0][:60])}"')
    return dict(pairs)


_READERS: Mapping[str, Callable[[str], Any]] = {
    ".json": _json,
    ".yaml": yamlio.load_foreign,
    ".yml": yamlio.load_foreign,
    ".toml": tomllib.loads,
}
