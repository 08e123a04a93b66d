"""How the repository's own tests are run."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlcicd.detect.files import Folder, Seen, section

FOLDERS = ("tests", "test")
# Files that say so when pytest is used, by configuration or as a requirement.
_TELLING = (
    "pyproject.toml",
    "pytest.ini",
    "setup.cfg",
    "tox.ini",
    "setup.py",
    "Pipfile",
    "environment.yml",
    "conftest.py",
)
_RUNNERS = {"tox.ini": "uvx tox", "noxfile.py": "uvx nox"}
_TEST_FILE = re.compile(r"test_.*\.py|.*_test\.py")


@dataclass(frozen=True, kw_only=True)
class Tests:
    """The command and what it was inferred from; `missing` names what it needs and no file asks for."""

    command: Seen[str]
    missing: tuple[str, ...] = ()


def look(folder: Folder) -> Tests | None:
    """Return how tests are run; None when no test was seen."""
    home, files = _files(folder)
    if files:
        source = f"{home}/" if home else files[0]
        return _by_files(folder, home, files, source)
    if configured := _configured(folder):
        return Tests(command=Seen(value="pytest -q", source=configured))
    runner = next((name for name in _RUNNERS if folder.has(name)), None)
    return Tests(command=Seen(value=_RUNNERS[runner], source=runner)) if runner else None


def _by_files(folder: Folder, home: str, files: list[str], source: str) -> Tests:
    if _names_pytest(folder):
        return Tests(command=Seen(value="pytest -q", source=source))
    texts = [folder.text(name) for name in files[:20]]
    if all(re.search(r"^\s*(import|from) unittest\b", text, re.MULTILINE) for text in texts):
        command = f"python -m unittest discover {home}".rstrip()
        return Tests(command=Seen(value=command, source=f"{source}, which imports unittest"))
    return Tests(command=Seen(value="pytest -q", source=source), missing=("pytest",))


def _files(folder: Folder) -> tuple[str, list[str]]:
    """Return the test folder ("" for the project's own) and the test files in it."""
    for home in FOLDERS:
        if found := folder.find(_is_test, home):
            return home, found
    return "", [name for name in folder.names() if _is_test(name)]


def _is_test(name: str) -> bool:
    return bool(_TEST_FILE.fullmatch(name))


def _configured(folder: Folder) -> str:
    """Return the file that configures pytest, "" when none does."""
    if folder.has("pytest.ini"):
        return "pytest.ini"
    if section(folder.mapping("pyproject.toml"), "tool", "pytest"):
        return "pyproject.toml"
    return "setup.cfg" if "tool:pytest" in folder.mapping("setup.cfg") else ""


def _names_pytest(folder: Folder) -> bool:
    names = (*_TELLING, *(name for name in folder.names() if "requirements" in name or name.endswith(".lock")))
    nested = (f"requirements/{name}" for name in folder.names("requirements"))
    return any("pytest" in folder.text(name) for name in (*names, *nested))
