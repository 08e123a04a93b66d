"""Each folder in golden/ is a configuration and the exact files it makes.

After an intended change: `MLCICD_UPDATE_GOLDEN=1 uv run pytest tests/test_golden.py`, and review the difference.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML

from mlcicd import contributed, generate, readback, resources, yamlio
from mlcicd.config.load import load
from mlcicd.plan.build import build

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.name for path in GOLDEN.iterdir())
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCICD_COMMIT", COMMIT)


def tree(root: Path) -> dict[str, str]:
    """Every file but those of the team, and but the copied actions and the state, which have tests of their own."""
    others = ("mlcicd.yaml", "mlcicd.lock")
    paths = [path for path in sorted(root.rglob("*")) if path.is_file() and path.name not in others]
    texts = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in paths}
    return {path: text for path, text in texts.items() if not path.startswith((".github/mlcicd/", "ci/"))}


def made(case: str, folder: Path) -> dict[str, str]:
    shutil.copytree(GOLDEN / case, folder, ignore=shutil.ignore_patterns("expected"), dirs_exist_ok=True)
    generate.apply(generate.compare(folder / "mlcicd.yaml", folder), folder)
    return tree(folder)


@pytest.mark.parametrize("case", CASES)
def test_files_are_exactly_as_expected(case: str, tmp_path: Path) -> None:
    found, expected = made(case, tmp_path), GOLDEN / case / "expected"
    if os.environ.get("MLCICD_UPDATE_GOLDEN"):
        shutil.rmtree(expected, ignore_errors=True)
        for path, text in found.items():
            (expected / path).parent.mkdir(parents=True, exist_ok=True)
            (expected / path).write_text(text, encoding="utf-8")
    assert found == tree(expected)


@pytest.mark.parametrize("case", CASES)
def test_a_second_generation_changes_nothing(case: str, tmp_path: Path) -> None:
    first = made(case, tmp_path)
    again = generate.compare(tmp_path / "mlcicd.yaml", tmp_path)
    assert {change.kind for change in again.changes} == {"same"}
    generate.require_current(again)
    assert tree(tmp_path) == first


@pytest.mark.parametrize("case", CASES)
def test_both_yaml_versions_read_the_same(case: str) -> None:
    for path, text in tree(GOLDEN / case / "expected").items():
        old = yaml.safe_load(text)
        new = YAML(typ="safe", pure=True).load(text)
        # YAML 1.1 takes the key `on` for true; GitHub's own reader does not.
        old = {("on" if key is True else key): value for key, value in old.items()}
        assert old == new, path


@pytest.mark.parametrize("case", CASES)
def test_what_is_read_back_is_the_plan(case: str) -> None:
    """Graph, events, secrets, rights, gates, artifacts, limits: `test_readback.py` sees that a difference is found."""
    config = load(GOLDEN / case / "mlcicd.yaml")
    pipeline, _ = contributed.taken_in(build(config), config, GOLDEN / case, config.platforms)
    texts = tree(GOLDEN / case / "expected")
    names = {"github": ".github/workflows/mlcicd.yml", "gitlab": ".gitlab/mlcicd.yml"}
    for platform in config.platforms:
        assert list(readback.differences(platform, texts[names[platform]], pipeline)) == []


def test_vendored_actions_are_ours_with_a_line_in_front(tmp_path: Path) -> None:
    made("vendored", tmp_path)
    folder = tmp_path / ".github/mlcicd"
    copied = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"setup/action.yml", "setup/install.py", "setup/requirements.txt", "report/action.yml"} <= copied
    for name in copied:
        assert (folder / name).read_text("utf-8").split("\n", 1)[1] == (resources.find("actions") / name).read_text(
            "utf-8"
        )


def test_every_used_vendored_action_exists(tmp_path: Path) -> None:
    workflow = yamlio.load(made("vendored", tmp_path)[".github/workflows/mlcicd.yml"])
    used = {step["uses"] for job in workflow["jobs"].values() for step in job["steps"]}
    local = {name for name in used if name.startswith("./")}
    assert len(local) >= 6
    assert all((tmp_path / name / "action.yml").is_file() for name in local)
