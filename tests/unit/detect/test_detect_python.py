"""How the environment is made, and with which Python."""

from __future__ import annotations

import pytest

from mlcicd.detect import python, versions

PIP = "uv venv --allow-existing && uv pip install"
POETRY = "POETRY_VIRTUALENVS_IN_PROJECT=true uvx poetry install"
PROJECT = '[project]\nname = "a"\n'
EXTRAS = "[project.optional-dependencies]\nplots = []\ntest = []\ndev = []\n"


@pytest.mark.parametrize(
    ("files", "command", "source"),
    [
        ({"uv.lock": "", "requirements.txt": ""}, "uv sync --frozen", "uv.lock"),
        ({"uv.lock": "", "pyproject.toml": PROJECT + EXTRAS}, "uv sync --frozen --extra test --extra dev", "uv.lock"),
        (
            {"uv.lock": "", "pyproject.toml": PROJECT + "[dependency-groups]\ntest = []\ndev = []\n"},
            "uv sync --frozen --group test",
            "uv.lock",
        ),
        ({"poetry.lock": "", "pyproject.toml": ""}, POETRY, "poetry.lock"),
        (
            {"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.11"\n'},
            POETRY,
            "pyproject.toml (poetry)",
        ),
        ({"requirements.txt": ""}, f"{PIP} -r requirements.txt", "requirements.txt"),
        (
            {
                "requirements.txt": "",
                "requirements-dev.txt": "",
                "test-requirements.txt": "",
                "requirements-gpu.txt": "",
            },
            f"{PIP} -r requirements.txt -r requirements-dev.txt -r test-requirements.txt",
            "requirements.txt, requirements-dev.txt, test-requirements.txt",
        ),
        ({"requirements-ml.txt": ""}, f"{PIP} -r requirements-ml.txt", "requirements-ml.txt"),
        ({"requirements-cpu.txt": "", "requirements-gpu.txt": ""}, None, None),
        ({"; rm -rf requirements.txt": ""}, None, None),
        (
            {"requirements/base.txt": "", "requirements/dev.txt": "", "requirements/docs.txt": ""},
            f"{PIP} -r requirements/base.txt -r requirements/dev.txt",
            "requirements/base.txt, requirements/dev.txt",
        ),
        ({"requirements.txt": "numpy\n", "setup.py": ""}, f"{PIP} -r requirements.txt -e .", "requirements.txt"),
        ({"requirements.txt": "-e .\n", "setup.py": ""}, f"{PIP} -r requirements.txt", "requirements.txt"),
        (
            {"environment.yml": "name: a\n"},
            "${CONDA:+$CONDA/bin/}conda env update --prefix .venv --file environment.yml",
            "environment.yml",
        ),
        ({"Pipfile": ""}, "PIPENV_VENV_IN_PROJECT=1 uvx pipenv install --dev", "Pipfile"),
        ({"Pipfile": "", "Pipfile.lock": ""}, "PIPENV_VENV_IN_PROJECT=1 uvx pipenv sync --dev", "Pipfile.lock"),
        ({"setup.py": ""}, f"{PIP} -e .", "setup.py"),
        ({"pyproject.toml": PROJECT}, f"{PIP} -e .", "pyproject.toml"),
        ({"pyproject.toml": PROJECT + EXTRAS}, f"{PIP} -e '.[test,dev]'", "pyproject.toml"),
        (
            {"pyproject.toml": PROJECT + "[dependency-groups]\ndev = []\n"},
            f"{PIP} -e . --group dev",
            "pyproject.toml",
        ),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, None, None),
        ({"README.md": ""}, None, None),
    ],
)
def test_install(make, files: dict[str, str], command: str | None, source: str | None) -> None:
    found = python.install(make(files))
    assert (found.value if found else None, found.source if found else None) == (command, source)


def test_what_the_tests_miss_is_added(make) -> None:
    found = python.install(make({"requirements.txt": "numpy\n"}), ["pytest"])
    assert found is not None
    assert found.value == f"{PIP} -r requirements.txt pytest"
    assert found.source == "requirements.txt; pytest added for the tests"


@pytest.mark.parametrize(
    ("files", "version", "source"),
    [
        (
            {".python-version": "3.11.4\n", "pyproject.toml": '[project]\nrequires-python = ">=3.9"\n'},
            "3.11",
            ".python-version: 3.11.4",
        ),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.9,<3.12"\n'}, "3.11", "pyproject.toml: >=3.9,<3.12"),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.10"\n'}, "3.12", "pyproject.toml: ^3.10"),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = {version = "3"}\n'}, None, None),
        ({"setup.cfg": "[options]\npython_requires = <3.11\n"}, "3.10", "setup.cfg: <3.11"),
        ({"environment.yml": "dependencies:\n- python=3.10\n- pip: [x]\n"}, "3.10", "environment.yml: =3.10"),
        (
            {"environment.yml": "dependencies: [python-dotenv, 'conda-forge::python =3.9.1=h12_0']\n"},
            "3.9",
            "environment.yml: =3.9.1",
        ),
        ({"environment.yml": "dependencies: [python]\n"}, None, None),
        ({"environment.yml": "dependencies: python\n"}, None, None),
        ({"Pipfile": '[requires]\npython_version = "3.13"\n'}, "3.13", "Pipfile: 3.13"),
        ({"runtime.txt": "python-3.8.10\n"}, "3.8", "runtime.txt: python-3.8.10"),
        ({"README.md": ""}, None, None),
    ],
)
def test_version(make, files: dict[str, str], version: str | None, source: str | None) -> None:
    found = python.version(make(files))
    assert (found.value if found else None, found.source if found else None) == (version, source)


def test_an_unknown_version_is_noted_and_the_next_place_asked(make) -> None:
    folder = make({".python-version": "pypy3.10\n", "runtime.txt": "python-3.11"})
    found = python.version(folder)
    assert found is not None
    assert found.value == "3.11"
    assert folder.notices == [".python-version: no Python that mlcicd knows satisfies 'pypy3.10'"]


@pytest.mark.parametrize(
    ("stated", "chosen"),
    [
        (">=3.10", "3.12"),
        (">= 3.10, < 3.12", "3.11"),
        (">=3.10 <3.11", "3.10"),
        (">=3.13", "3.13"),
        (">3.12", "3.12"),  # 3.12.1 is more than 3.12
        ("<=3.11", "3.10"),  # 3.11.9 is more than 3.11
        ("<3.12.5", "3.11"),
        ("==3.11", "3.11"),
        ("==3.11.*", "3.11"),
        ("==3.11.4", "3.11"),
        ("===3.11.4", "3.11"),
        ("!=3.12.*,>=3.9", "3.13"),
        ("!=3.12.1", "3.12"),
        ("~=3.10", "3.12"),
        ("~=3.10.2", "3.10"),
        ("^3.10", "3.12"),
        ("~3.10", "3.10"),
        ("~3.10.2", "3.10"),
        ("3.9.* || ^3.13", "3.13"),
        ("*", "3.12"),
        ("3", "3.12"),
        ("3.13t", "3.13"),
        ("cpython-3.11.9-linux-x86_64-gnu", "3.11"),
        ("v3.11", "3.11"),
        ("2.7", None),
        (">=3.9,<3.9", None),
        (">=4", None),
        (">=3.10<3.12", None),
        ("", None),
        ("system", None),
        ("9" * 5000, None),
    ],
)
def test_choose(stated: str, chosen: str | None) -> None:
    assert versions.choose(stated) == chosen
