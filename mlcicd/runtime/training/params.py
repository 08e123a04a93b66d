"""Train with other parameters for a while: only their values are replaced, and the files come back byte for byte.

Nothing is passed to the training command: the program and DVC read the parameters where they always do.
"""

from __future__ import annotations

import contextlib
import copy
import difflib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlcicd import yamlio
from mlcicd.errors import UsageError
from mlcicd.runtime import metrics, process

DEFAULT = "params.yaml"
BOM = b"\xef\xbb\xbf"
Value = bool | int | float | str

# A value of a TOML file that stands on a line of its own, with what may follow it.
_TOML_VALUE = r"""(?P<value>"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s"'#\[\]{},]+)(?=[ \t]*(?:#[^\n]*)?\r?$)"""


def split(name: str) -> tuple[str, str]:
    """Return the file and the dotted key that `key.path` or `file:key.path` means."""
    file, _, key = name.rpartition(":")
    return file or DEFAULT, key


def number(root: Path, name: str) -> int:
    """Return a parameter that must be a whole number.

    Raises:
        UsageError: when it is not there, or is none.
    """
    file, key = split(name)
    found = _leaf(file, _tree(root, file), key)
    if not isinstance(found, int) or isinstance(found, bool):
        raise UsageError(
            f"{file}: {key} is {metrics.text(found)[:60]}, not a whole number",
            hint="a seed is a whole number: correct the file, or train.seed in mlcicd.yaml",
        )
    return found


@contextlib.contextmanager
def overridden(root: Path, values: Mapping[str, Value]) -> Iterator[None]:
    """Replace values of parameters while the context lasts; then the files are what they were, whatever happened.

    Args:
        root: the project's folder; the files are inside it.
        values: by `key.path` (of params.yaml) or `file:key.path`.

    Raises:
        UsageError: when a file cannot be read, a parameter is not in it, or its value cannot be replaced alone. No
            file has been touched then.
    """
    edits = list(_edits(root, values))
    with process.stoppable():
        try:
            for path, _, new in edits:
                _write(path, new)
            yield
        finally:
            for path, old, _ in edits:
                _write(path, old)


def _edits(root: Path, values: Mapping[str, Value]) -> Iterator[tuple[Path, bytes, bytes]]:
    """Yield each file with its old and its new content."""
    by_file: dict[str, dict[str, Value]] = {}
    for name, value in values.items():
        file, key = split(name)
        by_file.setdefault(file, {})[key] = value
    for file, wanted in by_file.items():
        path, old = _read(root, file)
        mark = BOM if old.startswith(BOM) else b""
        new = old[len(mark) :]
        for key, value in wanted.items():
            new = _replaced(file, new, key, value)
        yield path, old, mark + new


def _replaced(file: str, raw: bytes, key: str, value: Value) -> bytes:
    """Return the content with one value replaced; that this is all that changed is seen by reading it again."""
    tree = _parsed(file, raw)
    _leaf(file, tree, key)
    wanted = copy.deepcopy(tree)
    *way, last = key.split(".")
    _at(wanted, way)[last] = value
    for text in _ATTEMPTS[Path(file).suffix.lower()](raw.decode(), tree, key.split("."), value):
        with contextlib.suppress(metrics.Unusable):
            # Compared as text, in which true is not 1, and NaN is itself.
            if repr(metrics.parse(file, text.encode())) == repr(wanted):
                return text.encode()
    raise UsageError(
        f"{file}: {key} cannot be set to {metrics.text(value)} without changing something else",
        hint="write the parameter's value out, alone on its line, without anchors or aliases",
    )


def _yaml(text: str, tree: Any, keys: Sequence[str], value: Value) -> Iterator[str]:
    if span := yamlio.span(text, keys):
        start, end = span
        # Where nothing was written, there is no space before it either; a block of text ends its own line.
        before, after = " " if start == end else "", "\n" if text[start:end].endswith("\n") else ""
        yield text[:start] + before + _yaml_scalar(value) + after + text[end:]


def _yaml_scalar(value: Value) -> str:
    """Readers of YAML 1.1 take a number with an exponent for text, unless it has a point."""
    text = yamlio.scalar(value)
    return re.sub(r"^(-?\d+)e", r"\1.0e", text) if isinstance(value, float) else text


def _json(text: str, tree: Any, keys: Sequence[str], value: Value) -> Iterator[str]:
    wanted = copy.deepcopy(tree)
    _at(wanted, keys[:-1])[keys[-1]] = value
    yield json.dumps(wanted, indent=2, ensure_ascii=False) + "\n"


def _toml(text: str, tree: Any, keys: Sequence[str], value: Value) -> Iterator[str]:
    """Yield the text with the value replaced on each line that could be the one."""
    line = rf"^[ \t]*(?:[\w.\"' -]*\.[ \t]*)?[\"']?{re.escape(keys[-1])}[\"']?[ \t]*=[ \t]*{_TOML_VALUE}"
    for found in re.finditer(line, text, re.MULTILINE):
        yield text[: found.start("value")] + json.dumps(value, ensure_ascii=False) + text[found.end("value") :]


_ATTEMPTS: Mapping[str, Callable[[str, Any, Sequence[str], Value], Iterable[str]]] = {
    ".yaml": _yaml,
    ".yml": _yaml,
    ".json": _json,
    ".toml": _toml,
}


def _leaf(file: str, tree: metrics.Tree, key: str) -> Any:
    """Return the value of a parameter."""
    found = _at(tree, key.split("."))
    if isinstance(found, dict | list):
        raise UsageError(f"{file}: {key} holds several values, not one", hint="name one of those below it")
    if found is _ABSENT:
        known = [name for name, _ in metrics.flatten(tree, lists=False)]
        near = difflib.get_close_matches(key, known, n=1)
        raise UsageError(
            f"{file}: there is no parameter {key}" + (f" — did you mean {near[0]}?" if near else ""),
            hint="correct train.seed or train.smoke in mlcicd.yaml, or add the parameter to the file",
        )
    return found


_ABSENT = object()


def _at(tree: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        if not isinstance(tree, dict) or key not in tree:
            return _ABSENT
        tree = tree[key]
    return tree


def _tree(root: Path, file: str) -> metrics.Tree:
    return _parsed(file, _read(root, file)[1])


def _parsed(file: str, raw: bytes) -> metrics.Tree:
    try:
        return metrics.parse(file, raw)
    except metrics.Unusable as error:
        raise _unusable(file, error) from None


def _read(root: Path, file: str) -> tuple[Path, bytes]:
    """Return where a file really is, and its content."""
    path = (root / file).resolve()
    if not path.is_relative_to(root.resolve()):
        raise UsageError(f"{file}: outside of the project", hint="train.seed and train.smoke name files in it")
    try:
        return path, metrics.read_bytes(path)
    except metrics.Unusable as error:
        raise _unusable(file, error) from None


def _unusable(file: str, error: metrics.Unusable) -> UsageError:
    return UsageError(
        f"{file}: the parameters cannot be read: {error}", hint="train.seed and train.smoke name a file of parameters"
    )


def _write(path: Path, raw: bytes) -> None:
    """Put another file in its place, so that it is never half written, and a link's other name keeps its content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.mlcicd")
    scratch.write_bytes(raw)
    if path.exists():
        shutil.copymode(path, scratch)
    scratch.replace(path)
