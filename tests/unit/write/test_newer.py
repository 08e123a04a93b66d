"""What is a newer pin: at which places, and by which comment."""

from __future__ import annotations

import pytest

from mlcicd.write.meaning import differences
from mlcicd.write.newer import bump, lower

MADE = """\
jobs:
  train:
    container: python:3.12
    steps:
      - name: Check out
        uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
"""

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
OTHER = "actions/checkout@" + "a" * 40


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (f"{OTHER} # v7.0.2", ("actions/checkout", "7.0.1", "7.0.2")),
        (f"{OTHER} # v8", ("actions/checkout", "7.0.1", "8")),
        (f"'{OTHER}' # 7.2.1 # why", ("actions/checkout", "7.0.1", "7.2.1")),
        (f"{OTHER} # v7.0.1", None),
        (f"{OTHER} # v7.0.0", None),
        (f"{OTHER} # v7.0", None),
        (f"{OTHER} # v7.0.1-rc1", None),
        (f"{OTHER} # v99x", None),
        (f"{OTHER}\n        # v99.0.0", None),
        (f"{OTHER} # v1.0.0\n        # {OTHER} # v99.0.0", None),
        (f"{OTHER} # newest", None),
        (OTHER, None),
        ("actions/checkout@v8 # v8", None),
        (f"someone/checkout@{'a' * 40} # v9", None),
    ],
)
def test_what_a_bot_may_do_to_an_action(new: str, expected: tuple[str, str, str] | None) -> None:
    text = MADE.replace(CHECKOUT, new)
    (one,) = differences(MADE, text)
    assert bump(one, MADE, text) == expected


def test_what_a_bot_may_do_to_an_image() -> None:
    made = "image: python:3.12@sha256:" + "a" * 64 + "\n"
    for now, expected in (
        (made.replace("a" * 64, "b" * 64), ("python:3.12", "a" * 12, "b" * 12)),
        (made.replace("3.12", "3.13").replace("a" * 64, "b" * 64), None),
        ("image: python:3.12\n", None),
    ):
        (one,) = differences(made, now)
        assert bump(one, made, now) == expected


def test_a_commit_outside_uses_is_no_pin() -> None:
    made, now = f"with: {{ref: {OTHER}}} # v1\n", f"with: {{ref: {OTHER.replace('a' * 40, 'b' * 40)}}} # v2\n"
    (one,) = differences(made, now)
    assert bump(one, made, now) is None


@pytest.mark.parametrize(
    ("one", "other", "expected"), [("7", "7.0.1", False), ("6.9", "7", True), ("10", "9.1", False), ("1", "", False)]
)
def test_versions(one: str, other: str, expected: bool) -> None:
    assert lower(one, other) is expected


def one_bump(made: str, now: str) -> tuple[str, str, str] | None:
    """Return the bump that is all the difference; None when there is more, or none."""
    found = [bump(one, made, now) for one in differences(made, now)]
    assert found
    return found[0] if len(found) == 1 else None


def test_the_commit_that_we_know_is_the_versions() -> None:
    team = MADE.replace(CHECKOUT, f"{OTHER} # v7.0.1")
    assert one_bump(team, MADE) == ("actions/checkout", "7.0.1", "7.0.1")
    assert one_bump(team, MADE.replace("# v7.0.1", "# v7.0.0")) is None
    own = "jobs: {{x: {{uses: mlcicd/mlcicd/actions/check@{}}}}} # v0.1.0\n"
    assert one_bump(own.format("a" * 40), own.format("b" * 40)) is None


def test_a_comment_elsewhere_says_nothing() -> None:
    now = f"# {OTHER} # v99.0.0\n" + MADE.replace(CHECKOUT, f"{OTHER} # v1.0.0")
    assert one_bump(MADE, now) is None


DIGEST = "@sha256:" + "0" * 64


@pytest.mark.parametrize(
    "text",
    [
        "jobs: {x: {container: IMAGE}}",
        "jobs: {x: {container: {image: IMAGE}}}",
        "jobs: {x: {services: {db: {image: IMAGE}}}}",
        "image: IMAGE",
        "image: {name: IMAGE}",
        "x: {image: IMAGE}",
        "default: {image: {name: IMAGE}}",
        "x: {services: [IMAGE, {a: b}]}",
        "x: {services: [{name: IMAGE, alias: db}]}",
    ],
)
def test_where_an_image_stands(text: str) -> None:
    text = f"{text}\n"
    made = text.replace("IMAGE", "python:3.12")
    assert one_bump(made, text.replace("IMAGE", f"python:3.12{DIGEST}")) == ("python:3.12", "its tag", "0" * 12)
    assert one_bump(made, text.replace("IMAGE", f"python:3.13{DIGEST}")) is None
    assert one_bump(text.replace("IMAGE", f"python:3.12{DIGEST}"), made) is None


@pytest.mark.parametrize(
    "text",
    [
        "jobs: {x: {runs-on: WORD}}",
        "jobs: {x: {environment: {name: WORD}}}",
        "jobs: {x: {env: {image: WORD}}}",
        "jobs: {image: {name: WORD}}",
        "jobs: {x: {services: {db: {env: {image: WORD}}}}}",
        "jobs: {x: {steps: [{name: n, with: {image: WORD}}]}}",
        "x: {extends: WORD}",
        "x: {variables: {image: WORD}}",
        "x: {artifacts: {name: WORD}}",
        "x: {timeout: WORD}",
        "x: {script: [WORD]}",
        "variables: {image: WORD}",
        "env: {image: WORD}",
        "inputs: {image: {name: WORD}}",
        "inputs: {config: {default: WORD}}",
    ],
)
def test_elsewhere_nothing_is_a_pin(text: str) -> None:
    made, commit = f"{text}\n".replace("WORD", "mlcicd.yaml"), f"{text} # v1.0.0\n"
    assert one_bump(made, made.replace("mlcicd.yaml", f"mlcicd.yaml{DIGEST}")) is None
    old, new = commit.replace("WORD", f"a/b@{'a' * 40}"), commit.replace("WORD", f"a/b@{'b' * 40}")
    assert one_bump(old, new.replace("v1", "v2")) is None
    assert one_bump(made.replace(".yaml", "==0.1.0"), made.replace(".yaml", "==0.2.0")) is None


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [("0.1.0", "0.2.0", True), ("0.1.5", "0.1", False), ("0.1.0", "0.1", False), ("0.2.0", "0.1.9", False)],
)
def test_a_release_of_ours(old: str, new: str, raised: bool) -> None:
    text = "x: {{variables: {{MLCICD_SOURCE: mlcicd=={}}}}}\n"
    assert one_bump(text.format(old), text.format(new)) == (("mlcicd", old, new) if raised else None)
