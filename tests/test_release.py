"""What is published: the workflow that may, what it judges, and the script that renews our own pins."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from mlcicd import __version__
from mlcicd.pins import ATTEST, CHECKOUT

ROOT = Path(__file__).parent.parent
COMMIT = "a" * 40
TAG = f"v{__version__}"
WHEEL = f"mlcicd-{__version__}-py3-none-any.whl"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"ci_{name}", ROOT / f".ci/{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PINS = script("pins")


def workflow() -> dict[str, Any]:
    made = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))
    assert isinstance(made, dict)
    return made


def test_only_a_tag_starts_it() -> None:
    assert workflow()[True] == {"push": {"tags": ["v*"]}}


def test_what_signs_or_publishes_has_an_environment_and_no_code() -> None:
    jobs = workflow()["jobs"]
    trusted = {id: job for id, job in jobs.items() if "id-token" in job["permissions"]}
    assert set(trusted) == {"attest", "publish"}
    for job in trusted.values():
        assert job["environment"] == "release"
        assert all("actions/checkout@" not in step.get("uses", "") for step in job["steps"])
        assert "sha256sum --check --strict SHA256SUMS" in job["steps"][1]["run"]
    assert jobs["build"]["permissions"] == {"contents": "read"}


def test_everything_is_installed_by_its_hash() -> None:
    lines = [
        line
        for job in workflow()["jobs"].values()
        for step in job["steps"]
        for line in step.get("run", "").splitlines()
    ]
    installing = [line for line in lines if "install" in line or "uv build" in line]
    assert len(installing) == 6
    assert all("--require-hashes" in line or "--no-deps release/dist/*.whl" in line for line in installing)
    for name in ("sbom", "backend"):
        assert "--hash=sha256:" in (ROOT / f".ci/{name}.txt").read_text("utf-8")


FILES = {
    "mlcicd/__init__.py": "mlcicd/__init__.py",
    "actions/setup/install.py": "mlcicd/_data/actions/setup/install.py",
    "templates/a.yml.j2": "mlcicd/_data/templates/a.yml.j2",
}


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A folder as a build would leave it, in a small checkout with the script."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/release.py", tmp_path / ".ci")
    (made := tmp_path / "dist").mkdir()
    with zipfile.ZipFile(made / WHEEL, "w") as wheel:
        for source, name in FILES.items():
            (tmp_path / source).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / source).write_text(source, "utf-8")
            wheel.writestr(name, source)
        wheel.writestr("mlcicd/_data/release.json", json.dumps({"commit": COMMIT}))
        wheel.writestr(f"mlcicd-{__version__}.dist-info/METADATA", "")
    (made / f"mlcicd-{__version__}.tar.gz").touch()
    (made / "release.json").touch()
    return made


def judge(dist: Path, tag: str = TAG, commit: str = COMMIT) -> str:
    command = [sys.executable, "-I", str(dist.parent / ".ci/release.py"), str(dist), tag, commit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == done.stderr.startswith("not to be published: "), done.stderr
    return done.stdout + done.stderr


def test_what_is_as_it_should_be_is_published(dist: Path) -> None:
    assert judge(dist) == f"{TAG}: 5 files in the wheel, of commit {COMMIT}\n"


def test_another_tag_or_commit_is_not(dist: Path) -> None:
    assert "v9.0.0 makes" in judge(dist, tag="v9.0.0")
    assert f"was built from {COMMIT}" in judge(dist, commit="b" * 40)


def test_a_second_wheel_is_not(dist: Path) -> None:
    (dist / "mlcicd-0.0.9-py3-none-any.whl").touch()
    assert "mlcicd-0.0.9" in judge(dist)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("tests/x.py", "", "no part of the package: ['tests/x.py']"),
        ("mlcicd.pth", "import os", "no part of the package"),
    ],
)
def test_a_wheel_with_more_is_not(dist: Path, name: str, text: str, words: str) -> None:
    with zipfile.ZipFile(dist / WHEEL, "a") as wheel:
        wheel.writestr(name, text)
    assert words in judge(dist)


@pytest.mark.parametrize(("change", "words"), [(None, "lacks"), (b"changed", "is not as it is here")])
def test_a_wheel_with_less_or_other_files_is_not(dist: Path, change: bytes | None, words: str) -> None:
    name = "mlcicd/_data/actions/setup/install.py"
    with zipfile.ZipFile(dist / WHEEL) as old:
        files = {one: old.read(one) for one in old.namelist()}
    with zipfile.ZipFile(dist / WHEEL, "w") as new:
        for one, text in files.items():
            if one != name or change:
                new.writestr(one, (change or b"") if one == name else text)
    assert f"{name} {words}" in judge(dist) or f"{words} {name}" in judge(dist)


def test_our_own_pins_are_renewed_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ["mlcicd/pins.py", ".github/workflows/release.yml", "actions/cache/action.yml"]
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    facts = tmp_path / "facts.yaml"
    facts.write_text(f"actions/checkout: {{version: v7.9.0, commit: {COMMIT}, runtime: node24}}\n", "utf-8")
    monkeypatch.setattr(PINS, "ROOT", tmp_path)
    PINS.main(str(facts))
    table, release, cache = ((tmp_path / name).read_text("utf-8") for name in files)
    assert f'version="v7.9.0",\n    commit="{COMMIT}"' in table
    assert f"actions/checkout@{COMMIT} # v7.9.0" in release
    assert CHECKOUT.commit not in table + release
    assert ATTEST.commit in table
    assert cache == (ROOT / "actions/cache/action.yml").read_text("utf-8")
