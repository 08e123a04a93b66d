"""No file makes a rule raise, whatever its types are: ours and every shape that a mistake can give it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlcicd import resources
from mlcicd.lint.document import read
from mlcicd.lint.model import Kind
from mlcicd.lint.run import judge
from mlcicd.yamlio import Unreadable

ROOT = Path(__file__).parents[3]
KEYS = re.findall(
    r"\S+",
    """
    on jobs name permissions env defaults concurrency steps run uses with if runs-on needs strategy matrix environment
    timeout-minutes container services image secrets outputs shell id contents id-token write ref repository path types
    pull_request pull_request_target workflow_run workflow_call issue_comment branches push schedule inputs group using
    runs main args credentials include stages default variables script before_script after_script rules only extends
    artifacts paths expire_in cache tags timeout interruptible resource_group id_tokens trigger workflow spec project
    file remote component local retry when <<
    """,
)
TEXTS = r"""
${{ github.head_ref }}
${{
}}
${{ secrets.TOKEN }}
${{ toJSON(secrets) }}
inherit
write-all
self-hosted
actions/checkout@v4
actions/checkout@0000000000000000000000000000000000000000
@
./
docker://
a/b
actions/upload-artifact@v4
actions/cache@v3
pip install x
curl x | bash
cat <<EOF
echo 'x
echo "
dvc pull
cml runner
python:3.12
x:latest
$CI_JOB_TOKEN
echo x >> $GITHUB_ENV
git config --global safe.directory '*'
always()
../**
.
~
\
$(
# mlcicd: ignore[M5]
pull_request
merge_request_event
$CI_PIPELINE_SOURCE == 'merge_request_event'
""".splitlines()
SCALARS = st.sampled_from(TEXTS) | st.text(max_size=8) | st.integers() | st.floats() | st.booleans() | st.none()
NAMES = st.sampled_from(KEYS) | st.sampled_from(TEXTS) | st.none() | st.integers() | st.booleans()
TREES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=4) | st.dictionaries(NAMES, below, max_size=5), max_leaves=30
)
KINDS: tuple[Kind, ...] = ("workflow", "action", "gitlab", "dependabot")
REAL: dict[Kind, list[Path]] = {
    "workflow": sorted((ROOT / ".github/workflows").glob("*.yml")) + sorted(ROOT.glob("tests/lint/*/workflow-*.yml")),
    "action": sorted(resources.find("actions").glob("*/action.yml")) + sorted(ROOT.glob("tests/lint/*/action-*.yml")),
    "gitlab": sorted(ROOT.glob("tests/golden/*/expected/.gitlab/*.yml"))
    + sorted(ROOT.glob("tests/lint/*/gitlab-*.yml")),
    "dependabot": [ROOT / ".github/dependabot.yml"],
}


def check(text: str, kind: Kind) -> None:
    try:
        doc = read("a.yml", text, kind)
    except Unreadable:
        return
    for one in judge(doc):
        assert 1 <= one.line <= len(doc.lines)
        assert 1 <= one.column < one.end_column
        assert len(one.source_line) == len(doc.lines[one.line - 1])  # a secret is starred
        assert "\n" not in one.message
        assert all(0 <= fix.start <= fix.end <= len(doc.text) for fix in one.fixes)


@pytest.mark.parametrize("kind", KINDS)
@given(tree=TREES, flow=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_trees(kind: Kind, tree: Any, flow: bool) -> None:
    check(yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True), kind)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_real_file_with_something_wrong_in_one_place(kind: Kind, data: st.DataObject) -> None:
    documents = list(yaml.safe_load_all(_plain(data.draw(st.sampled_from(REAL[kind])))))
    tree = _replaced(documents[-1], data.draw)
    check(json.dumps(tree, default=str), kind)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_real_file_cut_and_joined_anywhere(kind: Kind, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(REAL[kind])).read_text("utf-8")
    start, end = (data.draw(st.integers(0, len(text))) for _ in range(2))
    check(text[:start] + data.draw(st.sampled_from(TEXTS)) + text[end:], kind)


def _plain(path: Path) -> str:
    return path.read_text("utf-8").replace("!reference", "")


def _replaced(tree: Any, draw: Any) -> Any:
    """Put something else in one place, deeper or less deep."""
    if not tree or not isinstance(tree, dict | list) or draw(st.integers(0, 9)) == 0:
        return draw(TREES)
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    key = draw(st.sampled_from(keys))
    if isinstance(tree, dict):
        return {**tree, key: _replaced(tree[key], draw)}
    return [*tree[:key], _replaced(tree[key], draw), *tree[key + 1 :]]
