"""Hostile text in every free field of the configuration: none of it leaves its place, on any platform."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mlcicd import render, yamlio
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
    "train": {
        "command": "",
        "runner": "gpu",
        "services": {"db": {"image": "postgres:17", "port": 1, "env": {"A": ""}}},
    },
    "steps": [{"name": "", "after": "train", "run": ""}],
    "jobs": {"docs": {"name": "", "run": ""}},
    "runners": {"gpu": {"github": ["gpu", ""], "gitlab": ["gpu", ""], "image": ""}},
    "tool": {"actions": "vendored"},
}
HOSTILE = st.text(alphabet="a 0:-#'\"\\{}[]&*!|>%@`,?$();<=~.\t\x7f\x85\u2028😀", max_size=20)
TRICKS = st.sampled_from(
    ["'", '"', "\\", ": ", " #", "- ", "{{{", "{{%", "`id`", "$(id)", "; rm -rf .", "&& id", "|", "*a", "&a", "!!x",
     "]", "}", "on", "1:30"]
)  # fmt: skip


COUNT = 10_000
# A line of a generated file around the one value in it: what stands before and behind.
Shape = tuple[str, str]


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


def generated(text: str) -> dict[str, str]:
    """The files of both platforms with this text in every position."""
    # The configuration admits few texts as a source, and no template may rely on that.
    pipeline = replace(build(parse(yamlio.scalar(filled(CONFIG, text)))), source=text)
    return {
        path: content
        for platform in PLATFORMS.values()
        for path, content in platform.files(pipeline, RELEASE).items()
        if not path.startswith(".github/mlcicd/")
    }


def told(content: str, read: Callable[[str], Any]) -> list[str]:
    return [item for item in scalars(read(content)) if SENTINEL in item]


HARMLESS = generated(SENTINEL)


@settings(max_examples=30, deadline=None)
@given(HOSTILE | TRICKS, HOSTILE)
def test_text_stays_in_its_place(before: str, after: str) -> None:
    text = before + SENTINEL + after
    try:
        hostile = generated(text)
    except UsageError:
        return  # refused with a message, which is as good
    for path, plain in HARMLESS.items():
        expected = [item.replace(SENTINEL, text) for item in told(plain, yaml.safe_load)]
        for read in (yaml.safe_load, YAML(typ="safe", pure=True).load):
            found = told(hostile[path], read)
            # GitLab expands `$` in the variables of a service, and reads `$$` as `$`.
            assert [item.replace("$$", "$") for item in found] == [item.replace("$$", "$") for item in expected]


def shapes() -> list[Shape]:
    """Every way in which a generated line holds a text of the user's, on any platform."""
    every = {line.strip() for text in HARMLESS.values() for line in text.splitlines()}
    lines = {line for line in every if SENTINEL in line and not line.startswith("#")}
    found = {tuple(line.removeprefix("- ").split(SENTINEL)) for line in lines}
    assert all(len(shape) == 2 for shape in found)  # one text of the user's in a line
    return sorted(found)  # type: ignore[arg-type]


def hostile() -> list[str]:
    draw = random.Random(20_261_121)
    letters = "a 0:-#'\"\\{}[]&*!|>%@`,?$();<=~.\t\r\n\x7f\x85\u2028\ufeff😀"
    words = ["'", '"', "\\", ": ", " #", "- ", "{{{", "}}}", "${{ x }}", "$(id)", "\n  run: id\n", "]", "}", "*a", "&a",
             "!!x", "on", "yes", "1:30", "0o7", "1e3", "~", "<<", "---", "...", "%YAML 9"]  # fmt: skip
    plain = ["".join(draw.choice(letters) for _ in range(draw.randrange(1, 11))) for _ in range(COUNT // 2)]
    return plain + ["".join(draw.choices(words, k=draw.randrange(1, 3))) for _ in range(COUNT - len(plain))]


def test_there_are_positions_of_every_kind() -> None:
    found = shapes()
    assert {"source: ", "name: ", "image: ", "MLCICD_SOURCE: "} <= {before for before, _ in found}
    assert sum(behind.startswith("]") for _, behind in found) >= 2


@pytest.mark.parametrize("shape", shapes(), ids=lambda shape: f"{shape[0]}…{shape[1]}"[:40])
def test_ten_thousand_texts_stay_in_their_place(shape: Shape) -> None:
    """The line as the template prints it, once for each text; both versions of YAML read back the very texts."""
    before, behind = shape
    texts = hostile()
    template = f"{{{{% for text in texts %}}}}- {before}{{{{{{ text }}}}}}{behind}\n{{{{% endfor %}}}}"
    document = render.environment().from_string(template).render(texts=texts)
    (plain,) = yaml.safe_load(f"- {before}{SENTINEL}{behind}")
    expected = [filled(swapped(plain), text) for text in texts]
    assert yaml.load(document, yaml.CSafeLoader) == expected
    assert YAML(typ="safe", pure=True).load(document) == expected


def swapped(node: Any) -> Any:
    """Put "" in the place of the sentinel."""
    if isinstance(node, dict):
        return {key: swapped(item) for key, item in node.items()}
    if isinstance(node, list):
        return [swapped(item) for item in node]
    return "" if node == SENTINEL else node


def test_no_text_of_the_user_stands_in_a_script() -> None:
    pipeline = build(parse(yaml.safe_dump(filled(CONFIG, SENTINEL))))
    workflow = yaml.safe_load(PLATFORMS["github"].files(pipeline, RELEASE)[".github/workflows/mlcicd.yml"])
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    jobs = yaml.safe_load(PLATFORMS["gitlab"].files(pipeline, RELEASE)[".gitlab/mlcicd.yml"]).values()
    scripts = [step["run"] for step in steps if "run" in step]
    scripts += [
        line for job in jobs for key in ("script", "before_script", "after_script") for line in job.get(key, [])
    ]
    assert len(scripts) > 10
    # Our own text around it would be a way to break out, whatever the quotes.
    assert not [line for line in scripts if SENTINEL in line and line != SENTINEL]
    assert not [line for line in scripts if SENTINEL in line]


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
