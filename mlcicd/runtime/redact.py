"""Records and files without secrets: what a verb leaves for other jobs and for people is made here."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin

from mlcicd.secrets import Redactor

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    Record = TypeVar("Record", bound=BaseModel)

# In a file of YAML `***` would be the name of an alias, and the file could not be read any more.
FILE_MASK = "hidden-by-mlcicd"
MAX_TEXT = 32 * 1024 * 1024  # bytes of a text that is rewritten; a larger one that holds a secret is left out
_CHUNK = 4 * 1024 * 1024


@dataclass
class _Walk:
    """Goes through a record, and counts the texts in which something was hidden."""

    redactor: Redactor
    count: int = 0

    def record(self, found: Record) -> Record:
        changed = {
            name: new
            for name, info in type(found).model_fields.items()
            if (new := self.value(old := getattr(found, name), info)) is not old
        }
        return found.model_copy(update=changed) if changed else found

    def value(self, value: Any, info: FieldInfo) -> Any:
        if isinstance(value, str):
            return value if _is_word(info.annotation) else self.text(value, info)
        if isinstance(value, tuple | list):
            new = [self.value(item, info) for item in value]
            return value if all(map(_same, new, value)) else type(value)(new)
        if isinstance(value, dict):
            pairs = {self.value(key, info): self.value(item, info) for key, item in value.items()}
            return value if all(map(_same, (*pairs, *pairs.values()), (*value, *value.values()))) else pairs
        return self.record(value) if hasattr(value, "model_copy") else value

    def text(self, text: str, info: FieldInfo) -> str:
        shown = self.redactor.hide(text)
        if shown == text:
            return text
        self.count += 1
        if pattern := next((item.pattern for item in info.metadata if getattr(item, "pattern", None)), None):
            return "" if re.search(pattern, "") else text
        return shown[: len(text)]  # a mask that is longer than what it hides must not make a text too long


def record(found: Record, redactor: Redactor) -> tuple[Record, int]:
    """Hide secrets in every free text of a record: words of a fixed list stay, an address with a secret becomes "".

    Returns:
        The record, and in how many of its texts something was hidden.
    """
    walk = _Walk(redactor=redactor)
    return walk.record(found), walk.count


def copy(source: Path, target: Path, redactor: Redactor) -> Literal["same", "hidden", "left out"]:
    """Copy a file without the secrets in it; one that cannot be rewritten (a picture, a large text) is left out.

    Of what looks like a token only such shapes count as nothing else has: a data set may well hold `password=…`.

    Raises:
        OSError: when it cannot be read or written.
    """
    size = source.stat().st_size
    raw = source.read_bytes() if size <= MAX_TEXT else b""
    if size > MAX_TEXT or b"\0" in raw:
        if any(map(redactor.holds, _windows(source, _overlap(redactor)))):
            return "left out"
        shutil.copyfile(source, target)
        return "same"
    text = raw.decode("utf-8", "surrogateescape")
    shown = redactor.hide(text, FILE_MASK, said=False)
    target.write_bytes(raw if shown == text else shown.encode("utf-8", "surrogateescape"))
    return "same" if shown == text else "hidden"


def in_place(path: Path, redactor: Redactor) -> Literal["same", "hidden", "left out"]:
    """Hide secrets in a file that a program of the project wrote for us; one that cannot be rewritten is removed."""
    scratch = path.with_name(f"{path.name}.tmp")
    done = copy(path, scratch, redactor)
    if done == "hidden":
        scratch.replace(path)
    elif done == "left out":
        path.unlink()
    scratch.unlink(missing_ok=True)
    return done


def _windows(path: Path, overlap: int) -> Iterator[bytes]:
    """Yield a file in pieces that share `overlap` bytes, so that nothing is cut in two."""
    with path.open("rb") as stream:
        rest = b""
        while piece := stream.read(_CHUNK):
            yield rest + piece
            rest = (rest + piece)[-overlap:] if overlap else b""


def _overlap(redactor: Redactor) -> int:
    return max((len(form.encode("utf-8", "surrogateescape")) for form in redactor.forms), default=0)


def _is_word(annotation: Any) -> bool:
    """Tell whether a field takes words of a fixed list."""
    return get_origin(annotation) is Literal or any(map(_is_word, get_args(annotation)))


def _same(one: object, other: object) -> bool:
    return one is other
