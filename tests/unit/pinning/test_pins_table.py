"""What the table of pins shows, and what its check refuses."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlcicd.errors import Refused, UsageError
from mlcicd.pinning import scan
from mlcicd.pins import CHECKOUT, KNOWN, order, resolve
from tests.unit.pinning.conftest import Repository

BOTH = "version: 1\nplatforms: [github, gitlab]\ntrain: {}\n"
VENDORED = "version: 1\ntrain: {}\ntool: {actions: vendored, source: mlcicd==0.1.0}\n"
DIGEST = "sha256:" + "d" * 64
NEWER = "v7.9.0@" + "a" * 40
WORKFLOW = ".github/workflows/mlcicd.yml"


def test_every_name_is_shown_with_its_version_and_where_it_stands(repository: Repository) -> None:
    lines = repository.generated(BOTH).run("pins").output.splitlines()
    assert lines[1].split() == ["actions/checkout", "v7.0.1", CHECKOUT.commit[:19], "node24", "mlcicd", WORKFLOW]
    assert lines[2].split() == ["python:3.12", "-", "not", "pinned", "-", "-", ".gitlab/mlcicd.yml"]
    assert len(lines) == 3


def test_vendored_actions_bring_their_actions_along(repository: Repository) -> None:
    lines = repository.generated(VENDORED).run("pins").output.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        "actions/cache",
        "actions/checkout",
        "actions/download-artifact",
        "actions/upload-artifact",
    ]


def test_the_table_is_shown_without_what_asks_the_network_or_lays_out(repository: Repository) -> None:
    repository.generated(BOTH)
    argv = [sys.executable, "-X", "importtime", "-m", "mlcicd", "pins"]
    done = subprocess.run(argv, cwd=repository.root, capture_output=True, text=True, check=True)
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "mlcicd.pinning.table" in loaded
    assert not loaded & {"urllib3", "urllib.request", "jinja2", "mlcicd.lint.run"}


def test_before_anything_is_generated(repository: Repository) -> None:
    (repository.root / "mlcicd.yaml").write_text(BOTH)
    assert repository.run("pins").output.count("not generated yet") == 2
    assert repository.run("pins", "--check").exit_code == 0


def test_a_pin_that_is_older_than_ours_is_pointed_out(repository: Repository) -> None:
    repository.generated(BOTH + "tool: {pins: {actions/checkout: v6.0.0@" + "b" * 40 + "}}\n")
    assert "note: tool.pins has actions/checkout at v6.0.0, and mlcicd knows v7.0.1" in repository.run("pins").output


def test_pins_of_the_team_stand_in_every_file(repository: Repository) -> None:
    repository.generated(f"{BOTH}tool: {{pins: {{actions/checkout: {NEWER}, python:3.12: {DIGEST}}}}}\n")
    text = (repository.root / WORKFLOW).read_text()
    assert f"actions/checkout@{'a' * 40} # v7.9.0\n" in text
    assert CHECKOUT.commit not in text
    assert f"image: python:3.12@{DIGEST}\n" in (repository.root / ".gitlab/mlcicd.yml").read_text()
    assert repository.run("pins", "--check").exit_code == 0


def test_pins_of_the_team_stand_in_vendored_actions(repository: Repository) -> None:
    repository.generated(VENDORED.replace("tool: {", f"tool: {{pins: {{actions/cache: {NEWER}}}, "))
    text = (repository.root / ".github/mlcicd/cache/action.yml").read_text()
    assert text.count(f"@{'a' * 40} # v7.9.0") == 2
    assert KNOWN["actions/cache"].commit not in text


def test_an_image_of_a_runner_is_pinned(repository: Repository) -> None:
    config = BOTH.replace("train: {}", "train: {runner: gpu}") + "runners: {gpu: {image: team/cuda:1}}\n"
    repository.generated(config + f"tool: {{pins: {{team/cuda:1: {DIGEST}}}}}\n")
    assert f"image: team/cuda:1@{DIGEST}\n" in (repository.root / ".gitlab/mlcicd.yml").read_text()


@pytest.mark.parametrize(
    ("pin", "words"),
    [
        (f"actions/chekout: {NEWER}", "actions/chekout is used nowhere"),
        (f"actions/cache: {NEWER}", "actions/cache is used nowhere"),
        (f"python:3.11: {DIGEST}", "python:3.11 is used nowhere"),
        (f"actions/checkout: {DIGEST}", "must be v1.2.3@COMMIT"),
        (f"python:3.12: {NEWER}", "must be sha256:DIGEST"),
        (f"actions/checkout: v4.3.1@{'a' * 40}", "v4.3.1 runs on a runtime that is retired"),
    ],
)
def test_a_pin_that_would_do_nothing_is_refused(repository: Repository, pin: str, words: str) -> None:
    (repository.root / "mlcicd.yaml").write_text(f"{BOTH}tool: {{pins: {{{pin}}}}}\n")
    error = repository.run("pins").exception
    assert isinstance(error, UsageError)
    assert words in error.message
    assert "used nowhere" not in words or "actions/checkout, python:3.12" in error.hint


def test_check_names_each_place(repository: Repository) -> None:
    repository.generated(BOTH)
    repository.replace(WORKFLOW, f"{CHECKOUT.uses} # v7.0.1", f"actions/checkout@{'c' * 40} # v7.0.1")
    error = repository.run("pins", "--check").exception
    assert isinstance(error, Refused)
    lines = (repository.root / WORKFLOW).read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "c" * 40 in text)
    assert error.detail.splitlines()[0] == (
        f"{WORKFLOW}:{line}: actions/checkout: expected {CHECKOUT.value}, found v7.0.1@{'c' * 40}"
    )


@pytest.mark.parametrize("value", ["v7", f"v7@{'a' * 39}", f"v1x@{'a' * 40}", f"v70000000000@{'a' * 40}", "sha256:abc"])
def test_a_value_that_is_no_pin_is_refused(repository: Repository, value: str) -> None:
    (repository.root / "mlcicd.yaml").write_text(f"{BOTH}tool: {{pins: {{actions/checkout: '{value}'}}}}\n")
    error = repository.run("pins").exception
    assert isinstance(error, UsageError)
    assert f"tool.pins.actions/checkout: '{value}' is not v1.2.3@COMMIT" in error.detail


STEPS = "jobs:\n  a:\n    steps:\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{STEPS}    - uses: actions/checkout@{'c' * 40} # v1.2.3", ("actions/checkout", f"v1.2.3@{'c' * 40}")),
        (f"{STEPS}    - uses: 'actions/cache/restore@{'c' * 40}'  #  v1", ("actions/cache", f"v1@{'c' * 40}")),
        (f"{STEPS}    - uses: Actions/Checkout@{'c' * 40} # v1", ("actions/checkout", f"v1@{'c' * 40}")),
        (f"jobs: {{a: {{uses: a/b/c.yml@{'c' * 40}}}}} # v1", ("a/b", f"@{'c' * 40}")),
        (f"runs:\n  steps:\n  - uses: a/b@{'c' * 40}\n    # v1", ("a/b", f"@{'c' * 40}")),
        (f"{STEPS}    - uses: >-\n        a/b@{'c' * 40} # v1", None),
        (f"{STEPS}    - uses: >- # v2\n        a/b@{'c' * 40}\n      # v1", ("a/b", f"@{'c' * 40}")),
        (f"{STEPS}    # - uses: actions/checkout@{'c' * 40} # v1.2.3", None),
        (f"{STEPS}    - name: 'uses: actions/checkout@{'c' * 40} # v99.0.0'", None),
        (f"{STEPS}    - run: |\n        - uses: actions/checkout@{'c' * 40} # v99.0.0", None),
        (f"{STEPS}    - with: {{uses: a/b@{'c' * 40}}}", None),
        (f"{STEPS}    - uses: actions/checkout@v4", None),
        (f"{STEPS}    - uses: ./here", None),
        ("jobs: {a: {container: python:3.12}}", ("python:3.12", "")),
        (f"jobs: {{a: {{container: {{image: 'python:3.12@{DIGEST}'}}}}}}", ("python:3.12", DIGEST)),
        (f"jobs: {{a: {{services: {{b: {{image: 'python:3.12@{DIGEST}'}}}}}}}}", ("python:3.12", DIGEST)),
        (f"jobs: {{a: {{environment: python:3.12@{DIGEST}, env: {{image: python:3.12}}}}}}", None),
        ("image: python:3.12", ("python:3.12", "")),
        (f'a:\n  image: "python:3.12@{DIGEST}"', ("python:3.12", DIGEST)),
        (f"a:\n  image: {{name: python:3.12@{DIGEST}}}", ("python:3.12", DIGEST)),
        (f"a:\n  services:\n    - {{name: python:3.12@{DIGEST}, alias: x}}", ("python:3.12", DIGEST)),
        (f"a:\n  services: ['python:3.12@{DIGEST}']", ("python:3.12", DIGEST)),
        (f"variables: {{image: python:3.12@{DIGEST}}}\na: {{variables: {{image: python:3.12}}}}", None),
        (f"a:\n  script: ['docker run python:3.12@{DIGEST}']", None),
        ("image: python:3.12-slim", None),
        ("image: registry.example/python:3.12", None),
        (f"image: registry.example/python:3.12@{DIGEST}", None),
        ("# image: python:3.12", None),
        ("", None),
        ("&a [*a]", None),
    ],
)
def test_what_a_file_names(text: str, found: tuple[str, str] | None) -> None:
    seen = [(one.name, one.value) for one in scan.scan("a.yml", text, ["python:3.12"])]
    assert seen == ([found] if found else [])


def test_a_reference_says_its_line_and_comes_once_however_often_it_is_shared() -> None:
    text = f"jobs:\n  a: &a\n    steps:\n      - &s\n        uses: a/b@{'c' * 40}\n      - *s\n  b: *a\n  c: *a\n"
    assert [one.place for one in scan.scan("a.yml", text, [])] == ["a.yml:5"]


def test_versions_have_an_order() -> None:
    versions = ["v1", "v1.0.1", "v2.0.0-beta", "v2", "v2.1", "v10.0.0"]
    assert sorted(["v10.0.0", "v2", "v1.0.1", "v2.1", "v2.0.0-beta", "v1"], key=order) == versions
    assert order("v2") == order("2.0.0")
    with pytest.raises(ValueError, match="no version"):
        order("main")


def test_an_action_in_a_folder_is_of_its_repository() -> None:
    assert resolve("actions/cache/restore", {}) == KNOWN["actions/cache"]
    assert resolve("actions/cache/save", {"actions/cache": NEWER}).uses == f"actions/cache@{'a' * 40}"


@pytest.mark.parametrize("raw", [b"\xff\xfe uses: \x00", b"jobs: [", b"a: 1\n<<<<<<< ours\n"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, raw: bytes) -> None:
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    (folder / "mlcicd.yml").write_bytes(raw)
    with pytest.raises(UsageError, match=rf"^{re.escape(WORKFLOW)}:\d+:\d+: "):
        list(scan.references(tmp_path, ["python:3.12"]))


def test_a_folder_of_that_name_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".github/workflows/mlcicd-x.yml").mkdir(parents=True)
    assert list(scan.references(tmp_path, ["python:3.12"])) == []
