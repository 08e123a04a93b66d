"""`mlcicd pins --update`: what is newest, from the forge and the registries or from a file, compared with the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mlcicd import pins, yamlio
from mlcicd.config.fields import PinValue
from mlcicd.errors import UsageError
from mlcicd.pinning import bumps, newest, registry
from mlcicd.pinning.table import Row

_VALUE: TypeAdapter[str] = TypeAdapter(PinValue)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What is newest: a value as `tool.pins` writes it, and the runtime of an action."""

    value: str
    runtime: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What an update would write, by name (an empty value: ours again), and what could not be asked."""

    values: Mapping[str, str]
    notices: tuple[str, ...]


def compare(rows: Sequence[Row], ask: Callable[[str], Fact | None]) -> Found:
    """Ask for what is newest of each row.

    Raises:
        Refused: for a retired runtime, or the same version at another commit.
        OutsideError: when somebody who was asked did not answer.
        UsageError: when there is no such registry.
    """
    values: dict[str, str] = {}
    notices = []
    for row in rows:
        try:
            fact = ask(row.name)
        except registry.Unnamed as error:
            notices.append(f"{error.message}: {error.hint}")
            continue
        if fact is None or fact.value == row.value or _is_older(row, fact.value):
            continue
        bumps.require_newer("the newest release", row, fact.value, fact.runtime)
        known = pins.KNOWN.get(row.name)
        values[row.name] = "" if known and known.value == fact.value else fact.value
    return Found(values=values, notices=tuple(notices))


def online(environ: Mapping[str, str], registry_address: str) -> Callable[[str], Fact]:
    """Return what asks the forge for actions and the registry for images."""
    api = newest.client(environ)

    def ask(name: str) -> Fact:
        if name in pins.KNOWN:
            pin = newest.newest(api, name)
            return Fact(value=pin.value, runtime=pin.runtime)
        return Fact(value=registry.digest(name, registry_address))

    return ask


def from_file(path: Path) -> Callable[[str], Fact | None]:
    """Return what looks facts up in a JSON or YAML file, for networks that reach neither.

    Its form: `actions/checkout: {version: v7.0.1, commit: …, runtime: node24}` and `python:3.12: sha256:…`.

    Raises:
        UsageError: when the file is not of this form.
    """
    try:
        tree = yamlio.load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yamlio.Unreadable) as error:
        raise UsageError(f"--from {path}: cannot be read: {error}") from None
    if not isinstance(tree, dict) or not all(isinstance(name, str) for name in tree):
        raise UsageError(f"--from {path}: must be a mapping of actions and images")
    facts = {name: _fact(path, name, value) for name, value in tree.items()}
    return facts.get


def _fact(path: Path, name: str, value: Any) -> Fact:
    runtime = ""
    if isinstance(value, dict):
        version, commit, runtime = (_text(value.get(key)) for key in ("version", "commit", "runtime"))
        value = f"{version}@{commit}"
    action = name in pins.KNOWN
    try:
        checked = _VALUE.validate_python(value)
    except ValidationError:
        checked = ""
    if not checked or checked.startswith("sha256:") == action or (action and not runtime):
        form = "{version: v1.2.3, commit: 40 digits, runtime: node24}" if action else "sha256:64 digits"
        raise UsageError(f"--from {path}: {name}: must be {form}")
    return Fact(value=checked, runtime=runtime)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_older(row: Row, value: str) -> bool:
    """Tell whether the table is ahead already, as with a pre-release that somebody pinned."""
    return row.name in pins.KNOWN and pins.order(value.partition("@")[0]) < pins.order(row.value.partition("@")[0])
