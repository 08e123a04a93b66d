"""The example repository that the pipelines run on, made once for a worker, and what they install."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcicd import demo
from tests.e2e.harness import platforms
from tests.e2e.harness import repo as repository
from tests.e2e.harness.platforms import Platform
from tests.e2e.harness.tools import Tools

ROOT = Path(__file__).parents[2]
# The plug-ins of the remotes that tests have a server for; the demo itself needs none.
REMOTES = ("dvc-s3==3.3.0", "dvc-ssh==4.3.0")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="session")
def environment(tools: Tools) -> Path:
    """A virtual environment with the example's requirements, so that not every job installs them again.

    That jobs can install them is seen by the demo, which takes no such short cut.
    """
    requirements = ROOT / "templates/demo/requirements.txt"
    known = requirements.read_bytes() + " ".join(REMOTES).encode() + sys.version.encode()
    stamp = hashlib.sha256(known).hexdigest()[:16]
    folder = tools.cache / f"example-{stamp}"
    with (tools.cache / "example.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            uv("venv", "--quiet", "--python", sys.executable, str(folder))
            install = ("pip", "install", "--quiet", "--compile-bytecode", "--python", str(folder))
            uv(*install, "-r", str(requirements), *REMOTES)
            (folder / "ready").touch()
    return folder


@pytest.fixture(scope="session")
def programs(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A folder with uv for the PATH of jobs, as many runners have it; that it is not needed has a test of its own."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "uv").symlink_to(tools.program("uv"))
    return [folder]


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository as a forge would serve it for `uses: mlcicd/mlcicd/actions/…@COMMIT`."""
    return repository.snapshot(ROOT, tmp_path_factory.mktemp("published") / "mlcicd")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, for where a requirement installs mlcicd; it knows COMMIT as the one it was released from."""
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT), MLCICD_COMMIT=COMMIT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory, environment: Path, wheel: Path) -> demo.Demo:
    """The demo's repository on its main branch, with CI; only where things are installed from is changed."""
    made = demo.build(tmp_path_factory.mktemp("example") / "demo", environment=environment)
    os.environ["MLCICD_COMMIT"] = COMMIT
    try:
        demo.adopt(made)
        settings = made.repo / "mlcicd.yaml"
        text = re.sub(r"(?m)^  install: .*$", f"  install: ln -sfn {environment} .venv", settings.read_text("utf-8"))
        settings.write_text(f"{text}\ntool:\n  source: {wheel}\n", encoding="utf-8")
        assert made.shell.mlcicd("generate") == 0
    finally:
        del os.environ["MLCICD_COMMIT"]
    repository.commit(made.repo, "Install from here")
    return made


@pytest.fixture
def clone(example: demo.Demo, tmp_path: Path) -> demo.Demo:
    """The example for one test: a repository of its own on a branch `feature`, the DVC remote shared."""
    folder = tmp_path / "clone"
    repository.git(tmp_path, "clone", "--quiet", str(example.repo), str(folder / "repo"))
    for key, value in (("user.name", "Ada"), ("user.email", "ada@example.com")):
        repository.git(folder / "repo", "config", key, value)
    (folder / "repo/.venv").symlink_to((example.repo / ".venv").resolve(), target_is_directory=True)
    repository.git(folder / "repo", "switch", "--quiet", "--create", "feature")
    return demo.Demo(folder=folder, shell=demo.Shell(folder=folder / "repo"))


@pytest.fixture(params=["github", "gitlab"])
def platform(request: pytest.FixtureRequest) -> Platform:
    """Each platform in turn."""
    made: Platform = request.getfixturevalue(f"on_{request.param}")
    return made


@pytest.fixture
def on_github(act: Any, github_forge: Any, published: Path, programs: list[Path], tools: Tools) -> Platform:
    """GitHub: act, and a forge of our own."""
    return platforms.github(act, github_forge, published, programs, tools)


@pytest.fixture
def on_gitlab(gitlab: Any, gitlab_forge: Any, programs: list[Path]) -> Platform:
    """GitLab: gitlab-ci-local, and a forge of our own."""
    return platforms.gitlab(gitlab, gitlab_forge, programs)


def uv(*arguments: str, **variables: str) -> None:
    """Run uv, which must succeed."""
    done = subprocess.run(
        ["uv", *arguments],
        env={"UV_SYSTEM_CERTS": "true", **os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
