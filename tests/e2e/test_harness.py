"""The harness itself: what it executes really runs, and what it should notice it notices."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gitlab as gitlab_client
import pytest

from tests.e2e.harness import act as act_module
from tests.e2e.harness import environment, lint, repo
from tests.e2e.harness import tools as tools_module
from tests.e2e.harness.github_forge import GitHubForge
from tests.e2e.harness.gitlab import list_jobs
from tests.e2e.harness.gitlab_forge import GitLabForge
from tests.e2e.harness.set_up import MissingTool
from tests.e2e.harness.tools import Tools

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
SHA = "0123456789abcdef0123456789abcdef01234567"


def repository(folder: Path, files: dict[str, str]) -> Path:
    """Make a repository with these files on `main`, one more commit there, and one on the branch `feature`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    repo.commit(folder)
    repo.git(folder, "checkout", "--quiet", "-b", "feature")
    (folder / "of-feature").touch()
    repo.commit(folder)
    repo.git(folder, "checkout", "--quiet", "main")
    (folder / "of-main").touch()
    repo.commit(folder)
    return folder


# --- tools


def test_lock_names_no_registry() -> None:
    lock = json.loads((tools_module.HERE / "npm/package-lock.json").read_text("utf-8"))
    assert len(lock["packages"]) > 100
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    assert not [name for name, package in lock["packages"].items() if name and "integrity" not in package]


def test_jobs_get_node_24_and_rsync(tools: Tools) -> None:
    tools_module.add_rsync(tools)
    for program, expected in {"node": "v24.", "rsync": "rsync  version"}.items():
        told = subprocess.run(
            [program, "--version"], env={"PATH": tools.path}, capture_output=True, text=True, check=True
        )
        assert told.stdout.startswith(expected)


def test_rsync_comes_from_debian_where_there_is_none(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shutil.which("apt-get"):
        pytest.skip("no Debian")
    monkeypatch.setattr(tools_module.shutil, "which", lambda name: None if name == "rsync" else f"/usr/bin/{name}")
    fresh = Tools(cache=tools.cache, bin=tmp_path, programs=tools.programs)
    tools_module.add_rsync(fresh)
    (tmp_path / "from").mkdir()
    (tmp_path / "from/file").write_text("x")
    argv = [tmp_path / "rsync", "-a", tmp_path / "from", tmp_path / "to"]
    subprocess.run(argv, env={"PATH": "/usr/bin"}, check=True)
    assert (tmp_path / "to/from/file").read_text() == "x"


def test_npm_inside_the_wheel_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools_module.shutil, "which", lambda name: None)
    done = subprocess.run([*tools_module.npm(), "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.split(".")[0].isdigit()


def test_missing_tool_is_named_with_the_remedy(tools: Tools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(MissingTool, match="nonesuch is not installed; run `uv sync`"):
        tools.program("nonesuch")
    monkeypatch.setattr(tools_module, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(tools_module, "npm", lambda: ["false"])
    with pytest.raises(MissingTool, match=r"npm packages .* must be reachable"):
        tools_module.prepare(tmp_path / "bin")
    monkeypatch.setattr(tools_module.shutil, "which", lambda name: None)
    with pytest.raises(MissingTool, match="rsync"):
        tools_module.add_rsync(Tools(cache=tmp_path, bin=tmp_path, programs=tmp_path))


def test_one_process_makes_the_cache_and_the_others_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools_module, "cache_folder", lambda: tmp_path)
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        time.sleep(0.1)
        (folder / "done").touch()

    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: tools_module._once("thing", make), range(4)))
    assert len(made) == 1
    assert all((folder / "done").exists() for folder in folders)


def test_a_failed_set_up_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools_module, "cache_folder", lambda: tmp_path)

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise MissingTool("no network")

    with pytest.raises(MissingTool):
        tools_module._once("thing", fail)
    assert list(tools_module._once("thing", lambda folder: (folder / "whole").touch()).iterdir()) == [
        tmp_path / "thing/whole"
    ]


def test_snapshot_is_what_git_would_commit(tmp_path: Path) -> None:
    source = repository(tmp_path / "source", {".gitignore": "ignored\n", "folder/kept": "old"})
    (source / "folder/kept").write_text("new")
    (source / "untracked").touch()
    (source / "ignored").touch()
    (source / "of-main").unlink()
    copy = repo.snapshot(source, tmp_path / "copy")
    assert {str(path.relative_to(copy)) for path in copy.rglob("*")} == {
        ".gitignore",
        "folder",
        "folder/kept",
        "untracked",
    }
    assert (copy / "folder/kept").read_text() == "new"


# --- processes


def test_environment_is_clean_but_finds_the_package_index(tmp_path: Path) -> None:
    user = tmp_path / "user"
    (user / ".config/pip").mkdir(parents=True)
    (user / ".config/pip/pip.conf").write_text("[global]\n")
    caller = {
        "HOME": str(user),
        "PATH": "/x",
        "VIRTUAL_ENV": "/v",
        "PIP_CERT": "/c",
        "UV_INDEX": "u",
        "AWS_KEY": "k",
    }
    made = environment.clean(caller, tmp_path / "home", "/bin")
    assert made["PATH"] == "/bin"
    assert made["UV_CACHE_DIR"] == str(user / ".cache/uv")
    assert {"PIP_CERT", "UV_INDEX"} <= set(made)
    assert not {"VIRTUAL_ENV", "AWS_KEY"} & set(made)
    assert (tmp_path / "home/.config/pip/pip.conf").exists()


def test_what_a_run_leaves_behind_is_ended_and_told(tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin"}
    argv = ["sh", "-c", "setsid sleep 61 & sleep 0.3; echo started"]
    done = environment.run(argv, cwd=tmp_path, env=env, log=tmp_path / "log", timeout=10)
    assert (done.code, done.output.strip()) == (0, "started")
    assert done.left == ("sleep 61",)
    with pytest.raises(TimeoutError, match=r"took more than 0\.2 s; its output ends:\nslow"):
        environment.run(
            ["sh", "-c", "echo slow; setsid sleep 62 & sleep 63"],
            cwd=tmp_path,
            env=env,
            log=tmp_path / "log",
            timeout=0.2,
        )
    assert not _running("sleep 62", "sleep 63")


def test_sigterm_ends_what_a_test_started(tmp_path: Path) -> None:
    (tmp_path / "test_slow.py").write_text(
        "from pathlib import Path\nfrom tests.e2e.harness import environment\n\n\ndef test_slow():\n"
        "    here = Path(__file__).parent\n"
        "    env = {'PATH': '/usr/bin:/bin'}\n"
        "    environment.run(['sleep', '64'], cwd=here, env=env, log=here / 'log', timeout=60)\n",
        encoding="utf-8",
    )
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", os.devnull, "--rootdir", str(tmp_path)]
    test = subprocess.Popen(
        [*argv, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.monotonic() + 20
    while not _running("sleep 64") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _running("sleep 64")
    test.send_signal(signal.SIGTERM)
    output = test.communicate(timeout=20)
    assert test.returncode == 128 + signal.SIGTERM, output
    assert not _running("sleep 64")


def _running(*commands: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        found += [command] if command in commands else []
    return found


# --- act

PULL_REQUEST = f"""
name: pipeline
on: {{pull_request: }}
permissions: {{}}
jobs:
  make:
    runs-on: [self-hosted, gpu]
    steps:
      - uses: actions/checkout@{SHA}
        with: {{fetch-depth: 2, persist-credentials: false}}
      - name: look
        run: |
          git log --format=%s HEAD^1 HEAD^2
          test "$(git rev-parse HEAD)" = "$GITHUB_SHA"
          test -e of-feature -a -e of-main
          ! git fetch origin main 2> /dev/null
          mkdir -p .facts/folder && touch .facts/a .facts/.hidden .facts/folder/b
          echo "temp=$RUNNER_TEMP" && echo "## seen" >> "$GITHUB_STEP_SUMMARY"
          echo "::warning file=a.py,line=3::odd"
      - uses: actions/upload-artifact@{SHA}
        with: {{name: facts-make, path: .facts/, include-hidden-files: true, if-no-files-found: error}}
      - uses: actions/upload-artifact@{SHA}
        with: {{name: unhidden, path: .facts/, if-no-files-found: ignore}}
      - uses: actions/upload-artifact@{SHA}
        with:
          name: chosen
          path: |
            .facts/a
            .facts/folder/*
            !.facts/folder/c
          include-hidden-files: true
          overwrite: true
  meanwhile:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@{SHA}
        with: {{pattern: "unmade-*", path: unmade}}
      - uses: acme/tool/actions/tell@{SHA}
        with: {{word: hello}}
        id: tell
      - run: echo "temp=$RUNNER_TEMP" && test -z "$(ls -A)" && stand-in
      - run: exit 3
        id: crash
      - if: always()
        run: echo "told ${{{{ steps.tell.outputs.word }}}} ${{{{ job.status }}}}"
  use:
    needs: [make, meanwhile]
    if: ${{{{ !cancelled() && github.event.pull_request.head.repo.full_name == github.repository }}}}
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@{SHA}
        with: {{pattern: "facts-*", path: .facts, merge-multiple: true}}
      - uses: actions/download-artifact@{SHA}
        with: {{name: chosen, path: chosen}}
      - uses: actions/download-artifact@{SHA}
        with: {{pattern: "nothing-*", path: nothing, merge-multiple: true}}
      - run: find . -type f | sort
        name: list
      - run: echo "meanwhile ${{{{ needs.meanwhile.result }}}} secret ${{{{ secrets.STORE != '' }}}}"
  blocked:
    needs: meanwhile
    runs-on: ubuntu-latest
    steps: [{{run: "true"}}]
  forks:
    if: github.event.pull_request.head.repo.fork
    runs-on: ubuntu-latest
    steps:
      - run: echo "secret ${{{{ secrets.STORE != '' }}}} token ${{{{ secrets.GITHUB_TOKEN != '' }}}}"
"""
TELL = """
name: Tell
description: Tells where it is.
inputs: {word: {description: Any, required: true}}
outputs: {word: {description: It, value: "${{ steps.tell.outputs.word }}"}}
runs:
  using: composite
  steps:
    - id: tell
      shell: bash
      env: {WORD: "${{ inputs.word }}"}
      run: |
        cat "$GITHUB_ACTION_PATH/../../pinned"
        echo "at $GITHUB_ACTION_REPOSITORY@$GITHUB_ACTION_REF"
        echo "word=$WORD" >> "$GITHUB_OUTPUT"
"""


@pytest.fixture
def pull_request(tmp_path: Path, tools: Tools) -> tuple[Path, dict[str, Any]]:
    """A repository with the workflow above, and the options for running it."""
    source = repository(tmp_path / "repo", {".github/workflows/pipeline.yml": PULL_REQUEST})
    tool = tmp_path / "tool"
    (tool / "actions/tell").mkdir(parents=True)
    (tool / "actions/tell/action.yml").write_text(TELL)
    (tool / "pinned").write_text("the whole repository\n")
    known = act_module.references([source / ".github/workflows"], tools, {"acme/tool": tool})
    write(tmp_path / "programs/stand-in", "#!/bin/sh\necho stood in\n").chmod(0o755)
    secrets = {"STORE": "a-long-secret", "GITHUB_TOKEN": "a-long-token"}
    return source, {"references": known, "secrets": secrets, "programs": [tmp_path / "programs"]}


def test_act_runs_a_pull_request(act: Callable[..., Any], pull_request: tuple[Path, dict[str, Any]]) -> None:
    source, options = pull_request
    run = act(source, "pull_request", repo.pull_request(source), **options)
    expected = {"make": "success", "meanwhile": "failure", "use": "success", "blocked": "skipped", "forks": "skipped"}
    run.assert_jobs(expected)
    assert run.code == 1
    assert run.left == ()
    make, meanwhile, use = (run.jobs[name] for name in ("make", "meanwhile", "use"))
    assert make.summary == "## seen\n"
    assert [(one.level, one.message, one.place["line"]) for one in make.annotations] == [("warning", "odd", "3")]
    assert make.step("look").log.startswith("change")
    assert "at acme/tool@" + SHA in meanwhile.log
    assert "the whole repository" in meanwhile.log
    assert "told hello failure" in meanwhile.log
    assert "stood in" in meanwhile.log
    assert meanwhile.step("crash").result == "failure"
    temps = [line for job in (make, meanwhile) for line in job.log.splitlines() if line.startswith("temp=")]
    assert len(set(temps)) == 2
    files = ["./.facts/.hidden", "./.facts/a", "./.facts/folder/b", "./chosen/a", "./chosen/folder/b"]
    assert use.step("list").log.split() == files
    assert "meanwhile failure secret true" in use.log
    assert set(run.artifacts) == {"facts-make", "chosen"}
    assert sorted(zipfile.ZipFile(run.artifacts["chosen"]).namelist()) == ["a", "folder/b"]
    with pytest.raises(AssertionError, match=r"meanwhile: expected success, was failure\n(.*\n)*--- meanwhile\n"):
        run.assert_jobs({**expected, "meanwhile": "success"})
    with pytest.raises(AssertionError, match="absent: expected success, was absent"):
        run.assert_jobs({**expected, "absent": "success"})


def test_a_fork_sees_no_secret_but_the_token(
    act: Callable[..., Any], pull_request: tuple[Path, dict[str, Any]]
) -> None:
    source, options = pull_request
    run = act(source, "pull_request", repo.pull_request(source, fork=True), **options)
    assert run.jobs["use"].result == "skipped"
    assert "secret false token true" in run.jobs["forks"].log


def test_act_runs_a_push_in_a_branch_with_all_history(act: Callable[..., Any], tools: Tools, tmp_path: Path) -> None:
    text = f"""
on: {{push: {{branches: [main]}}}}
jobs:
  look:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@{SHA}
        with: {{fetch-depth: 0}}
      - run: git branch --show-current; git rev-list --count HEAD; git rev-parse origin/feature; git fetch origin main
  other:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@{SHA}
        with: {{ref: feature, path: there}}
      - run: ls there; git -C there rev-list --count HEAD; echo "api $GITHUB_API_URL run $GITHUB_RUN_ID"
"""
    source = repository(tmp_path / "repo", {".github/workflows/push.yml": text})
    known = act_module.references([source / ".github/workflows/push.yml"], tools)
    env = {"GITHUB_API_URL": "http://127.0.0.1:9", "GITHUB_RUN_ID": "5"}
    run = act(source, "push", repo.push(source), references=known, env=env)
    run.assert_jobs({"look": "success", "other": "success"})
    assert run.jobs["look"].log.splitlines()[:2] == ["main", "2"]
    assert run.jobs["other"].log.splitlines() == ["of-feature", "1", "api http://127.0.0.1:9 run 5"]


def test_a_job_without_a_runner_is_not_taken_for_skipped(act: Callable[..., Any], tmp_path: Path) -> None:
    text = """
on: push
jobs:
  lost:
    runs-on: ${{ vars.LABEL }}
    steps: [{run: "true"}]
"""
    source = repository(tmp_path / "repo", {".github/workflows/push.yml": text})
    run = act(source, "push", repo.push(source), variables={"LABEL": "huge"})
    assert run.code == 0
    with pytest.raises(AssertionError, match="lost: expected skipped, was unmapped"):
        run.assert_jobs({"lost": "skipped"})
    found = act(source, "push", repo.push(source), variables={"LABEL": "huge"}, labels=["huge"])
    found.assert_jobs({"lost": "success"})


def test_references_refuse_what_nothing_stands_in_for(tools: Tools, tmp_path: Path) -> None:
    action = tmp_path / "action.yml"
    action.write_text(f"steps:\n  - uses: actions/checkout@{SHA} # v5\n  - uses: 'acme/tool/x@v1'\n")
    with pytest.raises(AssertionError, match="nothing stands in for acme/tool"):
        act_module.references([action], tools)
    found = act_module.references([tmp_path], tools, {"acme/tool": tmp_path})
    assert found == {f"actions/checkout@{SHA}": tools.stand_in("checkout"), "acme/tool@v1": tmp_path}


# --- gitlab-ci-local

PIPELINE = """
stages: [first, second, third]
workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
.base:
  image: python:3.12
  interruptible: true
  before_script:
    - mkdir -p "$CI_PROJECT_DIR.tmp" .facts
    - test "$PWD" = "$CI_PROJECT_DIR"
  artifacts:
    when: always
    paths: [.facts/]
    reports: {junit: .facts/junit.xml}
crash:
  extends: .base
  stage: first
  tags: [gpu]
  script:
    - git log --format=%s
    - git fetch --quiet --depth 1 origin "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME"
    - echo "secret $STORE branch [$CI_COMMIT_BRANCH] $GITLAB_CI"
    - touch .facts/crash
    - exit 3
flaky:
  extends: .base
  stage: first
  allow_failure: true
  script: [exit 1]
blocked:
  extends: .base
  stage: second
  needs: [crash]
  script: ["true"]
report:
  extends: .base
  stage: second
  when: always
  needs: [{job: crash, optional: true}, {job: absent, optional: true}, {job: blocked, optional: true}]
  script: [ls .facts, touch .facts/report]
comment:
  extends: .base
  stage: third
  needs: [report]
  rules: [{if: $CI_MERGE_REQUEST_IID}]
  script: [ls .facts, test ! -e "$CI_PROJECT_DIR/of-main"]
unreached:
  stage: third
  script: ["true"]
by-hand:
  stage: third
  when: manual
  script: ["true"]
"""


def test_gitlab_runs_a_merge_request_whose_training_crashes(gitlab: Callable[..., Any], tmp_path: Path) -> None:
    source = repository(tmp_path / "repo", {".gitlab-ci.yml": PIPELINE})
    run = gitlab(source, repo.merge_request(source), secrets={"STORE": "a$b"}, depth=1)
    expected = {
        "crash": "failed",
        "flaky": "warning",
        "blocked": "skipped",
        "report": "passed",
        "comment": "passed",
        "unreached": "skipped",
        "by-hand": "manual",
    }
    run.assert_jobs(expected)
    assert run.code == 1
    assert run.left == ()
    assert run.rounds == (("report",), ("comment",))
    lines = run.jobs["crash"].log.splitlines()
    assert lines.count("change") == 1
    assert "secret a$b branch [] true" in lines
    assert (run.jobs["comment"].artifacts / ".facts/report").exists()
    assert (run.jobs["comment"].artifacts / ".facts/crash").exists()
    with pytest.raises(AssertionError, match=r"crash: expected passed, was failed\n--- crash\n"):
        run.assert_jobs({**expected, "crash": "passed"})


def test_gitlab_rules_choose_jobs(gitlab: Callable[..., Any], tools: Tools, tmp_path: Path) -> None:
    source = repository(tmp_path / "repo", {".gitlab-ci.yml": PIPELINE})
    merge = list_jobs(source, repo.merge_request(source), tools=tools, folder=tmp_path / "merge")
    push = list_jobs(source, repo.branch_push(source), tools=tools, folder=tmp_path / "push")
    assert set(merge) - set(push) == {"comment"}
    assert merge["report"] == "always"


def test_gitlab_refuses_a_broken_pipeline(gitlab: Callable[..., Any], tmp_path: Path) -> None:
    source = repository(tmp_path / "repo", {".gitlab-ci.yml": "a:\n  stage: nowhere\n  script: [exit 0]\n"})
    with pytest.raises(AssertionError, match="refuses the pipeline"):
        gitlab(source, repo.branch_push(source))


# --- forges


def call(
    url: str, method: str = "GET", body: object = None, *, token: str, header: str = "Authorization"
) -> tuple[int, Any, Any]:
    """Send one request; return status, parsed body and headers."""
    value = f"Bearer {token}" if header == "Authorization" else token
    data = None if body is None else json.dumps(body).encode()
    headers = {header: value, "Content-Type": "application/json", "User-Agent": "tests"}
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            raw = answer.read()
            return answer.status, json.loads(raw) if raw else None, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read()), error.headers


def test_github_forge_keeps_comments(github_forge: GitHubForge) -> None:
    forge, token = github_forge, github_forge.token
    comments = f"{forge.url}/repos/acme/ml/issues/7/comments"
    assert call(comments, "POST", {"body": "hi"}, token="wrong")[0] == 401
    assert call(comments, "POST", {"body": "hi"}, token=forge.read_only_token)[0] == 403
    status, made, _ = call(comments, "POST", {"body": "hi"}, token=token)
    assert (status, made["user"]["login"]) == (201, "github-actions[bot]")
    one = f"{forge.url}/repos/acme/ml/issues/comments/{made['id']}"
    assert call(one, "PATCH", {"body": "new"}, token=token)[1]["body"] == "new"
    assert call(comments, "POST", {"body": "x" * 65_537}, token=token)[0] == 422
    assert [comment["body"] for comment in forge.comments] == ["new"]
    assert call(one, "DELETE", token=token)[0] == 204
    assert forge.comments == []
    assert [request.method for request in forge.writes] == ["POST", "POST", "POST", "PATCH", "POST", "DELETE"]


def test_github_forge_pages_also_for_an_enterprise(github_forge: GitHubForge) -> None:
    for number in range(5):
        github_forge.add(str(number), author={"login": "ada", "id": 1, "type": "User"})
    for base in (github_forge.url, github_forge.enterprise_url):
        address = f"{base}/repos/acme/ml/issues/7/comments?per_page=2"
        seen: list[str] = []
        while address:
            _, rows, headers = call(address, token=github_forge.token)
            seen += [row["body"] for row in rows]
            address = headers.get("Link", "").partition(">")[0].lstrip("<")
            assert not address or address.startswith(base)
        assert seen == list("01234")


def test_forge_fails_when_told_to(github_forge: GitHubForge) -> None:
    comments = f"{github_forge.url}/repos/acme/ml/issues/7/comments"
    github_forge.fail_next(429, 2, headers={"Retry-After": "1"})
    answers = [call(comments, token=github_forge.token) for _ in range(3)]
    assert [status for status, _, _ in answers] == [429, 429, 200]
    assert answers[0][2]["Retry-After"] == "1"
    github_forge.fail_next(502, method="POST", late=True)
    assert call(comments, token=github_forge.token)[0] == 200
    assert call(comments, "POST", {"body": "landed"}, token=github_forge.token)[0] == 502
    assert [comment["body"] for comment in github_forge.comments] == ["landed"]
    github_forge.fail_next(0)
    with pytest.raises(OSError, match="closed connection"):
        call(comments, token=github_forge.token)


def test_forge_hook_lets_a_competitor_in(github_forge: GitHubForge) -> None:
    github_forge.hook = lambda request: request.method == "POST" and github_forge.add("first")
    comments = f"{github_forge.url}/repos/acme/ml/issues/7/comments"
    call(comments, "POST", {"body": "second"}, token=github_forge.token)
    assert [comment["body"] for comment in github_forge.comments] == ["first", "second"]


@pytest.mark.parametrize(
    ("method", "path", "body", "violation"),
    [
        ("POST", "/repos/acme/ml/issues/7/comments", {"bdy": "x"}, "'body' is a required property"),
        ("POST", "/repos/acme/ml/issues/7/comments", {"body": 5}, "5 is not of type 'string'"),
        ("PUT", "/repos/acme/ml/issues/7/comments", {"body": "x"}, "no such operation"),
        ("GET", "/repos/acme/ml/notes", None, "no such operation"),
        ("GET", "/repos/acme/ml/issues/7/comments?perpage=100", None, "unknown query ['perpage']"),
    ],
)
def test_github_forge_checks_requests(tools: Tools, method: str, path: str, body: object, violation: str) -> None:
    with GitHubForge(tools.cache / "github-api.json") as forge:
        call(forge.url + path, method, body, token=forge.token)
    assert len(forge.violations) == 1
    assert violation in forge.violations[0]


def test_gitlab_forge_serves_the_real_client(gitlab_forge: GitLabForge) -> None:
    for number in range(3):
        gitlab_forge.add(f"person {number}", author={"id": 1, "username": "ada", "name": "Ada"})
    gitlab_forge.add("changed the milestone", system=True)
    with gitlab_client.Gitlab(gitlab_forge.address, private_token=gitlab_forge.token) as client:
        change = client.projects.get(99).mergerequests.get(12)
        note = change.notes.create({"body": "report"})
        note.body = "newer report"
        note.save()
        listed = change.notes.list(iterator=True, per_page=2, sort="asc", order_by="created_at")
        assert [one.body for one in listed][-1] == "newer report"
        assert [one.system for one in change.notes.list(get_all=True)] == [False, True, False, False, False]
        note.delete()
        assert client.projects.get("acme/ml").id == 99
    with gitlab_client.Gitlab(gitlab_forge.address, private_token=gitlab_forge.read_only_token) as reader:
        notes = reader.projects.get(99, lazy=True).mergerequests.get(12, lazy=True).notes
        with pytest.raises(gitlab_client.GitlabCreateError, match="403"):
            notes.create({"body": "x"})
    with (
        gitlab_client.Gitlab(gitlab_forge.address, job_token="job") as job,
        pytest.raises(gitlab_client.GitlabAuthenticationError),
    ):
        job.projects.get(99, lazy=True).mergerequests.get(12, lazy=True).notes.create({"body": "x"})
    assert len(gitlab_forge.comments) == 4


def test_gitlab_forge_pages_and_checks_requests() -> None:
    with GitLabForge() as forge:
        for number in range(3):
            forge.add(str(number))
        notes = f"{forge.url}/projects/acme%2Fml/merge_requests/12/notes"
        _, rows, headers = call(f"{notes}?per_page=2", token=forge.token, header="PRIVATE-TOKEN")
        assert ([row["body"] for row in rows], headers["X-Next-Page"]) == (["2", "1"], "2")
        assert forge.violations == []
        assert call(notes, "POST", {"text": "x"}, token=forge.token)[0] == 400
        assert call(f"{forge.address}/api/v3/projects/99", token=forge.token)[0] == 404
    assert len(forge.violations) == 3


# --- linters

CLEAN = f"""
name: clean
on:
  pull_request:
permissions: {{}}
concurrency:
  group: ${{{{ github.workflow }}}}-${{{{ github.ref }}}}
  cancel-in-progress: true
jobs:
  test:
    name: Test
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions:
      contents: read # check the repository out
    steps:
      - name: Check out
        uses: actions/checkout@{SHA} # v5.0.0
        with:
          persist-credentials: false
      - name: Say it
        run: echo finished
"""
CLEAN_ACTION = """
name: Say
description: Says a word.
inputs:
  word:
    description: Which.
    required: true
runs:
  using: composite
  steps:
    - name: Say it
      shell: bash
      env:
        WORD: ${{ inputs.word }}
      run: echo "$WORD"
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_clean_files_are_clean(tools: Tools, tmp_path: Path) -> None:
    write(tmp_path / ".github/workflows/clean.yml", CLEAN)
    assert lint.lint_github(tmp_path / ".github/workflows", tools) == []
    assert lint.lint_action(write(tmp_path / "say/action.yml", CLEAN_ACTION), tools) == []
    assert lint.lint_gitlab(write(tmp_path / "lab/.gitlab-ci.yml", PIPELINE), tools) == []


@pytest.mark.parametrize(
    ("linters", "old", "new"),
    [
        ({"check-jsonschema", "act", "languageservice"}, "timeout-minutes: 5", "timeout-minuts: 5"),
        ({"jactionlint", "actionlint", "languageservice"}, "run: echo finished", "run: echo ${{ github.evnt }}"),
        ({"actionlint"}, "run: echo finished", "run: echo $UNQUOTED"),
        ({"jactionlint", "zizmor"}, "echo finished", "echo ${{ github.event.pull_request.title }}"),
        ({"zizmor"}, "persist-credentials: false", "fetch-depth: 1"),
    ],
)
def test_workflow_defects_are_found(tools: Tools, tmp_path: Path, linters: set[str], old: str, new: str) -> None:
    path = write(tmp_path / ".github/workflows/bad.yml", CLEAN.replace(old, new))
    found = lint.lint_github([path], tools)
    assert linters <= {finding.split(":")[0] for finding in found}, found
    # Some name the file as it is seen from the working directory.
    assert all(path.name in finding or finding.startswith("jactionlint") for finding in found)


@pytest.mark.parametrize(
    ("linters", "old", "new"),
    [
        ({"check-jsonschema", "jactionlint", "languageservice"}, "using: composite", "using: composit"),
        ({"jactionlint", "zizmor"}, 'echo "$WORD"', "echo ${{ inputs.word }}"),
        ({"shellcheck"}, 'echo "$WORD"', "echo $WORD"),
    ],
)
def test_action_defects_are_found(tools: Tools, tmp_path: Path, linters: set[str], old: str, new: str) -> None:
    found = lint.lint_action(write(tmp_path / "action.yml", CLEAN_ACTION.replace(old, new)), tools)
    assert linters <= {finding.split(":")[0] for finding in found}, found


@pytest.mark.parametrize(
    ("linters", "text"),
    [
        ({"gitlab-ci-local"}, "a:\n  needs: [b]\n  script: [exit 0]\n"),
        ({"check-jsonschema"}, "a:\n  script: [exit 0]\n  script: [exit 1]\n"),
        ({"gitlab-ci-local", "check-jsonschema"}, "a:\n  scripts: [exit 0]\n"),
    ],
)
def test_pipeline_defects_are_found(tools: Tools, tmp_path: Path, linters: set[str], text: str) -> None:
    found = lint.lint_gitlab(write(tmp_path / ".gitlab-ci.yml", text), tools)
    assert linters <= {finding.split(":")[0] for finding in found}, found


def test_a_linter_that_reads_nothing_is_a_finding(tools: Tools, tmp_path: Path) -> None:
    empty = write(tmp_path / ".github/workflows/empty.yml", "")
    assert {"zizmor", "check-jsonschema"} <= {finding.split(":")[0] for finding in lint.lint_github([empty], tools)}
    with pytest.raises(AssertionError, match="nothing to lint"):
        lint.lint_github(tmp_path / "absent", tools)
