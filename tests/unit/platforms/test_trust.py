"""What `mlcicd plan --trust` prints: policies that let in this repository's jobs, and nobody else."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mlcicd.cli import cli
from mlcicd.config.load import parse
from mlcicd.detect import git
from mlcicd.errors import UsageError
from mlcicd.plan.build import build, data_environment
from mlcicd.platforms import PLATFORMS, trust

GOLDEN = Path(__file__).parents[2] / "golden/oidc/mlcicd.yaml"
CONFIG = GOLDEN.read_text("utf-8")


REMOTE = "s3://acme-ml/dvc/digits"


def printed(name: str = "acme/ml", config: str = CONFIG, remote: str = REMOTE) -> str:
    return trust.text(parse(config), {"github": ("github.com", name), "gitlab": ("gitlab.com", name)}, remote)


def policies(text: str) -> list[dict[str, Any]]:
    return [json.loads(found) for found in re.findall(r"^\{\n.*?^\}$", text, re.DOTALL | re.MULTILINE)]


def lets_in(statement: dict[str, Any], issuer: str, audience: str, subject: str) -> bool:
    """Judge as AWS does: every operator, every key, any of its values; `*` is anything."""
    told = {f"{issuer}:aud": audience, f"{issuer}:sub": subject}
    compare = {"StringEquals": lambda value, wanted: value == wanted, "StringLike": fnmatch.fnmatchcase}
    for operator, keys in statement["Condition"].items():
        for key, wanted in keys.items():
            values = [wanted] if isinstance(wanted, str) else wanted
            if not any(compare[operator](told.get(key, ""), one) for one in values):
                return False
    return bool(statement["Principal"]["Federated"].endswith(f"oidc-provider/{issuer}"))


def test_aws_lets_in_the_environment_of_the_jobs_that_log_in_in_both_forms_of_subject() -> None:
    issuer = "token.actions.githubusercontent.com"
    statement, _ = policies(printed())[0]["Statement"]
    assert lets_in(statement, issuer, "sts.amazonaws.com", "repo:acme/ml:environment:mlcicd-data")
    for audience, subject in (
        ("api://AzureADTokenExchange", "repo:acme/ml:environment:mlcicd-data"),
        ("sts.amazonaws.com", "repo:acme/ml:environment:mlcicd"),
        ("sts.amazonaws.com", "repo:acme/ml:pull_request"),
        ("sts.amazonaws.com", "repo:acme/ml:ref:refs/heads/main"),
        ("sts.amazonaws.com", "repo:acme/ml-copy:environment:mlcicd-data"),
        ("sts.amazonaws.com", "repo:evil/ml:environment:mlcicd-data"),
    ):
        assert not lets_in(statement, issuer, audience, subject)
    assert "repo:acme@OWNER_ID/ml@REPOSITORY_ID:environment:mlcicd-data" in str(statement)
    filled = json.loads(json.dumps(statement).replace("OWNER_ID", "12").replace("REPOSITORY_ID", "34"))
    assert lets_in(filled, issuer, "sts.amazonaws.com", "repo:acme@12/ml@34:environment:mlcicd-data")
    assert not lets_in(filled, issuer, "sts.amazonaws.com", "repo:acme@12/ml@35:environment:mlcicd-data")


def test_the_subject_is_the_environment_that_the_jobs_name() -> None:
    pipeline = build(parse(CONFIG))
    named = {job.environment for job in pipeline.jobs if job.identity}
    assert [f"repo:acme/ml:environment:{name}" for name in named] == [
        PLATFORMS["github"].claims("", "acme/ml", "main", data_environment(parse(CONFIG))).subjects[0]
    ]


def test_aws_lets_in_every_branch_of_one_gitlab_project() -> None:
    _, statement = policies(printed("acme/group/ml"))[0]["Statement"]
    subject = "project_path:acme/group/ml:ref_type:branch:ref:feature"
    assert lets_in(statement, "gitlab.com", "sts.amazonaws.com", subject)
    assert not lets_in(statement, "gitlab.com", "sts.amazonaws.com", subject.replace("group/ml", "other/ml"))
    assert not lets_in(statement, "gitlab.com", "sts.amazonaws.com", subject.replace("type:branch", "type:tag"))


def test_a_role_for_two_platforms_is_set_once() -> None:
    """Each `update-assume-role-policy` replaces the policy before: two of them would leave one platform outside."""
    text = printed()
    assert text.count("update-assume-role-policy") == 1
    assert text.count("create-open-id-connect-provider") == 2
    trusted = [one["Principal"]["Federated"] for one in policies(text)[0]["Statement"]]
    assert [one.partition("oidc-provider/")[2] for one in trusted] == [
        "token.actions.githubusercontent.com",
        "gitlab.com",
    ]


def may(policy: dict[str, Any], action: str, resource: str) -> bool:
    """Judge as AWS does for a role with this policy alone."""
    return any(
        action in statement["Action"] and any(fnmatch.fnmatchcase(resource, one) for one in statement["Resource"])
        for statement in policy["Statement"]
    )


@pytest.mark.parametrize(("lock", "pushes"), [("none", False), ("propose", True), ("commit", True)])
def test_the_role_may_do_with_the_data_what_the_jobs_do(lock: str, pushes: bool) -> None:
    data = policies(printed(config=CONFIG.replace("train: {}", f"train: {{lock: {lock}}}")))[1]
    inside, beside = "arn:aws:s3:::acme-ml/dvc/digits/files/md5/ab/cd", "arn:aws:s3:::acme-ml/dvc/digits-2/files"
    assert may(data, "s3:ListBucket", "arn:aws:s3:::acme-ml")
    assert may(data, "s3:GetObject", inside)
    assert may(data, "s3:PutObject", inside) is pushes
    assert not any(may(data, action, beside) for action in ("s3:GetObject", "s3:PutObject"))
    assert not any(may(data, action, inside) for action in ("s3:DeleteObject", "s3:*", "*"))
    assert not any("Condition" in statement for statement in data["Statement"])


@pytest.mark.parametrize(
    ("remote", "resource", "filled"),
    [
        ("s3://acme-ml", "arn:aws:s3:::acme-ml/*", True),
        ("s3://acme-ml/", "arn:aws:s3:::acme-ml/*", True),
        ("s3://key:word@acme-ml/a", "arn:aws:s3:::acme-ml/a/*", True),
        ("gs://acme-ml/a", "arn:aws:s3:::BUCKET/PREFIX/*", False),
        ("", "arn:aws:s3:::BUCKET/PREFIX/*", False),
    ],
)
def test_the_bucket_is_the_remotes(remote: str, resource: str, filled: bool) -> None:
    text = printed(remote=remote)
    assert policies(text)[1]["Statement"][1]["Resource"] == [resource]
    assert ("put the bucket and the folder" in text) is not filled


def test_another_partition_is_another_in_every_name() -> None:
    text = printed(config=CONFIG.replace("arn:aws:iam", "arn:aws-cn:iam"))
    assert "arn:aws:" not in text
    assert "arn:aws-cn:s3:::acme-ml/dvc/digits/*" in text


def test_no_role_and_no_bucket_without_aws() -> None:
    azure = "{azure: {client: 8d9c0a51-5f7e-4f0e-9d2f-2f3a1c0b7e11, tenant: 8d9c0a51-5f7e-4f0e-9d2f-2f3a1c0b7e11}}"
    assert "s3" not in printed(config=f"version: 1\ndata: {{credentials: {azure}}}\ntrain: {{}}\n")


@pytest.mark.parametrize(
    ("file", "said", "exit"),
    [
        ("[core]\n    remote = s\n['remote \"s\"']\n    url = s3://acme-ml/x\n", "arn:aws:s3:::acme-ml/x/*", 0),
        ("['remote \"s\"']\n    url = s3://acme-ml/x\n", "arn:aws:s3:::BUCKET/PREFIX/*", 0),
        ("remote = s\n", "", 2),
    ],
)
def test_the_remote_is_read_from_dvc(tmp_path: Path, file: str, said: str, exit: int) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text(file, encoding="utf-8")
    (tmp_path / "mlcicd.yaml").write_text(CONFIG, encoding="utf-8")
    run = CliRunner().invoke(cli, ["plan", "--trust", "--config", str(tmp_path / "mlcicd.yaml")])
    assert said in run.output
    assert (0 if run.exit_code == 0 else getattr(run.exception, "exit_code", 2)) == exit


def test_every_other_line_is_a_command_that_a_shell_can_read() -> None:
    text = re.sub(r"^\{\n.*?^\}$", "", printed(), flags=re.DOTALL | re.MULTILINE)
    commands = [shlex.split(line) for line in text.splitlines() if line and not line.startswith("#")]
    assert {command[0] for command in commands} == {"aws", "gcloud", "az"}
    bodies = [json.loads(word) for command in commands if command[0] == "az" for word in command if word[0] == "{"]
    assert [body.get("subject", body.get("claimsMatchingExpression")) for body in bodies] == [
        *PLATFORMS["github"].claims("", "acme/ml", "main", "mlcicd-data").subjects,
        {"value": "claims['sub'] matches 'project_path:acme/ml:ref_type:branch:ref:*'", "languageVersion": 1},
    ]
    assert all(body["audiences"] == ["api://AzureADTokenExchange"] for body in bodies)
    conditions = [word for command in commands for word in command if "condition" in word]
    assert '"acme/ml" && assertion.environment == "mlcicd-data"' in conditions[0]


def test_what_is_not_known_is_named_to_be_filled_in(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(CONFIG, encoding="utf-8")
    run = CliRunner().invoke(cli, ["plan", "--trust", "--config", str(tmp_path / "mlcicd.yaml")])
    assert run.exit_code == 0
    assert "repo:OWNER/REPOSITORY:environment:mlcicd-data" in run.output
    assert "GROUP/PROJECT" in run.output


@pytest.mark.parametrize(
    ("host", "issuer"),
    [
        ("github.com", "https://token.actions.githubusercontent.com"),
        ("acme.ghe.com", "https://token.actions.acme.ghe.com"),
        ("github.acme.example", "https://github.acme.example/_services/token"),
    ],
)
def test_who_signs_depends_on_the_host(host: str, issuer: str) -> None:
    assert PLATFORMS["github"].claims(host, "acme/ml", "main", "x").issuer == issuer


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("git@github.com:acme/ml.git", ("github.com", "acme/ml")),
        ("https://user:word@gitlab.com/acme/group/ml.git", ("gitlab.com", "acme/group/ml")),
        ("ssh://git@gitlab.acme.example:2222/acme/ml", ("gitlab.acme.example", "acme/ml")),
        ("/somewhere/ml.git", ("", "")),
    ],
)
def test_the_repository_is_read_from_the_remote(tmp_path: Path, address: str, found: tuple[str, str]) -> None:
    for words in (["init", "-q"], ["remote", "add", "origin", address]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    assert git.origin(tmp_path) == found


def test_without_a_cloud_there_is_nothing_to_trust() -> None:
    with pytest.raises(UsageError, match="names no cloud"):
        printed(config="version: 1\ndata: {}\ntrain: {}\n")
