"""Where the files beside the code are, in a wheel and in a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def find(name: str) -> Path:
    """Return the folder `name` ("templates" or "actions").

    A wheel carries it under `mlcicd/_data`; a checkout (and an editable install, whose copied data
    would go stale) has it beside the package.
    """
    packed = PACKAGE / "_data" / name
    return packed if packed.is_dir() else PACKAGE.parent / name
