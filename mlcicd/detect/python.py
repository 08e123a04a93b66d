"""How the project's environment is made, and with which Python. Nothing is executed; files are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from mlcicd.detect import versions
from mlcicd.detect.files import Folder, Seen, section

# Names that extras and dependency groups for testing usually have.
_FOR_TESTS = ("test", "tests", "testing", "dev")
_PIP = "uv venv --allow-existing && uv pip install"
_REQUIREMENTS = re.compile(r"(?:\w[\w.-]*)?requirements[\w.-]*\.txt", re.ASCII)
_FURTHER = re.compile(r"(requirements[-_.](dev|develop|test|tests|testing|ci)|(dev|test|tests)[-_.]requirements)\.txt")
_CONDA_PYTHON = re.compile(r"(?:[\w-]+::)?python\s*((?:[<>=!~]+\s*[0-9.*]+[,|\s]*)+)(?:=\w+)?")
_CONDA = ("environment.yml", "environment.yaml")


def install(folder: Folder, missing: Sequence[str] = ()) -> Seen[str] | None:
    """Return the shell command that makes `.venv`; None when no file describes an environment.

    Args:
        folder: the project.
        missing: requirements that no file names and the project's tests need; added where the command can.
    """
    project = folder.mapping("pyproject.toml")
    for found in (
        _locked(folder, project),
        _requirements(folder, project, missing),
        _conda(folder),
        _package(folder, project, missing),
    ):
        if found:
            return found
    return None


def describes(folder: Folder) -> bool:
    """Tell whether this folder's own files describe an environment."""
    return install(Folder(path=folder.path)) is not None


def version(folder: Folder) -> Seen[str] | None:
    """Return one Python, as "3.12", that every reader of the stated range would accept; None when none is stated."""
    for source, stated in _stated(folder):
        if chosen := versions.choose(stated):
            return Seen(value=chosen, source=f"{source}: {stated}")
        folder.note(source, f"no Python that mlcicd knows satisfies '{stated}'")
    return None


def _locked(folder: Folder, project: dict[str, Any]) -> Seen[str] | None:
    if folder.has("uv.lock"):
        return Seen(value=" ".join(["uv sync --frozen", *_for_tests(project)]), source="uv.lock")
    if folder.has("poetry.lock") or section(project, "tool", "poetry", "dependencies"):
        source = "poetry.lock" if folder.has("poetry.lock") else "pyproject.toml (poetry)"
        return Seen(value="POETRY_VIRTUALENVS_IN_PROJECT=true uvx poetry install", source=source)
    if folder.has("Pipfile.lock"):
        return Seen(value="PIPENV_VENV_IN_PROJECT=1 uvx pipenv sync --dev", source="Pipfile.lock")
    if folder.has("Pipfile"):
        return Seen(value="PIPENV_VENV_IN_PROJECT=1 uvx pipenv install --dev", source="Pipfile")
    return None


def _requirements(folder: Folder, project: dict[str, Any], missing: Sequence[str]) -> Seen[str] | None:
    files = _requirement_files(folder)
    if not files:
        return None
    package = folder.has("setup.py") or "build-system" in project
    # A requirements file often installs the package itself.
    package = package and not any(re.search(r"^-e ", folder.text(file), re.MULTILINE) for file in files)
    words = [*(f"-r {file}" for file in files), *(["-e ."] if package else []), *missing]
    return Seen(value=" ".join([_PIP, *words]), source=_sources(files, missing))


def _requirement_files(folder: Folder) -> list[str]:
    top = [name for name in folder.names() if _REQUIREMENTS.fullmatch(name)]
    files = [name for name in top if name == "requirements.txt" or _FURTHER.fullmatch(name)]
    files = sorted(files, key=lambda name: name != "requirements.txt")
    nested = [name for name in folder.names("requirements") if name.removesuffix(".txt") in ("base", *_FOR_TESTS)]
    # A single file of another name is the one; of several (-cpu, -gpu) a person has to choose.
    return files or [f"requirements/{name}" for name in nested] or (top if len(top) == 1 else [])


def _conda(folder: Folder) -> Seen[str] | None:
    file = next((name for name in _CONDA if folder.has(name)), None)
    if file is None:
        return None
    folder.note(file, "project.install needs conda on the machine; hosted runners keep it in $CONDA")
    # Hosted machines name their conda by $CONDA and do not have it on PATH.
    return Seen(value="${CONDA:+$CONDA/bin/}conda env update --prefix .venv --file " + file, source=file)


def _package(folder: Folder, project: dict[str, Any], missing: Sequence[str]) -> Seen[str] | None:
    if not ("project" in project or "build-system" in project or folder.has("setup.py")):
        return None
    extras = [name for name in _FOR_TESTS if name in section(project, "project", "optional-dependencies")]
    groups = [f"--group {name}" for name in _FOR_TESTS if name in section(project, "dependency-groups")]
    target = f"'.[{','.join(extras)}]'" if extras else "."
    source = "pyproject.toml" if project else "setup.py"
    return Seen(value=" ".join([_PIP, "-e", target, *groups, *missing]), source=_sources([source], missing))


def _for_tests(project: dict[str, Any]) -> list[str]:
    """Return uv's options for extras and groups made for tests; it installs the group `dev` by itself."""
    extras = [f"--extra {name}" for name in _FOR_TESTS if name in section(project, "project", "optional-dependencies")]
    groups = [f"--group {name}" for name in _FOR_TESTS[:-1] if name in section(project, "dependency-groups")]
    return extras + groups


def _sources(files: Sequence[str], missing: Sequence[str]) -> str:
    added = f"; {', '.join(missing)} added for the tests" if missing else ""
    return ", ".join(files) + added


def _stated(folder: Folder) -> Iterator[tuple[str, str]]:
    """Yield each place that names a Python version, and what it says."""
    project = folder.mapping("pyproject.toml")
    conda = next((name for name in _CONDA if folder.has(name)), "environment.yml")
    places = (
        (".python-version", next(iter(folder.text(".python-version").split()), None)),
        ("runtime.txt", folder.text("runtime.txt").strip()),
        ("pyproject.toml", section(project, "project").get("requires-python")),
        ("pyproject.toml", section(project, "tool", "poetry", "dependencies").get("python")),
        ("setup.cfg", section(folder.mapping("setup.cfg"), "options").get("python_requires")),
        ("Pipfile", section(folder.mapping("Pipfile"), "requires").get("python_version")),
        (conda, _conda_python(folder.mapping(conda).get("dependencies"))),
    )
    yield from ((source, stated) for source, stated in places if isinstance(stated, str) and stated)


def _conda_python(dependencies: Any) -> str | None:
    """Return what a line such as `python=3.11` says after the name, without conda's build string."""
    entries = dependencies if isinstance(dependencies, list) else []
    found = (_CONDA_PYTHON.fullmatch(entry.strip()) for entry in entries if isinstance(entry, str))
    return next((match[1] for match in found if match), None)
