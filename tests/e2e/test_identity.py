"""Data behind a role: fetched with the job's own identity on both platforms, with a person's log-in by the engine.

The bucket and AWS's token service are moto's, before which stands a check of every token (harness/identity.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import COMMIT, ROOT
from tests.e2e.harness import repo as repository
from tests.e2e.harness.act import references
from tests.e2e.harness.identity import AWS, Identity
from tests.e2e.harness.s3 import S3
from tests.e2e.harness.tools import Tools

pytestmark = pytest.mark.e2e

ROLE = "arn:aws:iam::123456789012:role/ml-data"
KEYS = {"AWS_ACCESS_KEY_ID": "a-persons-own", "AWS_SECRET_ACCESS_KEY": "a-persons-own-secret-key"}
ROWS = "".join(f"{number},{number * 7 % 11}\n" for number in range(20_000))
PIPELINE = """\
stages:
  train:
    cmd: python train.py
    deps: [data/raw.csv, train.py]
    outs: [model.txt]
    metrics: [{metrics.json: {cache: false}}]
"""
TRAIN = """\
import json, os
rows = open("data/raw.csv").read().split()
open("model.txt", "w").write(str(len(rows)))
json.dump({"rows": len(rows)}, open("metrics.json", "w"))
seen = sorted(name for name in os.environ if name.startswith(("ACTIONS_ID", "MLCICD_TOKEN")))
print("makes tokens:", seen or "nothing")
"""


@dataclass(frozen=True)
class Site:
    """The repository, and the two services that its data is behind."""

    repo: Path
    s3: S3
    identity: Identity


@pytest.fixture
def site(tmp_path: Path, environment: Path, wheel: Path) -> Iterator[Site]:
    """A repository whose base was trained and pushed with keys; a change of `train.py` on `feature`."""
    with S3() as s3, Identity(behind=s3.behind) as identity:
        repo = tmp_path / "repo"
        _write(repo, s3, environment, wheel)
        for words in ("add -q data/raw.csv", "repro -q", "push -q"):
            _run([str(environment / "bin/dvc"), *words.split()], repo, KEYS, environment)
        _run([sys.executable, "-m", "mlcicd", "generate"], repo, {"MLCICD_COMMIT": COMMIT}, environment)
        repository.commit(repo, "Base")
        repository.git(repo, "switch", "--quiet", "--create", "feature")
        with (repo / "train.py").open("a") as file:
            file.write("# changed\n")
        repository.commit(repo, "Change")
        s3.forget()
        yield Site(repo=repo, s3=s3, identity=identity)


def _write(repo: Path, s3: S3, environment: Path, wheel: Path) -> None:
    remote = f"['remote \"store\"']\n    url = s3://bucket/store\n    endpointurl = {s3.url}\n"
    settings = f"""\
version: 1
platforms: [github, gitlab]
project: {{install: ln -sfn {environment} .venv}}
data: {{cache: 100MB, credentials: {{aws: {{role: "{ROLE}", region: eu-west-1}}}}}}
train: {{}}
report: {{comment: never}}
tool: {{source: {wheel}}}
"""
    files = {
        "data/raw.csv": ROWS,
        "dvc.yaml": PIPELINE,
        "train.py": TRAIN,
        "mlcicd.yaml": settings,
        ".dvc/config": f"[core]\n    remote = store\n    analytics = false\n{remote}",
        ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
        ".gitignore": "/.venv\n",
    }
    for name, text in files.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text, encoding="utf-8")
    repository.git(repo, "init", "--quiet", "--initial-branch=main")


def _run(argv: list[str], repo: Path, variables: dict[str, str], environment: Path) -> str:
    path = f"{environment / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        argv, cwd=repo, env=os.environ | {"PATH": path} | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_by_role(site: Site) -> None:
    """The data came, with keys of the role, for tokens that were made out to AWS and to nobody else."""
    assert site.s3.data >= len(ROWS)
    assert set(site.identity.issued.values()) == {AWS}
    assert {role for role, _ in site.identity.roles} == {ROLE}
    assert all(session.startswith("mlcicd") for _, session in site.identity.roles)
    assert site.identity.refused == []


def assert_nowhere(site: Site, texts: dict[str, bytes]) -> None:
    """No token, and nothing that makes one, is in what a run leaves behind."""
    assert texts
    for secret in (*site.identity.issued, site.identity.bearer, *KEYS.values()):
        assert [name for name, text in texts.items() if secret.encode() in text] == []


def on_github(site: Site, act: Any, published: Path, programs: list[Path], tools: Tools, **env: str) -> Any:
    files = [site.repo / ".github/workflows", ROOT / "actions"]
    done = act(
        site.repo,
        "pull_request",
        repository.pull_request(site.repo),
        references=references(files, tools, {"mlcicd/mlcicd": published}),
        env={
            "ACTIONS_ID_TOKEN_REQUEST_URL": site.identity.mint,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": site.identity.bearer,
            "AWS_ENDPOINT_URL_STS": site.identity.url,
            **env,
        },
        programs=programs,
    )
    done.assert_jobs({"check": "success", "train": "success", "report": "success"})
    return done


def test_github_asks_for_tokens_and_takes_the_role(
    site: Site, act: Any, published: Path, programs: list[Path], tools: Tools
) -> None:
    done = on_github(site, act, published, programs, tools)
    assert_by_role(site)
    assert "makes tokens: nothing" in done.jobs["train"].log
    archives = {path.name: zipfile.ZipFile(path) for path in done.artifacts.values()}
    texts = {f"{name}/{entry}": one.read(entry) for name, one in archives.items() for entry in one.namelist()}
    assert_nowhere(site, texts | {"log": done.text.encode()})


def test_gitlab_hands_the_token_over_and_the_role_is_taken(site: Site, gitlab: Any, programs: list[Path]) -> None:
    variables = repository.merge_request(site.repo) | {
        "AWS_ENDPOINT_URL_STS": site.identity.url,
        # gitlab-ci-local knows `id_tokens` but makes none.
        "MLCICD_TOKEN_AWS": site.identity.issue(AWS),
    }
    done = gitlab(site.repo, variables, depth=1, programs=programs)
    done.assert_jobs({"mlcicd-check": "passed", "mlcicd-train": "passed", "mlcicd-report": "passed"})
    assert_by_role(site)
    assert "makes tokens: nothing" in done.jobs["mlcicd-train"].log
    kept = [path for job in done.jobs.values() for path in job.artifacts.rglob("*") if path.is_file()]
    assert_nowhere(site, {str(path): path.read_bytes() for path in kept} | {"log": done.text.encode()})


def test_the_engine_uses_a_persons_own_log_in(site: Site, environment: Path) -> None:
    words = [sys.executable, "-m", "mlcicd", "run", "--base", "main"]
    ci = {"ACTIONS_ID_TOKEN_REQUEST_URL": site.identity.mint, "MLCICD_COMMIT": COMMIT}
    printed = _run(words, site.repo, KEYS | ci, environment)
    assert site.s3.data >= len(ROWS)
    assert site.identity.issued == {}
    kept = [path for path in (site.repo / ".mlcicd").rglob("*") if path.is_file()]
    assert_nowhere(site, {str(path): path.read_bytes() for path in kept} | {"printed": printed.encode()})
    assert "your own log-in is used" in (site.repo / ".mlcicd/run/logs/train.log").read_text("utf-8")


def test_github_keeps_data_for_the_next_run(
    site: Site, act: Any, published: Path, programs: list[Path], tools: Tools, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    on_github(site, act, published, programs, tools, HARNESS_CACHE=str(kept))
    assert site.s3.data >= len(ROWS)
    (folder,) = kept.iterdir()
    assert folder.name.startswith("mlcicd-dvc-train-")
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < len(ROWS) + 1000
    site.s3.forget()
    done = on_github(site, act, published, programs, tools, HARNESS_CACHE=str(kept))
    assert site.s3.data == 0
    assert "from an earlier run" in done.jobs["train"].log


def test_kept_data_is_hashed_before_it_is_used(site: Site, environment: Path) -> None:
    words = [sys.executable, "-m", "mlcicd", "run", "--base", "main", "--job", "train"]
    variables = KEYS | {"MLCICD_COMMIT": COMMIT}
    _run(words, site.repo, variables, environment)
    assert site.s3.data >= len(ROWS)
    site.s3.forget()
    _run(words, site.repo, variables, environment)
    assert site.s3.data == 0
    (kept,) = [path for path in (site.repo / ".mlcicd/cache").rglob("*") if path.stat().st_size == len(ROWS)]
    kept.unlink()
    kept.write_text(ROWS.replace("1,7", "1,8"), encoding="utf-8")
    _run(words, site.repo, variables, environment)
    assert site.s3.data >= len(ROWS)
    log = (site.repo / ".mlcicd/run/logs/train.log").read_text("utf-8")
    assert "not what its name says" in log
