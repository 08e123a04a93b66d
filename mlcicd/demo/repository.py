"""The example repository: as a team has it, then with its CI, then with a change on a branch."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from mlcicd import resources
from mlcicd.demo.shell import Say, Shell
from mlcicd.errors import OutsideError, UsageError
from mlcicd.platforms import PLATFORMS

MARKER = ".mlcicd-demo"
BRANCH = "more-trees"
CHANGE = ("n_estimators: 10", "n_estimators: 200")
# Of this one repository, so that a machine without an identity, or with signing and hooks of its own, can commit.
GIT_CONFIG = {
    "user.name": "mlcicd demo",
    "user.email": "demo@mlcicd.invalid",
    "commit.gpgsign": "false",
    "core.hooksPath": ".git/hooks",
}


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Where the example is; `folder` is absolute."""

    folder: Path
    shell: Shell

    @property
    def repo(self) -> Path:
        """The git repository."""
        return self.folder / "repo"

    @property
    def remote(self) -> Path:
        """The DVC remote, a folder beside the repository."""
        return self.folder / "remote"


def build(folder: Path, *, environment: Path | None = None, say: Say | None = None) -> Demo:
    """Make the example repository as a team has it before mlcicd: trained, committed, its data pushed.

    Args:
        folder: made when absent; must be empty or of an earlier demo, which is replaced.
        environment: a virtual environment with the example's requirements, linked as `.venv`; made when absent.
        say: called with every line a person should see; without it all is silent.

    Raises:
        UsageError: when the folder holds anything else; nothing is touched then.
        OutsideError: when a program is missing or fails.
    """
    folder = folder.absolute()
    demo = Demo(folder=folder, shell=Shell(folder=folder / "repo", say=say))
    _clear(demo)
    demo.shell.tell("# A repository: scikit-learn, DVC with its remote on disk, Great Expectations, tests")
    shutil.copytree(resources.find("templates") / "demo", demo.repo, ignore=shutil.ignore_patterns("__pycache__"))
    demo.shell.tell(f"$ cd {shlex.quote(str(demo.repo))}")
    _start(demo, environment)
    demo.shell.type("python src/collect.py")
    demo.shell.type("dvc init --quiet")
    demo.shell.type(f"dvc remote add --default storage {shlex.quote(str(demo.remote))}")
    demo.shell.type("dvc add --quiet data/raw.csv")
    demo.shell.type("dvc repro")
    demo.shell.type("dvc push")
    _commit(demo, "Tell benign from malignant with a random forest")
    return demo


def adopt(demo: Demo) -> None:
    """Give the repository its CI for every platform, and commit it.

    Raises:
        OutsideError: when `mlcicd` fails; it has said why.
    """
    demo.shell.tell("\n# Its CI, for every platform")
    _require(demo, "init")
    platforms = f"platforms: [{', '.join(PLATFORMS)}]"
    demo.shell.tell(f"$ sed -i 's/^platforms: .*/{platforms}/' mlcicd.yaml")
    _edit(demo.repo / "mlcicd.yaml", r"(?m)^platforms: .*", platforms)
    _require(demo, "generate")
    _commit(demo, "Check the data, train, compare and report in CI")


def change(demo: Demo) -> None:
    """Commit another parameter on a branch, as a data scientist would before opening a pull request."""
    old, new = CHANGE
    demo.shell.tell("\n# A change: 200 trees in place of 10")
    demo.shell.type(f"git switch --quiet --create {BRANCH}")
    demo.shell.tell(f"$ sed -i 's/{old}/{new}/' params.yaml")
    _edit(demo.repo / "params.yaml", rf"\b{old}\b", new)
    _commit(demo, "Grow 200 trees")


def _clear(demo: Demo) -> None:
    """Make the folder ours, and remove what an earlier demo made in it."""
    marker = demo.folder / MARKER
    if not marker.exists() and demo.folder.exists() and (not demo.folder.is_dir() or any(demo.folder.iterdir())):
        raise UsageError(
            f"{demo.folder}: neither an empty folder nor one that `mlcicd demo` made; nothing was touched",
            hint="name another folder: mlcicd demo --dir NEW",
        )
    try:
        demo.folder.mkdir(parents=True, exist_ok=True)
        marker.write_text("`mlcicd demo` makes repo/ and remote/ here, and makes them anew when it is run again.\n")
        for old in (demo.repo, demo.remote):
            if old.exists():
                demo.shell.tell(f"removing {old}, of an earlier demo")
                shutil.rmtree(old)
    except OSError as error:
        raise OutsideError(f"{error.filename or demo.folder}: {error.strerror}") from None


def _start(demo: Demo, environment: Path | None) -> None:
    """Make the git repository and the project's environment."""
    demo.shell.type("git init --quiet --initial-branch main")
    for key, value in GIT_CONFIG.items():
        demo.shell.run(["git", "config", key, value])
    # The project runs on the Python that is here, so that none has to be downloaded.
    python = f"{sys.version_info.major}.{sys.version_info.minor}\n"
    (demo.repo / ".python-version").write_text(python, encoding="utf-8")
    if environment:
        (demo.repo / ".venv").symlink_to(environment.absolute(), target_is_directory=True)
    else:
        demo.shell.type("uv venv")
        demo.shell.type("uv pip install -r requirements.txt")


def _edit(file: Path, pattern: str, replacement: str) -> None:
    file.write_text(re.sub(pattern, replacement, file.read_text("utf-8")), encoding="utf-8")


def _commit(demo: Demo, message: str) -> None:
    demo.shell.type("git add --all")
    demo.shell.type(f"git commit --quiet --message {shlex.quote(message)}")


def _require(demo: Demo, verb: str) -> None:
    if code := demo.shell.mlcicd(verb):
        raise OutsideError(f"`mlcicd {verb}` ended with exit status {code} in {demo.repo}")
