"""Hostile text in every free field of the configuration: none of it leaves its place, on any platform."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mlcicd import yamlio
from mlcicd.config.load import parse
from mlcicd.errors import UsageError
from mlcicd.plan.build import build
from mlcicd.platforms import PLATFORMS
from mlcicd.release import Release

RELEASE = Release(version="0.1.0", commit="0123456789abcdef0123456789abcdef01234567")
SENTINEL = "S3NT1N3L"
# The free texts of the model; names, branches and versions are patterns that admit nothing hostile.
CONFIG: dict[str, Any] = {
    "version": 1,
    "platforms": ["github", "gitlab"],
    "project": {"name": "", "install": ""},
    "data": {"remote": ""},
    "validate": {"checkpoints": [""]},
    "test": {"command": ""},
    "train": {"command": "", "runner": "gpu"},
    "runners": {"gpu": {"github": ["gpu", ""], "gitlab": ["gpu", ""], "image": ""}},
    "tool": {"actions": "vendored", "source": ""},
}
HOSTILE = st.text(alphabet="a 0:-#'\"\\{}[]&*!|>%@`,?$();<=~.\t\x7f\x85\u2028😀", max_size=20)
TRICKS = st.sampled_from(
    ["'", '"', "\\", ": ", " #", "- ", "{{{", "{{%", "`id`", "$(id)", "; rm -rf .", "&& id", "|", "*a", "&a", "!!x",
     "]", "}", "on", "1:30"]
)  # fmt: skip


def filled(node: Any, text: str) -> Any:
    if isinstance(node, dict):
        return {key: filled(item, text) for key, item in node.items()}
    if isinstance(node, list):
        return [filled(item, text) for item in node]
    return text if node == "" else node


def scalars(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [text for item in node.items() for part in item for text in scalars(part)]
    if isinstance(node, list):
        return [text for item in node for text in scalars(item)]
    return [node] if isinstance(node, str) else []


@settings(max_examples=30, deadline=None)
@given(HOSTILE | TRICKS, HOSTILE)
def test_text_stays_in_its_place(before: str, after: str) -> None:
    text = before + SENTINEL + after
    try:
        pipeline = build(parse(yamlio.scalar(filled(CONFIG, text))))
    except UsageError:
        return  # refused with a message, which is as good
    harmless = build(parse(yamlio.scalar(filled(CONFIG, SENTINEL))))
    for platform in PLATFORMS.values():
        paths = [path for path in platform.files(pipeline, RELEASE) if not path.startswith(".github/mlcicd/")]
        for path in paths:
            hostile, plain = (platform.files(one, RELEASE)[path] for one in (pipeline, harmless))
            for read in (yaml.safe_load, YAML(typ="safe", pure=True).load):
                found = [item for item in scalars(read(hostile)) if SENTINEL in item]
                expected = [item for item in scalars(read(plain)) if SENTINEL in item]
                assert found == [item.replace(SENTINEL, text) for item in expected]


def test_no_text_of_the_user_stands_in_a_script() -> None:
    pipeline = build(parse(yaml.safe_dump(filled(CONFIG, SENTINEL))))
    workflow = yaml.safe_load(PLATFORMS["github"].files(pipeline, RELEASE)[".github/workflows/mlcicd.yml"])
    assert all("run" not in step for job in workflow["jobs"].values() for step in job["steps"])
    jobs = yaml.safe_load(PLATFORMS["gitlab"].files(pipeline, RELEASE)[".gitlab/mlcicd.yml"]).values()
    lines = [line for job in jobs for key in ("script", "before_script") for line in job.get(key, [])]
    assert len(lines) > 10
    assert not [line for line in lines if SENTINEL in line]


@pytest.mark.parametrize("opener", ["${{ secrets.TOKEN }}", "$[[ inputs.x ]]"])
def test_ci_expressions_are_refused(opener: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(yaml.safe_dump(filled(CONFIG, opener)))
    assert caught.value.detail.count("must not contain a CI expression") >= 6


def test_actions_put_no_expression_into_a_script() -> None:
    from mlcicd import resources

    files = sorted(resources.find("actions").glob("*/action.yml"))
    assert len(files) >= 11
    for file in files:
        for step in yaml.safe_load(file.read_text("utf-8"))["runs"]["steps"]:
            assert not re.search(r"\$\{\{", step.get("run", "")), file
