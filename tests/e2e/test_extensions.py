"""The team's own steps, variables, folders and jobs, executed: by the engine, by act, and by gitlab-ci-local.

Containers and services need a daemon that none of these has here: what is generated for them is linted, not executed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcicd import demo
from tests.e2e.conftest import COMMIT, ROOT
from tests.e2e.harness import repo as repository
from tests.e2e.harness.act import references
from tests.e2e.harness.platforms import Platform
from tests.e2e.harness.tools import Tools

pytestmark = pytest.mark.e2e

PAGE = (ROOT / "docs/extending.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
CONFIG = BLOCKS[0]
FILES = {
    **{block.partition("\n")[0].removeprefix("# "): block for block in BLOCKS if block.startswith("# ci/")},
    "train.sh": 'mkdir -p weights && echo "$LEVEL" >> weights/used\n'
    'echo "{\\"score\\": $(($(cat features 2> /dev/null || echo 33) + ${LEVEL:-7}))}" > metrics.json\n',
    "features.sh": 'test "$LEVEL" = 7 && test "$KIND" = all && echo 35 > features\n',
    "licences.sh": 'test -z "${LEVEL:-}"\n',
    "docs.sh": "test -s .mlcicd/train.json && mkdir site && cp .mlcicd/steps/look-at-the-model.json site/model.json\n",
    ".gitignore": "/features\n/site\n/weights\n",
}
JOBS = ("check", "licences", "train", "docs", "links", "scan", "report", "comment")


@pytest.fixture
def changed(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with extensions, on a branch `feature` with a change."""
    repo = tmp_path / "repo"
    for path, text in {**FILES, "mlcicd.yaml": f"{CONFIG}tool: {{source: {wheel}}}\n"}.items():
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_text(text, encoding="utf-8")
    repository.git(tmp_path, "init", "--quiet", "--initial-branch=main", str(repo))
    subprocess.run(["sh", "train.sh"], cwd=repo, check=True)
    monkeypatch.setenv("MLCICD_COMMIT", COMMIT)
    assert demo.Shell(folder=repo).mlcicd("generate") == 0
    repository.commit(repo, "Trained")
    repository.git(repo, "switch", "--quiet", "--create", "feature")
    (repo / "README.md").write_text("A change.\n")
    repository.commit(repo, "Change")
    return repo


def test_on_a_platform(changed: Path, platform: Platform) -> None:
    outcome = platform.run(changed, 1)
    outcome.assert_jobs(dict.fromkeys(JOBS, "ok"))
    assert "words of a platform" in outcome.log("scan")
    (row,) = outcome.report["metrics"]
    # 35 of the step, and 7 of the variable; the base had 33 without the step.
    assert (row["base"], row["change"]) == (40, 42)


def test_a_step_that_fails_fails_the_job_and_leaves_the_rest_out(changed: Path, platform: Platform) -> None:
    settings = changed / "mlcicd.yaml"
    settings.write_text(settings.read_text("utf-8").replace("KIND: all}", "KIND: some}"), encoding="utf-8")
    repository.commit(changed, "Another kind")
    outcome = platform.run(changed, 1)
    left_out = dict.fromkeys(("docs", "links", "scan"), "skipped")
    others = dict.fromkeys(("check", "licences", "comment"), "ok")
    outcome.assert_jobs({**others, "train": "failed", **left_out, "report": "failed"})
    assert "Build features failed with exit status 1" in outcome.log("train")


def run(repo: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mlcicd", "run", "--base", "main", *arguments],
        cwd=repo,
        env=os.environ | {"MLCICD_COMMIT": COMMIT},
        capture_output=True,
        text=True,
        check=False,
    )


def test_by_the_embedded_engine(changed: Path) -> None:
    done = run(changed)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    results = {words[0]: words[1] for words in rows if len(words) > 1 and words[0] in JOBS}
    assert results == {**dict.fromkeys(JOBS, "passed"), "scan": "skipped"}
    assert "only github or gitlab can run it" in done.stdout
    report = json.loads((changed / ".mlcicd/report.json").read_text("utf-8"))
    assert report["metrics"][0]["change"] == 42
    assert (changed / ".mlcicd/run/artifacts/mlcicd-docs/site/model.json").is_file()
    assert run(changed, "--job", "train").returncode == 0
    (kept,) = (changed / ".mlcicd/folders").glob("train-weights-*")
    assert (kept / "used").read_text("utf-8") == "7\n7\n"


def test_a_step_can_be_run_alone(changed: Path) -> None:
    shell = demo.Shell(folder=changed)
    assert shell.mlcicd("step", "build-features") == 0
    assert (changed / "features").read_text("utf-8") == "35\n"
    assert shell.mlcicd("step", "Look at the model") == 0
    facts = json.loads((changed / ".mlcicd/steps/look-at-the-model.json").read_text("utf-8"))
    assert (facts["name"], facts["exit"]) == ("Look at the model", 0)


FOLDER = """\
on: [push, pull_request]
jobs:
  keep:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@SHA
      - uses: mlcicd/mlcicd/actions/folder@COMMIT
        with:
          purpose: weights
          path: weights
          files: FILES
      - run: mkdir -p weights && echo more >> weights/used && echo "used $(wc -l < weights/used)"
"""


@pytest.mark.parametrize(
    ("files", "used"),
    [
        # push, a change of a file, the same file again, a pull request, and a push after it
        ("lock", ("used 1", "used 1", "used 2", "used 2", "used 2")),
        ('""', ("used 1", "used 2", "used 3", "used 4", "used 4")),
    ],
)
def test_the_action_that_keeps_a_folder(
    files: str, used: tuple[str, ...], act: Any, published: Path, tools: Tools, tmp_path: Path
) -> None:
    """A copy is begun when a file changes, or each push makes a newer one; a pull request reads and leaves none."""
    source = tmp_path / "repo"
    repository.git(tmp_path, "init", "--quiet", "--initial-branch=main", str(source))
    (source / ".github/workflows").mkdir(parents=True)
    workflow = FOLDER.replace("FILES", files).replace("COMMIT", COMMIT).replace("SHA", COMMIT)
    (source / ".github/workflows/keep.yml").write_text(workflow, encoding="utf-8")
    known = references([source / ".github/workflows", ROOT / "actions/folder"], tools, {"mlcicd/mlcicd": published})
    found = []
    events = ("push", "push", "push", "pull_request", "push")
    for number, (event, lock) in enumerate(zip(events, "12222", strict=True)):
        repository.git(source, "switch", "--quiet", "-C", "main" if event == "push" else "feature")
        (source / "lock").write_text(lock)
        (source / "number").write_text(str(number))
        repository.commit(source, "Change")
        payload = repository.push(source) if event == "push" else repository.pull_request(source)
        env = {"HARNESS_CACHE": str(tmp_path / "cache"), "GITHUB_RUN_ID": str(number + 1)}
        done = act(source, event, payload, references=known, env=env)
        done.assert_jobs({"keep": "success"})
        found.append(next(line for line in done.jobs["keep"].log.splitlines() if line.startswith("used ")))
        repository.git(source, "switch", "--quiet", "main")
    assert tuple(found) == used
