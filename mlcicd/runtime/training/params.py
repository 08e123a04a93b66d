"""Train with other parameters for a while: only their values are replaced, and the files come back byte for byte.

Nothing is passed to the training command: the program and DVC read the parameters where they always do.
"""

from __future__ import annotations

import contextlib
import copy
import difflib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcicd import workfolder, yamlio
from mlcicd.errors import UsageError
from mlcicd.runtime import metrics, process

DEFAULT = "params.yaml"
BOM = b"\xef\xbb\xbf"
KEPT = workfolder.FOLDER / "params"  # the files as they were, while they are overridden
Value = bool | int | float | str
Say = Callable[[str], None]
_STATE = KEPT / "state.json"

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


@dataclass(frozen=True, kw_only=True)
class _Edit:
    """A file of parameters: where it is, its content before, the values it gets, by key, and its content then."""

    file: str
    path: Path
    old: bytes
    values: Mapping[str, Value]
    new: bytes


@contextlib.contextmanager
def overridden(root: Path, values: Mapping[str, Value], say: Say) -> Iterator[None]:
    """Replace values of parameters while the context lasts; then the files are what they were, whatever happened.

    What somebody else changed in such a file meanwhile stays. If we are killed, `recover` finds the files as they
    were in `.mlcicd/params/`.

    Args:
        root: the project's folder; the files are inside it.
        values: by `key.path` (of params.yaml) or `file:key.path`.
        say: shows one line.

    Raises:
        UsageError: when a file cannot be read, a parameter is not in it, or its value cannot be replaced alone. No
            file has been touched then.
    """
    edits = _edits(root, values)
    with process.stoppable():
        try:
            _keep(root, edits)
            for edit in edits:
                write(edit.path, edit.new)
            yield
        finally:
            for edit in edits:
                _bring_back(edit, say)
            _forget()


def recover(say: Say) -> None:
    """Bring back what a training that was killed had overridden; no other training may be going on."""
    try:
        left = json.loads(_STATE.read_bytes())
        root = Path(left["root"])
        for number, (file, values) in enumerate(left["files"]):
            say(f"an earlier training (process {left['pid']}) was killed: {file} still has its {', '.join(values)}")
            old = (KEPT / str(number)).read_bytes()
            _bring_back(_edit(file, _inside(root, file), old, values), say)
            say(f"{file} is put back")
    except FileNotFoundError:
        return
    except (ValueError, TypeError, KeyError, UsageError) as error:
        say(f"{KEPT} is not what a training keeps there, and is removed: {error}")
    _forget()


def _keep(root: Path, edits: Sequence[_Edit]) -> None:
    """Copy the files as they are; the state comes last, and so stands for whole copies only."""
    if not edits:
        return
    workfolder.make()
    KEPT.mkdir(exist_ok=True)
    for number, edit in enumerate(edits):
        (KEPT / str(number)).write_bytes(edit.old)
    files = [(edit.file, dict(edit.values)) for edit in edits]
    state = {"pid": os.getpid(), "root": os.path.relpath(root), "files": files}
    write(_STATE, json.dumps(state).encode())


def _forget() -> None:
    _STATE.unlink(missing_ok=True)
    shutil.rmtree(KEPT, ignore_errors=True)


def _bring_back(edit: _Edit, say: Say) -> None:
    """Make a file what it was, but for what somebody else changed in it."""
    now = edit.path.read_bytes() if edit.path.is_file() else edit.new
    if now == edit.new:
        write(edit.path, edit.old)
    elif now != edit.old:
        try:
            raw, keys = _reverted(edit, now)
        except UsageError as error:
            say(f"{edit.file} was edited during training, and stays so; correct {', '.join(edit.values)}: {error}")
            return
        back = f"; only {', '.join(keys)} is put back" if keys else ""
        say(f"{edit.file} was edited during training: the edit stays{back}")
        write(edit.path, raw)


def _reverted(edit: _Edit, now: bytes) -> tuple[bytes, list[str]]:
    """Return a newer content with the former values in place of ours, and the keys of those."""
    before, after = _parsed(edit.file, edit.old), _parsed(edit.file, now)
    keys = [key for key, value in edit.values.items() if repr(_at(after, key.split("."))) == repr(value)]
    return _changed(edit.file, now, {key: _leaf(edit.file, before, key) for key in keys}), keys


def _edits(root: Path, values: Mapping[str, Value]) -> list[_Edit]:
    """Return what each file becomes."""
    by_file: dict[str, dict[str, Value]] = {}
    for name, value in values.items():
        file, key = split(name)
        by_file.setdefault(file, {})[key] = value
    return [_edit(file, *_read(root, file), wanted) for file, wanted in by_file.items()]


def _edit(file: str, path: Path, old: bytes, values: Mapping[str, Value]) -> _Edit:
    return _Edit(file=file, path=path, old=old, values=values, new=_changed(file, old, values))


def _changed(file: str, raw: bytes, values: Mapping[str, Value]) -> bytes:
    """Return the content with values replaced."""
    mark = BOM if raw.startswith(BOM) else b""
    new = raw[len(mark) :]
    for key, value in values.items():
        new = _replaced(file, new, key, value)
    return mark + new


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
    path = _inside(root, file)
    try:
        return path, metrics.read_bytes(path)
    except metrics.Unusable as error:
        raise _unusable(file, error) from None


def _inside(root: Path, file: str) -> Path:
    path = (root / file).resolve()
    if not path.is_relative_to(root.resolve()):
        raise UsageError(f"{file}: outside of the project", hint="train.seed and train.smoke name files in it")
    return path


def _unusable(file: str, error: metrics.Unusable) -> UsageError:
    return UsageError(
        f"{file}: the parameters cannot be read: {error}", hint="train.seed and train.smoke name a file of parameters"
    )


def write(path: Path, raw: bytes) -> None:
    """Put another file in its place, so that it is never half written, and a link's other name keeps its content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.mlcicd")
    scratch.write_bytes(raw)
    if path.exists():
        shutil.copymode(path, scratch)
    scratch.replace(path)
