"""`.mlcicd/`: the one folder of a repository that mlcicd works in; git never sees it."""

from __future__ import annotations

from pathlib import Path

from mlcicd.errors import UsageError

FOLDER = Path(".mlcicd")


def make(folder: Path = FOLDER) -> Path:
    """Create the folder, with a .gitignore of its own so that it never gets committed.

    Raises:
        UsageError: when a file is in its place.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        taken = next(place for place in (folder, *folder.parents) if place.is_symlink() or place.is_file())
        raise UsageError(
            f"{taken}: is a file, and mlcicd needs a folder of this name for its work",
            hint=f"move it away: mv {taken} {taken}.old; then run this again",
        ) from None
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return folder
