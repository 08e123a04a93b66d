"""mlcicd.yaml to `Config`, or every problem at once with its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml.comments import CommentedMap

from mlcicd import yamlio
from mlcicd.config.fields import FORMS
from mlcicd.config.model import Config
from mlcicd.config.placed import PlacedError
from mlcicd.errors import UsageError

FILE = "mlcicd.yaml"
VERSION = 1
MAX_BYTES = 256 * 1024
MAX_PROBLEMS = 20


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """One thing wrong with the file: `line` and `column` count from 1."""

    line: int
    column: int
    text: str

    def show(self, name: str, lines: Sequence[str]) -> str:
        """Print as `file:line:column: text`, then the source line and a caret."""
        head = f"{name}:{self.line}:{self.column}: {self.text}"
        if not 0 < self.line <= len(lines) or not lines[self.line - 1].strip():
            return head
        source = lines[self.line - 1]
        shown = "".join(char if char.isprintable() else " " for char in source[:160])
        return f"{head}\n  {shown}\n  {' ' * min(self.column - 1, 160)}^"


def load(path: Path) -> Config:
    """Read and check a configuration file.

    Raises:
        UsageError: naming every problem, sorted by place.
    """
    return parse(read(path), path.name)


def read(path: Path) -> str:
    """Return the file's text; a missing, huge or non-UTF-8 file is explained.

    Raises:
        UsageError: when there is no such text.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file", hint=_where_one_is(path)) from None
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read: {error.strerror}", hint="make it a file that this user may read"
        ) from None
    if len(raw) > MAX_BYTES:
        raise UsageError(
            f"{path}: {len(raw):,} bytes is too large for a configuration (limit {MAX_BYTES:,})",
            hint="is this the right file? `docs/config.md` and `mlcicd schema` list what belongs in it",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{path.name}:{line}: not UTF-8 text (byte {error.start})", hint="save the file as UTF-8"
        ) from None


def _where_one_is(path: Path) -> str:
    """Say what to do about a file that is not there; most often one is in a folder above."""
    above = [] if path.is_absolute() else path.parent.absolute().parents
    found = next((folder for folder in above if (folder / path.name).is_file()), None)
    return f"there is one in {found}: run this there" if found else "run `mlcicd init` to write one"


def parse(text: str, name: str = FILE) -> Config:
    """Turn the text of a configuration file into a `Config`; `name` is used in messages.

    Raises:
        UsageError: naming every problem, sorted by place.
    """
    lines = text.splitlines()
    try:
        tree = yamlio.load(text)
    except yamlio.Unreadable as error:
        raise _refuse(
            [Problem(line=error.place.line, column=error.place.column, text=error.reason)], name, lines
        ) from None
    if tree is None:
        raise UsageError(f"{name}: the file is empty", hint="delete it and run `mlcicd init` to write one")
    if not isinstance(tree, CommentedMap):
        raise _refuse([Problem(line=1, column=1, text=f"expected keys and values, got {_kind(tree)}")], name, lines)
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        # Each alternative of a union complains for itself; the first to speak knows the words that are allowed.
        found = {
            (problem.line, problem.column): problem
            for problem in (_problem(tree, detail) for detail in reversed(error.errors()))
        }
        problems = sorted(found.values())
        raise _refuse(problems, name, lines, _of_another_version(tree.get("version", 0))) from None


def _of_another_version(version: Any) -> str:
    """Say what to do about a file of another version; "" for one of ours."""
    if not isinstance(version, int) or isinstance(version, bool) or version == VERSION:
        return ""
    if version > VERSION:
        return f"the file is of a newer mlcicd (this one knows version {VERSION}): use that one"
    return f"the file is from before version {VERSION}: `mlcicd migrate` rewrites it, comments and all"


def _refuse(problems: Sequence[Problem], name: str, lines: Sequence[str], hint: str = "") -> UsageError:
    count = f"{len(problems)} problems" if len(problems) > 1 else "1 problem"
    shown = [problem.show(name, lines) for problem in problems[:MAX_PROBLEMS]]
    if len(problems) > MAX_PROBLEMS:
        shown.append(f"… and {len(problems) - MAX_PROBLEMS} more")
    return UsageError(
        f"{name}: {count}",
        detail="\n".join(shown),
        hint=hint or "`docs/config.md` and `mlcicd schema` list every key",
    )


def _problem(tree: CommentedMap, detail: Any) -> Problem:
    cause = (detail.get("ctx") or {}).get("error")
    path = list(cause.path) if isinstance(cause, PlacedError) else list(_real_path(tree, detail["loc"]))
    find = yamlio.key_place if detail["type"] == "extra_forbidden" else yamlio.place
    place = find(tree, path)
    where = f"{dotted(path)}: " if path else ""
    return Problem(line=place.line, column=place.column, text=where + _explain(detail, path))


def _real_path(tree: Any, loc: Sequence[str | int]) -> Iterator[str | int]:
    """Leave out of pydantic's location what is not in the file: the tags of unions, and `[key]`."""
    node = tree
    for index, step in enumerate(loc):
        inside = isinstance(node, dict) and step in node
        inside = inside or (isinstance(node, list) and isinstance(step, int) and step < len(node))
        if inside:
            node = node[step]
            yield step
        elif index == len(loc) - 1 and isinstance(node, dict) and _is_key(step):
            yield step


def _is_key(step: str | int) -> bool:
    return isinstance(step, str) and step.replace("-", "").isalnum() and step.islower() and step not in ("tuple", "str")


def dotted(path: Sequence[str | int]) -> str:
    """Print a path as people write it: `gates[0].metric`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _explain(detail: Any, path: Sequence[str | int]) -> str:
    """Say what was expected, what was found, and what was probably meant."""
    kind, value, context = detail["type"], detail["input"], detail.get("ctx") or {}
    if kind == "extra_forbidden":
        return "unknown key" + _suggest(str(path[-1]), known_keys(path[:-1]))
    if kind == "missing":
        return "is required"
    if kind in ("literal_error", "enum"):
        expected = str(context["expected"]).replace("'", "")
        known = expected.replace(" or ", ", ").split(", ")
        return f"expected {expected}, got {_show(value)}" + _nearest(str(value), known)
    if kind == "string_type" and isinstance(value, int | float) and not isinstance(value, bool):
        written = _written(value)
        if path[-1] == "timeout":
            return f"expected a duration, got the number {written}: add a unit, such as 30m, 6h or 2d"
        return f'expected text, got the number {written}: write it in quotes, "{written}"'
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return f"{_show(value)} is not {FORMS[context['pattern']]}"
    if kind == "too_short":
        return "needs at least one item"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"expected keys and values, got {_kind(value)}"
    if kind in ("tuple_type", "list_type"):
        return f"expected a list, got {_kind(value)}"
    message = str(detail["msg"])
    return f"{message[0].lower()}{message[1:]}, got {_show(value)}"


def known_keys(path: Sequence[str | int]) -> list[str]:
    """Return the keys allowed in the section at `path`."""
    section: Any = Config
    for step in path:
        if isinstance(step, int):
            continue
        field = (
            next((f for f in section.model_fields.values() if f.alias == step), None) if _is_model(section) else None
        )
        section = _section_of(field.annotation) if field else section
    return [field.alias or "" for field in section.model_fields.values()] if _is_model(section) else []


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _section_of(annotation: Any) -> Any:
    """Find the section class inside an annotation such as `tuple[Gate, ...]` or `Data | None`."""
    if _is_model(annotation):
        return annotation
    found = (_section_of(part) for part in getattr(annotation, "__args__", ()))
    return next((part for part in found if part is not None), None)


def _suggest(word: str, known: Sequence[str]) -> str:
    return _nearest(word, known) or (f"; known: {', '.join(known)}" if known else "")


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" — did you mean '{close[0]}'?" if close else ""


def _show(value: Any) -> str:
    if value is None or isinstance(value, bool | dict | list):
        text = str(value).lower() if isinstance(value, bool) else _kind(value)
    else:
        text = repr(str(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _written(value: float) -> str:
    """Return a number as it stands in the file: 3.10 is another Python than 3.1."""
    return yamlio.dump({"it": value}).removeprefix("it: ").strip()


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    return (
        f"{type(value).__name__.lower().replace('scalarstring', '')} {_show(value)}"
        if not isinstance(value, str)
        else f"text {_show(value)}"
    )
