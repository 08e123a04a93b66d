"""Judge what is about to be published, in the checkout it was built from: `python3 -I .ci/release.py DIST TAG COMMIT`.

Expected are one wheel and one source archive of the tag's version; in the wheel the commit, every module, template and
action as they are here, and nothing beside the package. Anything else ends it with the reason.
"""

import json
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ("templates", "actions")


def main(dist: Path, tag: str, commit: str) -> None:
    """Compare the folder with the tag and the commit."""
    version = tag.removeprefix("v")
    wanted = {f"mlcicd-{version}-py3-none-any.whl", f"mlcicd-{version}.tar.gz"}
    found = {path.name for path in dist.iterdir() if path.suffix in (".whl", ".gz")}
    require(found == wanted, f"{dist} holds {sorted(found)}, and {tag} makes {sorted(wanted)}")
    with zipfile.ZipFile(dist / f"mlcicd-{version}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
        beside = {name for name in names if not name.startswith(("mlcicd/", f"mlcicd-{version}.dist-info/"))}
        require(not beside, f"the wheel holds what is no part of the package: {sorted(beside)}")
        require("mlcicd/_data/release.json" in names, "the wheel does not know its commit")
        known = json.loads(wheel.read("mlcicd/_data/release.json"))["commit"]
        require(known == commit, f"the wheel was built from {known}, and {tag} is {commit}")
        for path in sources():
            name = f"mlcicd/{path}" if path.startswith("_data/") else path
            require(name in names, f"the wheel lacks {name}")
            require(
                wheel.read(name) == (ROOT / path.removeprefix("_data/")).read_bytes(), f"{name} is not as it is here"
            )
    print(f"{tag}: {len(names)} files in the wheel, of commit {commit}")


def sources() -> "list[str]":
    """Return what the wheel must hold: the package's modules, and below `_data/` its templates and actions."""
    paths = [path for folder in ("mlcicd", *DATA) for path in sorted((ROOT / folder).rglob("*")) if path.is_file()]
    names = [path.relative_to(ROOT).as_posix() for path in paths if "__pycache__" not in path.parts]
    return [f"_data/{name}" if name.startswith(DATA) else name for name in names]


def require(holds: bool, reason: str) -> None:
    """End the program with the reason when it does not hold."""
    if not holds:
        sys.exit(f"not to be published: {reason}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
