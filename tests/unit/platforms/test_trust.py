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
from mlcicd.platforms import PLATFORMS, trust

GOLDEN = Path(__file__).parents[2] / "golden/oidc/mlcicd.yaml"
CONFIG = GOLDEN.read_text("utf-8")


def printed(name: str = "acme/ml", config: str = CONFIG) -> str:
    return trust.text(parse(config), {"github": ("github.com", name), "gitlab": ("gitlab.com", name)})


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


def test_aws_lets_in_pull_requests_and_the_default_branch_in_both_forms_of_subject() -> None:
    issuer = "token.actions.githubusercontent.com"
    (statement,) = policies(printed())[0]["Statement"]
    for subject in ("repo:acme/ml:pull_request", "repo:acme/ml:ref:refs/heads/main"):
        assert lets_in(statement, issuer, "sts.amazonaws.com", subject)
    for audience, subject in (
        ("api://AzureADTokenExchange", "repo:acme/ml:pull_request"),
        ("sts.amazonaws.com", "repo:acme/ml:ref:refs/heads/other"),
        ("sts.amazonaws.com", "repo:acme/ml-copy:pull_request"),
        ("sts.amazonaws.com", "repo:evil/ml:pull_request"),
    ):
        assert not lets_in(statement, issuer, audience, subject)
    assert "repo:acme@OWNER_ID/ml@REPOSITORY_ID:pull_request" in str(statement)
    filled = json.loads(json.dumps(statement).replace("OWNER_ID", "12").replace("REPOSITORY_ID", "34"))
    assert lets_in(filled, issuer, "sts.amazonaws.com", "repo:acme@12/ml@34:ref:refs/heads/main")
    assert not lets_in(filled, issuer, "sts.amazonaws.com", "repo:acme@12/ml@35:ref:refs/heads/main")


def test_aws_lets_in_every_branch_of_one_gitlab_project() -> None:
    (statement,) = policies(printed("acme/group/ml"))[1]["Statement"]
    subject = "project_path:acme/group/ml:ref_type:branch:ref:feature"
    assert lets_in(statement, "gitlab.com", "sts.amazonaws.com", subject)
    assert not lets_in(statement, "gitlab.com", "sts.amazonaws.com", subject.replace("group/ml", "other/ml"))
    assert not lets_in(statement, "gitlab.com", "sts.amazonaws.com", subject.replace("type:branch", "type:tag"))


def test_every_other_line_is_a_command_that_a_shell_can_read() -> None:
    text = re.sub(r"^\{\n.*?^\}$", "", printed(), flags=re.DOTALL | re.MULTILINE)
    commands = [shlex.split(line) for line in text.splitlines() if line and not line.startswith("#")]
    assert {command[0] for command in commands} == {"aws", "gcloud", "az"}
    bodies = [json.loads(word) for command in commands if command[0] == "az" for word in command if word[0] == "{"]
    assert [body.get("subject", body.get("claimsMatchingExpression")) for body in bodies] == [
        *PLATFORMS["github"].claims("", "acme/ml", "main").subjects,
        {"value": "claims['sub'] matches 'project_path:acme/ml:ref_type:branch:ref:*'", "languageVersion": 1},
    ]
    assert all(body["audiences"] == ["api://AzureADTokenExchange"] for body in bodies)
    conditions = [word for command in commands for word in command if "condition" in word]
    assert (
        '"acme/ml" && (assertion.event_name == "pull_request" || assertion.ref == "refs/heads/main")' in conditions[0]
    )


def test_what_is_not_known_is_named_to_be_filled_in(tmp_path: Path) -> None:
    (tmp_path / "mlcicd.yaml").write_text(CONFIG, encoding="utf-8")
    run = CliRunner().invoke(cli, ["plan", "--trust", "--config", str(tmp_path / "mlcicd.yaml")])
    assert run.exit_code == 0
    assert "repo:OWNER/REPOSITORY:pull_request" in run.output
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
    assert PLATFORMS["github"].claims(host, "acme/ml", "main").issuer == issuer


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
