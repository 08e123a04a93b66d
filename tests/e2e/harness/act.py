"""Execute GitHub workflows with act, in host mode, against a private origin, artifact server and stand-in actions.

Facts about act 0.2.89, found by running it (a test that relies on one should say so):

| question | answer |
|---|---|
| RUNNER_TEMP | one per job (`<cache>/act/<random>/tmp`), of parallel jobs too; equal to `runner.temp` |
| shared by all jobs of a run | HOME, RUNNER_TOOL_CACHE, TMPDIR, the file system; GitHub has a fresh machine each |
| parallel jobs | yes, up to `--concurrent-jobs` (we pass 4); workspaces are separate |
| GITHUB_ACTION_PATH, _REF, _REPOSITORY | right in composite actions mapped by --local-repository, with a subpath \
(`owner/repo/actions/x@sha`), nested too, as variables and as `github.action_*`; empty outside an action |
| GITHUB_ACTION_PATH/../.. | the whole mapped repository, in a per-job copy |
| job `if:` with `github.event.pull_request…` | works, the payload is the event |
| `always()` / `!cancelled()` after failed or skipped needs | work; `needs.x.result` is right (also `skipped`) |
| step `continue-on-error` | works; outcome failure, conclusion success |
| job `continue-on-error` | ignored: the run fails and needs.x.result is failure |
| a job skipped by `if:` or by its needs | is not in act's log; we call a job of the file that is absent `skipped` |
| GITHUB_SHA | HEAD of the folder act runs in, not settable: we run in a clone of the merge commit |
| GITHUB_RUN_ID, _REPOSITORY, _API_URL, _SERVER_URL | settable with --env, contexts follow |
| not set, unlike on GitHub | RUNNER_ENVIRONMENT, GITHUB_REF_TYPE, GITHUB_WORKFLOW_REF, RUNNER_NAME; ACT=true is set |
| standard output of steps | is a terminal (isatty), standard error is merged into it |
| no artifact yet in a run | act's server drops the connection on every listing; we make the run's folder first |
| a mapped repository | is copied whole for each job and action: map a `repo.snapshot`, not a checkout with its .venv |
| `cache-mode`, `environment.deployment` | unknown keys, and the whole file is refused: see `older_copy` |
| not enforced | permissions, concurrency, timeout-minutes of jobs, environments, token rights |
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.e2e.harness import environment
from tests.e2e.harness import repo as repository
from tests.e2e.harness.act_run import ActRun, read_jobs
from tests.e2e.harness.tools import Tools

# Whole lines, as `mlcicd generate` writes them.
NEW_KEYS = re.compile(r"^ *(?:cache-mode: [a-z-]+|deployment: false)\n", re.MULTILINE)
STAND_INS = ("checkout", "upload-artifact", "download-artifact")
USES = re.compile(r"""uses:\s*["']?(?P<repository>[\w.-]+/[\w.-]+)(?P<sub>/[^@\s"']+)?@(?P<ref>[^\s"'#]+)""")


def run_act(
    repo: Path,
    event: str,
    payload: Mapping[str, Any],
    *,
    tools: Tools,
    folder: Path,
    references: Mapping[str, Path] | None = None,
    env: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    labels: Sequence[str] = (),
    programs: Sequence[Path] = (),
    private: bool = True,
    timeout: float = 300,
) -> ActRun:
    """Run every workflow of `repo` that listens to `event`, as the forge would.

    The forge's side is made from `repo` by commits alone: an origin, and for a pull request its merge commit, which is
    what is checked out, what holds the workflow files, and GITHUB_SHA. What is not committed does not exist.

    Args:
        repo: a git repository; it is not changed.
        payload: from `repo.pull_request`, `repo.push` or `repo.dispatch`.
        tools: from `tools.prepare`.
        folder: for everything this run writes.
        references: folder of the repository of each action, by `owner/name@ref`; `references()` makes most of it.
        env: variables of the run, e.g. GITHUB_API_URL or GITHUB_RUN_ID; steps see them too.
        secrets: by name. A pull request from a fork sees none but GITHUB_TOKEN, as on GitHub.
        variables: for the `vars` context.
        labels: runner labels that only an expression names; all others are read from the files.
        programs: folders that come first on the PATH of jobs, e.g. with a stand-in of a program.
        private: fetching from origin needs the credentials that `persist-credentials: false` removes.
        timeout: seconds.

    Raises:
        TimeoutError: act did not end in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    origin = repository.serve(repo, folder)
    work = _work_tree(origin, folder, payload)
    event_file = folder / "event.json"
    event_file.write_text(json.dumps(payload), encoding="utf-8")
    workflows = read_workflows(work)
    argv = [tools.program("act"), event, "--json", "--rm", "--no-skip-checkout", "--concurrent-jobs=4"]
    argv += ["--eventpath", str(event_file), "--workflows", str(older_copy(work, folder)), "--actor", _login(payload)]
    argv += ["--artifact-server-addr=127.0.0.1", f"--artifact-server-port={free_port()}"]
    argv += [f"--artifact-server-path={folder / 'artifacts'}"]
    argv += ["--cache-server-addr=127.0.0.1", f"--cache-server-path={folder / 'cache'}"]
    argv += [f"--{name}-file={os.devnull}" for name in ("env", "secret", "var", "input")]
    # Without any label act asks, on its first run, which images to use.
    argv += _pairs("--platform", dict.fromkeys(("no-label", *read_labels(workflows), *labels), "-self-hosted"))
    values = _github_variables(payload, origin, private) | dict(env or {})
    # act's server drops the connection when asked for the artifacts of a run that it has no folder for.
    (folder / "artifacts" / values["GITHUB_RUN_ID"]).mkdir(parents=True)
    argv += _pairs("--env", values)
    argv += _pairs("--secret", _visible(secrets or {}, payload))
    argv += _pairs("--var", variables or {})
    argv += _pairs("--local-repository", {name: str(path) for name, path in (references or {}).items()})
    clean = environment.clean(os.environ, folder / "home", tools.path_after(programs))
    done = environment.run(argv, cwd=work, env=clean, log=folder / "act.log", timeout=timeout)
    jobs = read_jobs(done.output, _expected(workflows, event))
    archives = {path.stem: path for path in (folder / "artifacts").rglob("*.zip")}
    return ActRun(code=done.code, jobs=jobs, artifacts=archives, text=done.output, left=done.left)


def references(files: Iterable[Path], tools: Tools, known: Mapping[str, Path] | None = None) -> dict[str, Path]:
    """Return `references` for `run_act`: every `owner/name@ref` that the files use and that we have a folder for.

    Args:
        files: workflows and action.yml files, or folders of them.
        known: folder by `owner/name`, whatever the ref; e.g. this repository for our own actions.

    Raises:
        AssertionError: a file uses an action that is neither known nor has a stand-in.
    """
    folders = {f"actions/{name}": tools.stand_in(name) for name in STAND_INS}
    folders |= {"actions/cache": Path(__file__).parent / "actions/cache", **(known or {})}
    found: dict[str, Path] = {}
    for path in _yaml_files(files):
        for use in USES.finditer(path.read_text("utf-8")):
            name = use["repository"]
            assert name in folders, f"{path}: nothing stands in for {name}; pass it in `known`"
            found[f"{name}@{use['ref']}"] = folders[name]
    return found


def older_copy(work: Path, folder: Path) -> Path:
    """Copy the workflows without what act does not know yet, for it to read; nothing of it changes what a job does."""
    copies = folder / "workflows"
    copies.mkdir()
    for path in sorted((work / ".github/workflows").glob("*.y*ml")):
        (copies / path.name).write_text(older(path.read_text("utf-8")), encoding="utf-8")
    return copies


def older(workflow: str) -> str:
    """Return a workflow without the keys that GitHub has had since 2026, which act 0.2.89 refuses."""
    return NEW_KEYS.sub("", workflow)


def read_workflows(root: Path) -> dict[str, dict[str, Any]]:
    """Return the parsed workflows of a repository by file name."""
    files = sorted((root / ".github/workflows").glob("*.y*ml"))
    # YAML 1.2, in which `on` and `no` are words.
    return {path.name: YAML(typ="safe", pure=True).load(path) for path in files}


def read_labels(workflows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return every runner label that the files name; act silently skips a job whose label is not mapped."""
    found: dict[str, None] = {}
    for workflow in workflows.values():
        for job in workflow["jobs"].values():
            runs_on = job.get("runs-on", [])
            runs_on = runs_on.get("labels", []) if isinstance(runs_on, dict) else runs_on
            found |= dict.fromkeys([runs_on] if isinstance(runs_on, str) else runs_on)
    return [label for label in found if "${{" not in label]


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on; act cannot choose one by itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _work_tree(origin: Path, folder: Path, payload: Mapping[str, Any]) -> Path:
    request = payload.get("pull_request")
    if request:
        sha = repository.merge(origin, request["number"], request["base"]["sha"], request["head"]["sha"])
    else:
        sha = payload.get("after") or repository.git(origin, "rev-parse", "HEAD")
    work = folder / "work"
    repository.git(folder, "clone", "--quiet", "--no-checkout", str(origin), str(work))
    repository.git(work, "fetch", "--quiet", "origin", sha)
    if str(payload.get("ref", "")).startswith("refs/heads/"):
        repository.git(work, "checkout", "--quiet", "-B", payload["ref"].removeprefix("refs/heads/"), sha)
    else:
        repository.git(work, "checkout", "--quiet", "--detach", sha)
    return work


def _github_variables(payload: Mapping[str, Any], origin: Path, private: bool) -> dict[str, str]:
    return {
        "GITHUB_REPOSITORY": payload.get("repository", {}).get("full_name", repository.PROJECT),
        "GITHUB_RUN_ID": "77",
        "HARNESS_ORIGIN": f"file://{origin}",
        "HARNESS_PRIVATE": "1" if private else "0",
    }


def _visible(secrets: Mapping[str, str], payload: Mapping[str, Any]) -> dict[str, str]:
    fork = payload.get("pull_request", {}).get("head", {}).get("repo", {}).get("fork", False)
    return {name: value for name, value in secrets.items() if not fork or name == "GITHUB_TOKEN"}


def _login(payload: Mapping[str, Any]) -> str:
    login: str = payload.get("sender", {}).get("login", "acme")
    return login


def _pairs(option: str, values: Mapping[str, str]) -> list[str]:
    return [word for name, value in values.items() for word in (option, f"{name}={value}")]


def _yaml_files(files: Iterable[Path]) -> list[Path]:
    return [
        path
        for file in files
        for path in ([file] if file.is_file() else sorted(file.rglob("*.y*ml")))
        if path.is_file()
    ]


def _expected(workflows: Mapping[str, Mapping[str, Any]], event: str) -> list[str]:
    ids: list[str] = []
    for workflow in workflows.values():
        on = workflow["on"]
        if event == on or (not isinstance(on, str) and event in on):
            ids += workflow["jobs"]
    return ids
