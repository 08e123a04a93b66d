"""Files that are the team's own from the moment they are written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from mlcicd import release, resources
from mlcicd.cli import cli
from mlcicd.config.load import parse
from mlcicd.errors import UsageError
from mlcicd.plan.build import build
from mlcicd.platforms import PLATFORMS

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BOTH = "version: 1\nplatforms: [github, gitlab]\ntrain: {}\n"
DEPENDABOT, RENOVATE, ACTIONLINT = ".github/dependabot.yml", "renovate.json", ".github/actionlint.yaml"


@pytest.fixture(autouse=True)
def _commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCICD_COMMIT", COMMIT)


def generated(root: Path, config: str) -> str:
    (root / "mlcicd.yaml").write_text(config, "utf-8")
    done = CliRunner().invoke(cli, ["generate", "--root", str(root)])
    assert done.exit_code == 0, done.exception
    return done.output


def seeds(root: Path) -> set[str]:
    return {name for name in (DEPENDABOT, RENOVATE, ACTIONLINT) if (root / name).exists()}


@pytest.mark.parametrize(
    ("config", "made"),
    [
        (BOTH, {DEPENDABOT}),
        (f"{BOTH}tool: {{updates: dependabot}}\n", {DEPENDABOT}),
        (f"{BOTH}tool: {{updates: renovate}}\n", {RENOVATE}),
        (f"{BOTH}tool: {{updates: none}}\n", set()),
        ("version: 1\nplatforms: [gitlab]\ntrain: {}\n", set()),
        ("version: 1\nplatforms: [gitlab]\ntrain: {}\ntool: {updates: renovate}\n", {RENOVATE}),
    ],
)
def test_who_keeps_pins_new(tmp_path: Path, config: str, made: set[str]) -> None:
    assert generated(tmp_path, config).count(RENOVATE) == (RENOVATE in made)
    assert seeds(tmp_path) == made


@pytest.mark.parametrize("place", [".github/dependabot.yaml", ".github/renovate.json5", "renovate.json", ".renovaterc"])
def test_one_that_is_there_is_enough(tmp_path: Path, place: str) -> None:
    (tmp_path / ".github").mkdir()
    (tmp_path / place).write_text("{}\n")
    generated(tmp_path, BOTH)
    assert not (tmp_path / DEPENDABOT).exists()
    assert (tmp_path / place).read_text() == "{}\n"


def test_dependabot_that_is_asked_for_stands_beside_renovate(tmp_path: Path) -> None:
    (tmp_path / RENOVATE).write_text("{}\n")
    generated(tmp_path, f"{BOTH}tool: {{updates: dependabot}}\n")
    assert seeds(tmp_path) == {DEPENDABOT, RENOVATE}


def test_a_file_without_actions_is_left_alone_and_the_line_is_named(tmp_path: Path) -> None:
    (tmp_path / ".github").mkdir()
    (tmp_path / DEPENDABOT).write_text("version: 2\nupdates: []\n")
    assert "add to .github/dependabot.yml the package-ecosystem github-actions" in generated(tmp_path, BOTH)
    assert (tmp_path / DEPENDABOT).read_text() == "version: 2\nupdates: []\n"


def test_vendored_actions_are_looked_at_too(tmp_path: Path) -> None:
    generated(tmp_path, "version: 1\ntrain: {}\ntool: {actions: vendored, source: mlcicd==0.1.0}\n")
    update = yaml.safe_load((tmp_path / DEPENDABOT).read_text())["updates"][0]
    assert update["directories"] == ["/", "/.github/mlcicd/*"]
    assert update["cooldown"] == {"default-days": 7}
    assert update["groups"] == {"actions": {"patterns": ["*"]}}


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ("[self-hosted, linux, a100, bigmem]", ["a100", "bigmem"]),
        ("[ubuntu-24.04-gpu]", ["ubuntu-24.04-gpu"]),
        ("[self-hosted, Linux, X64]", None),
        ("[ubuntu-24.04-arm]", None),
    ],
)
def test_labels_of_the_teams_are_told_to_actionlint(tmp_path: Path, labels: str, told: list[str] | None) -> None:
    config = f"version: 1\ntrain: {{runner: gpu}}\nrunners: {{gpu: {{github: {labels}}}}}\n"
    generated(tmp_path, config)
    assert (ACTIONLINT in seeds(tmp_path)) == bool(told)
    if told:
        assert yaml.safe_load((tmp_path / ACTIONLINT).read_text()) == {"self-hosted-runner": {"labels": told}}


def test_a_pin_that_would_do_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(f"{BOTH}tool: {{pins: {{a/b: v1.0.0@{COMMIT}}}}}\n")
    error = CliRunner().invoke(cli, ["generate", "--root", str(tmp_path)]).exception
    assert isinstance(error, UsageError)
    assert "a/b is used nowhere" in error.message


def renovate() -> dict[str, list[dict[str, list[str]]]]:
    made = json.loads((resources.find("templates") / "renovate.json").read_text("utf-8"))
    assert isinstance(made, dict)
    return made


def test_renovate_finds_mlcicd_where_it_is_named() -> None:
    manager = renovate()["customManagers"][0]
    # Renovate writes named groups as JavaScript does.
    pattern = re.compile(manager["matchStrings"][0].replace("(?<", "(?P<"))
    files = [re.compile(one.strip("/").replace("\\/", "/")) for one in manager["managerFilePatterns"]]
    config = f"{BOTH}tool: {{source: 'mlcicd==0.1.0'}}\n"
    made = PLATFORMS["gitlab"].files(build(parse(config, "")), release.Release(version="0.1.0", commit=COMMIT))
    for path, text in {**made, "mlcicd.yaml": config}.items():
        assert any(one.search(path) for one in files)
        found = pattern.search(text)
        assert found, path
        assert found.groupdict() == {"depName": "mlcicd", "currentValue": "0.1.0"}


IMAGE = "sha256:" + "d" * 64


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"    actions/checkout: v7.1.0@{COMMIT}", [("github-tags", "actions/checkout", "v7.1.0", COMMIT)]),
        (f"pins: {{a/b: 'v1@{COMMIT}', x: 1}}", [("github-tags", "a/b", "v1", COMMIT)]),
        (f"    python:3.12: {IMAGE}", [("docker", "python", "3.12", IMAGE)]),
        (f'  team.example/cuda:12-x: "{IMAGE}"', [("docker", "team.example/cuda", "12-x", IMAGE)]),
        (f"runners: {{gpu: {{image: team/cuda:1@{IMAGE}}}}}", [("docker", "team/cuda", "1", IMAGE)]),
        ("runners: {gpu: {image: team/cuda:1}}", []),
        ("    python: '3.12'", []),
    ],
)
def test_renovate_finds_pins_in_the_configuration(line: str, found: list[tuple[str, ...]]) -> None:
    seen = [
        (str(manager["datasourceTemplate"]), *match.groups())
        for manager in renovate()["customManagers"]
        if manager["datasourceTemplate"] != "pypi"
        for pattern in manager["matchStrings"]
        for match in re.finditer(pattern.replace("(?<", "(?P<"), line)
    ]
    assert seen == found


def test_renovate_changes_no_tag_that_mlcicd_writes() -> None:
    rule = renovate()["packageRules"][1]
    assert rule["enabled"] is False
    assert rule["matchUpdateTypes"] == ["major", "minor", "patch"]
    assert {".gitlab/mlcicd.yml", ".github/workflows/mlcicd*.yml"} <= set(rule["matchFileNames"])
