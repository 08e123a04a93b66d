"""What Great Expectations keeps in a repository: checkpoints, by name."""

from __future__ import annotations

from mlcicd.detect.files import Folder, Seen

# GX 1.x makes `gx/` and still opens the folder that 0.x made.
FOLDERS = ("gx", "great_expectations")


def look(folder: Folder) -> Seen[tuple[str, ...]] | None:
    """Return the names of the checkpoints; None without a GX project. Nothing of GX is imported."""
    home = next((name for name in FOLDERS if folder.has(f"{name}/great_expectations.yml")), None)
    home = home or next((name for name in FOLDERS if folder.names(f"{name}/checkpoints")), None)
    if home is None:
        return None
    place = f"{home}/checkpoints"
    files = folder.names(place)
    if any(name.endswith((".yml", ".yaml")) for name in files):
        folder.note(place, "checkpoints of Great Expectations 0.x (YAML) are left out: mlcicd runs 1.x (JSON)")
    found = (_name(folder, place, file) for file in files if file.endswith(".json"))
    return Seen(value=tuple(dict.fromkeys(name for name in found if name)), source=place)


def _name(folder: Folder, place: str, file: str) -> str:
    content = folder.mapping(f"{place}/{file}")
    name = content.get("name", file.removesuffix(".json")) if content else ""
    return name if isinstance(name, str) else ""
