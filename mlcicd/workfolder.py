"""`.mlcicd/`: the one folder of a repository that mlcicd works in; git never sees it."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(".mlcicd")


def make(folder: Path = FOLDER) -> Path:
    """Create the folder, with a .gitignore of its own so that it never gets committed."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return folder
