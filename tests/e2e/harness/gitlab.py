"""Execute GitLab pipelines with gitlab-ci-local: shell executor, one isolated folder per job, a private origin.

Facts about gitlab-ci-local 4.75.1, found by running it (a test that relies on one should say so):

| question | answer |
|---|---|
| `when: always` job that needs a failed job | runs, with the failed job's artifacts if those have `when: always`; \
so does the job after it |
| `when: always` job that needs a job that never ran, since its own need failed | blocked, unlike on GitLab; we then \
call gitlab-ci-local again with the names of the jobs GitLab would still run; artifacts are kept |
| `needs: [{job: absent, optional: true}]` | fine |
| `extends: .hidden` with before_script, artifacts | works |
| CI_PROJECT_DIR with `image:` | a path of the image (/builds/…) that does not exist here, and that root would create: \
we set it to the job's real folder, for which job names must be plain |
| "$CI_PROJECT_DIR.tmp" | writable, beside the job's folder, not part of it |
| what a job's folder has | the commit with its .git, and imported artifacts; nothing else of other jobs |
| GIT_DEPTH, GIT_STRATEGY | ignored; all jobs get one shallow clone (`depth`), those with `GIT_STRATEGY: none` too |
| `artifacts:reports:junit` | exported only when `paths` has it too; not parsed |
| `interruptible`, `tags`, `timeout`, `retry`, `resource_group` | accepted, without effect |
| GITLAB_CI, CI_COMMIT_BRANCH, CI_PIPELINE_IID | `false`, set also for merge requests, 0: we set what GitLab does |
| `after_script` | runs in a fresh copy: what it and `script` wrote is lost to artifacts |
| `$` in --variable values | expanded; we double it |
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.e2e.harness import environment
from tests.e2e.harness import repo as repository
from tests.e2e.harness.environment import Finished
from tests.e2e.harness.tools import Tools

HOST = "gitlab.example.com"
STATE = ".gitlab-ci-local"
STATUS = {"PASS": "passed", "WARN": "warning", "FAIL": "failed"}
# What GitLab sets for every pipeline and gitlab-ci-local sets otherwise.
DEFAULTS = {
    "GITLAB_CI": "true",
    "CI_PIPELINE_IID": "5",
    "CI_PROJECT_ID": "99",
    "CI_DEFAULT_BRANCH": "main",
    "CI_JOB_TOKEN": "glcbt-64_job_token",
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job of the pipeline.

    Attributes:
        status: passed, failed, warning (failed, but allowed to), manual, or skipped (never started).
        when: what its rules came to: on_success, always, manual, …
        log: what it printed, commands included.
        artifacts: folder with what it exported; empty or absent when nothing was.
    """

    name: str
    stage: str
    status: str
    when: str
    log: str
    artifacts: Path


@dataclass(frozen=True, kw_only=True)
class GitlabRun:
    """What one pipeline did.

    Attributes:
        code: 0 when every job passed or was allowed to fail.
        jobs: those that the rules let into the pipeline, by name.
        text: the logs of all invocations, as they came.
        rounds: jobs started by each invocation after the first (see the table above).
        left: processes that the run left behind (ended meanwhile).
    """

    code: int
    jobs: Mapping[str, Job]
    text: str
    rounds: tuple[tuple[str, ...], ...]
    left: tuple[str, ...]

    def assert_jobs(self, expected: Mapping[str, str]) -> None:
        """Compare the status of every job, so that none can be skipped or added unnoticed."""
        actual = {name: job.status for name, job in self.jobs.items()}
        if actual == dict(expected):
            return
        wrong = [name for name in {**actual, **expected} if actual.get(name) != expected.get(name)]
        told = [f"{one}: expected {expected.get(one, 'no such job')}, was {actual.get(one, 'absent')}" for one in wrong]
        ran = [self.jobs[name] for name in wrong if name in self.jobs and self.jobs[name].log]
        logs = [f"--- {job.name}\n{_last(job.log)}" for job in ran] or ["--- gitlab-ci-local", _last(self.text)]
        raise AssertionError("\n".join([*told, *logs]))


@dataclass(frozen=True)
class _Project:
    """A clone ready to run in."""

    work: Path
    folder: Path
    argv: tuple[str, ...]
    environ: Mapping[str, str]
    timeout: float

    def call(self, log: str, *arguments: str) -> Finished:
        path = self.folder / f"{log}.log"
        command = [*self.argv, *arguments]
        return environment.run(command, cwd=self.work, env=self.environ, log=path, timeout=self.timeout)


def run_gitlab(
    repo: Path,
    variables: Mapping[str, str],
    *,
    tools: Tools,
    folder: Path,
    secrets: Mapping[str, str] | None = None,
    projects: Mapping[str, Path] | None = None,
    manual: Sequence[str] = (),
    programs: Sequence[Path] = (),
    depth: int = 20,
    timeout: float = 300,
) -> GitlabRun:
    """Run the pipeline of one commit, as the forge would.

    Args:
        repo: a git repository; it is not changed. What is not committed does not exist.
        variables: of the pipeline, from `repo.merge_request` or `repo.branch_push`, e.g. with CI_API_V4_URL added.
        tools: from `tools.prepare`, after `tools.add_rsync`.
        folder: for everything this run writes.
        secrets: CI/CD variables of the project; a merge request from a fork does not see them, as on GitLab.
        projects: other projects of the same GitLab by path, for `include: project` and components.
        manual: manual jobs that somebody starts.
        programs: folders that come first on the PATH of jobs, e.g. with a stand-in of a program.
        depth: commits in the clone, as GIT_DEPTH has it; 0 is all.
        timeout: seconds for one invocation.

    Raises:
        TimeoutError: it did not end in time.
        AssertionError: gitlab-ci-local refuses the pipeline.
    """
    path = tools.path_after(programs)
    project = _prepare(repo, variables, tools, folder, secrets or {}, projects or {}, path, depth, timeout)
    listed = _listed(project)
    first = project.call("run", *[word for name in manual for word in ("--manual", name)])
    status = _statuses(first.output, listed)
    assert status or not _startable(listed), f"gitlab-ci-local ran nothing:\n{_last(first.output)}"
    texts, left, rounds = [first.output], [*first.left], []
    stages = _stages(project)
    while ready := _ready(listed, status, stages):
        again = project.call(f"run-{len(rounds) + 2}", *ready)
        status |= _statuses(again.output, listed)
        rounds.append(tuple(ready))
        texts.append(again.output)
        left += again.left
        assert all(name in status for name in ready), f"{ready} did not run:\n{_last(again.output)}"
    jobs = {name: _job(name, listed[name], status, project) for name in listed}
    code = int(any(job.status == "failed" for job in jobs.values())) or first.code
    return GitlabRun(code=code, jobs=jobs, text="\n".join(texts), rounds=tuple(rounds), left=tuple(left))


def list_jobs(repo: Path, variables: Mapping[str, str], *, tools: Tools, folder: Path) -> dict[str, str]:
    """Return `{job: when}` for the jobs that the rules let into a pipeline, without running it."""
    project = _prepare(repo, variables, tools, folder, {}, {}, tools.path, 20, 60)
    return {name: job["when"] for name, job in _listed(project).items()}


def _prepare(
    repo: Path,
    variables: Mapping[str, str],
    tools: Tools,
    folder: Path,
    secrets: Mapping[str, str],
    projects: Mapping[str, Path],
    path: str,
    depth: int,
    timeout: float,
) -> _Project:
    folder.mkdir(parents=True, exist_ok=True)
    home = folder / "home"
    origin = repository.serve(repo, folder)
    work = _clone(origin, folder / "work", variables["CI_COMMIT_SHA"], depth)
    address = f"https://{HOST}/{repository.PROJECT}.git"
    environ = environment.clean(os.environ, home, path)
    environ["GIT_CONFIG_GLOBAL"] = str(_rewrites(folder / "projects.gitconfig", _addresses(projects)))
    values = DEFAULTS | {"GIT_CONFIG_GLOBAL": str(_rewrites(folder / "job.gitconfig", {address: origin}))}
    values |= {name: value for name, value in secrets.items() if not _from_fork(variables)}
    values |= variables
    fixed = {name: value.replace("$", "$$") for name, value in values.items()}
    fixed["CI_PROJECT_DIR"] = f"{work}/{STATE}/builds/$CI_JOB_NAME"
    argv = [*tools.gitlab_ci_local, "--force-shell-executor", "--shell-isolation", "--no-artifacts-to-source"]
    argv += ["--no-color", f"--home={home}", f"--ignore-predefined-vars={','.join(fixed)}"]
    argv += [word for name, value in fixed.items() for word in ("--variable", f"{name}={value}")]
    if "CI_COMMIT_BRANCH" not in variables:
        argv += ["--unset-variable", "CI_COMMIT_BRANCH"]
    return _Project(work, folder, tuple(argv), environ, timeout)


def _clone(origin: Path, work: Path, sha: str, depth: int) -> Path:
    work.mkdir()
    repository.git(work, "init", "--quiet", "--initial-branch=nothing")
    repository.git(work, "remote", "add", "origin", f"https://{HOST}/{repository.PROJECT}.git")
    options = [f"--depth={depth}"] if depth else []
    repository.git(work, "fetch", "--quiet", "--no-tags", *options, f"file://{origin}", sha)
    repository.git(work, "checkout", "--quiet", "--detach", sha)
    if any("changes:" in path.read_text("utf-8") for path in _pipelines(work)):
        # gitlab-ci-local compares with this ref, and crashes without it; a runner's clone does not have it.
        repository.git(work, "fetch", "--quiet", f"file://{origin}", "+refs/heads/main:refs/remotes/origin/main")
    (work / ".git/info/exclude").write_text(f"{STATE}/\n", encoding="utf-8")
    return work


def _pipelines(work: Path) -> list[Path]:
    return [*work.glob(".gitlab-ci.yml"), *work.glob(".gitlab/**/*.yml")]


def _rewrites(path: Path, addresses: Mapping[str, Path]) -> Path:
    lines = [f'[url "file://{target}"]\n\tinsteadOf = {address}\n' for address, target in addresses.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _addresses(projects: Mapping[str, Path]) -> dict[str, Path]:
    forms = (f"https://{HOST}:443/", f"git@{HOST}:", f"ssh://git@{HOST}/", f"ssh://git@{HOST}:22/")
    return {f"{form}{name}.git": path for name, path in projects.items() for form in forms}


def _from_fork(variables: Mapping[str, str]) -> bool:
    source, own = (variables.get(f"CI_MERGE_REQUEST_{kind}PROJECT_ID") for kind in ("SOURCE_", ""))
    return source != own


def _listed(project: _Project) -> dict[str, dict[str, Any]]:
    done = project.call("list", "--list-json")
    start = re.search(r"^\[", done.output, re.MULTILINE)
    assert done.code == 0, f"gitlab-ci-local refuses the pipeline:\n{_last(done.output)}"
    assert start, f"gitlab-ci-local printed no list:\n{_last(done.output)}"
    found, _ = json.JSONDecoder().raw_decode(done.output[start.start() :])
    jobs = {job["name"]: job for job in found if job["when"] != "never"}
    odd = [name for name in jobs if not re.fullmatch(r"[\w-]+", name)]
    assert not odd, f"job names that the harness cannot give a CI_PROJECT_DIR: {odd}"
    return jobs


def _statuses(output: str, names: Iterable[str]) -> dict[str, str]:
    """Read the table at the end: ` PASS  name`, and for a job that did not pass some more words."""
    lines = re.findall(r"^ (PASS|WARN|FAIL)  (\S+)", output, re.MULTILINE)
    return {name: STATUS[word] for word, name in lines if name in set(names)}


def _startable(listed: Mapping[str, Mapping[str, Any]]) -> bool:
    return any(job["when"] in ("on_success", "always") for job in listed.values())


def _stages(project: _Project) -> list[str]:
    expanded: dict[str, list[str]] = YAML(typ="safe", pure=True).load(project.work / STATE / "expanded-gitlab-ci.yml")
    return expanded["stages"]


def _ready(listed: Mapping[str, Mapping[str, Any]], status: Mapping[str, str], stages: list[str]) -> list[str]:
    """Return the jobs that GitLab would start now, although gitlab-ci-local gave up."""
    waiting = {name for name in listed if name not in status}
    late = {name for name in waiting if listed[name]["when"] == "always"}

    def ready(name: str) -> bool:
        before = _before(name, listed, stages)
        if name in late:
            return not before & late
        done = {other for other in before if status.get(other) in ("passed", "warning")}
        return listed[name]["when"] == "on_success" and before == done

    return [name for name in listed if name in waiting and ready(name)]


def _before(name: str, listed: Mapping[str, Mapping[str, Any]], stages: list[str]) -> set[str]:
    needs = listed[name].get("needs")
    if needs is not None:
        return {need["job"] for need in needs} & set(listed)
    earlier = stages[: stages.index(listed[name]["stage"])]
    return {other for other, job in listed.items() if job["stage"] in earlier and job["when"] != "manual"}


def _job(name: str, listed: Mapping[str, Any], status: Mapping[str, str], project: _Project) -> Job:
    state = project.work / STATE
    log = state / "output" / f"{name}.log"
    return Job(
        name=name,
        stage=listed["stage"],
        status=status.get(name, "manual" if listed["when"] == "manual" else "skipped"),
        when=listed["when"],
        log=log.read_text("utf-8", errors="replace") if name in status and log.exists() else "",
        artifacts=state / "artifacts" / name,
    )


def preview(file: Path, *, tools: Tools, folder: Path) -> Finished:
    """Let gitlab-ci-local parse one pipeline file and list its jobs, as a linter."""
    folder.mkdir(parents=True, exist_ok=True)
    work = folder / "work"
    shutil.copytree(file.parent, work, ignore=shutil.ignore_patterns(".git", STATE))
    repository.commit(work)
    repository.git(work, "remote", "add", "origin", f"https://{HOST}/{repository.PROJECT}.git")
    repository.git(work, "update-ref", "refs/remotes/origin/main", "HEAD")
    argv = [*tools.gitlab_ci_local, "--list-all", "--no-color", f"--file={file.name}", f"--home={folder / 'home'}"]
    environ = environment.clean(os.environ, folder / "home", tools.path)
    return environment.run(argv, cwd=work, env=environ, log=folder / "lint.log", timeout=60)


def _last(text: str) -> str:
    return "\n".join(text.splitlines()[-25:])
