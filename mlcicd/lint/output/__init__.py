"""How a result is shown: text for people, JSON for programs, SARIF for code scanning."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from mlcicd.errors import OutsideError
from mlcicd.lint.output import json, sarif, text
from mlcicd.lint.output.text import line, summary
from mlcicd.lint.run import Result

__all__ = ["line", "render", "save", "summary", "told"]

_FORMS: Mapping[str, Callable[[Result], str]] = {"text": text.render, "json": json.render, "sarif": sarif.render}


def render(result: Result, form: str) -> str:
    """Return the result as `text`, `json` or `sarif`; what is no Unicode in a file's name becomes `?`."""
    return _FORMS[form](result).encode("utf-8", "replace").decode()


def told(result: Result, form: str, output: Path | None) -> str:
    """Return what to print: the result, or, when that goes to a file, its summary.

    Raises:
        OutsideError: when the disk refuses.
    """
    if output is None:
        return render(result, form)
    save(output, click.unstyle(render(result, form)))
    return summary(result) + "\n"


def save(path: Path, content: str) -> None:
    """Write a result to a file, whole or not at all; folders above are made.

    Raises:
        OutsideError: when the disk refuses.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(content.encode())
        scratch.replace(path)
    except OSError as error:
        raise OutsideError(f"{path}: cannot be written: {error.strerror}", hint="choose another --output") from None
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
