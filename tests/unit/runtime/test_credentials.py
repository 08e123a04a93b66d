"""Log-in by the job's own identity: whom tokens are made out to, where they lie, and what programs see."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcicd.config.fields import CLOUDS
from mlcicd.config.load import parse
from mlcicd.errors import OutsideError
from mlcicd.runtime import ci, credentials
from mlcicd.runtime.forges import http
from mlcicd.runtime.project import Project
from tests.e2e.harness.identity import AWS, Identity

GCP = "projects/123456789/locations/global/workloadIdentityPools/mlcicd/providers/forge"
CONFIG = f"""
version: 1
data:
  credentials:
    aws: {{role: "arn:aws:iam::123456789012:role/ml-data", region: eu-west-1}}
    gcp: {{provider: {GCP}, service-account: ml-data@acme-ml.iam.gserviceaccount.com}}
    azure: {{client: 8d9c0a51-5f7e-4f0e-9d2f-2f3a1c0b7e11, tenant: 0b7e1111-5f7e-4f0e-9d2f-2f3a1c0b7e11}}
train: {{}}
"""
ONLY_AWS = 'version: 1\ndata: {credentials: {aws: {role: "arn:aws:iam::123456789012:role/ml-data"}}}\ntrain: {}\n'
AUDIENCES = [AWS, f"//iam.googleapis.com/{GCP}", "api://AzureADTokenExchange"]


@pytest.fixture
def identity() -> Iterator[Identity]:
    with Identity() as running:
        yield running


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[float]:
    """No CI system around, temporary files in one place, and no waiting; return the pauses that were made."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "MLCICD_SHA", *ci.WITHHELD):
        monkeypatch.delenv(name, raising=False)
    pauses: list[float] = []
    monkeypatch.setitem(http.Client.__init__.__kwdefaults__, "pause", pauses.append)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return pauses


def on_github(monkeypatch: pytest.MonkeyPatch, identity: Identity, **more: str) -> None:
    variables = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_RUN_NUMBER": "12",
        "ACTIONS_ID_TOKEN_REQUEST_URL": identity.mint,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": identity.bearer,
    }
    for name, value in (variables | more).items():
        monkeypatch.setenv(name, value)


def project(tmp_path: Path, text: str = CONFIG) -> Project:
    return Project(config=parse(text), root=tmp_path)


def test_each_cloud_gets_a_token_of_its_own_in_a_private_file(
    monkeypatch: pytest.MonkeyPatch, identity: Identity, tmp_path: Path
) -> None:
    on_github(monkeypatch, identity)
    said: list[str] = []
    with credentials.logged_in(project(tmp_path), os.environ, said.append) as environ:
        files = [Path(environ[name]) for name in ("AWS_WEB_IDENTITY_TOKEN_FILE", "AZURE_FEDERATED_TOKEN_FILE")]
        google = json.loads(Path(environ["GOOGLE_APPLICATION_CREDENTIALS"]).read_text("utf-8"))
        files.insert(1, Path(google["credential_source"]["file"]))
        assert [identity.issued[file.read_text("utf-8")] for file in files] == AUDIENCES
        assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 3
        assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
        assert google["type"] == "external_account"
        assert google["audience"] == AUDIENCES[1]
        assert "ml-data@acme-ml.iam.gserviceaccount.com" in google["service_account_impersonation_url"]
    wanted = {
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/ml-data",
        "AWS_ROLE_SESSION_NAME": "mlcicd-12",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AZURE_CLIENT_ID": "8d9c0a51-5f7e-4f0e-9d2f-2f3a1c0b7e11",
        "AZURE_TENANT_ID": "0b7e1111-5f7e-4f0e-9d2f-2f3a1c0b7e11",
    }
    assert wanted.items() <= environ.items()
    assert not any(token in text for token in identity.issued for text in (*environ.values(), *said))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("mlcicd-login")]
    assert [line.split(":")[0] for line in said] == list(CLOUDS)


def test_programs_get_neither_what_makes_tokens_nor_keys_that_would_go_first(
    monkeypatch: pytest.MonkeyPatch, identity: Identity, tmp_path: Path
) -> None:
    on_github(monkeypatch, identity, AWS_ACCESS_KEY_ID="AKIA", AWS_PROFILE="other", AZURE_CLIENT_SECRET="s", KEPT="yes")
    with credentials.logged_in(project(tmp_path), project(tmp_path).environ()) as environ:
        assert not environ.keys() & {*ci.WITHHELD, "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AZURE_CLIENT_SECRET"}
        assert environ["KEPT"] == "yes"
        assert identity.bearer not in environ.values()


def test_without_clouds_only_what_makes_tokens_is_taken_away(
    monkeypatch: pytest.MonkeyPatch, identity: Identity, tmp_path: Path
) -> None:
    on_github(monkeypatch, identity, AWS_ACCESS_KEY_ID="AKIA")
    with credentials.logged_in(
        project(tmp_path, "version: 1\ntrain: {}\n"), project(tmp_path, "version: 1\ntrain: {}\n").environ()
    ) as environ:
        assert not environ.keys() & ci.WITHHELD
        assert environ["AWS_ACCESS_KEY_ID"] == "AKIA"
    assert identity.issued == {}


def test_a_token_that_is_handed_over_in_a_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("MLCICD_TOKEN_AWS", "one.two.three")
    with credentials.logged_in(project(tmp_path, ONLY_AWS), project(tmp_path, ONLY_AWS).environ()) as environ:
        assert Path(environ["AWS_WEB_IDENTITY_TOKEN_FILE"]).read_text("utf-8") == "one.two.three"
        assert "one.two.three" not in environ.values()
        assert "AWS_REGION" not in environ or environ["AWS_REGION"] == os.environ.get("AWS_REGION")


@pytest.mark.parametrize("engine", [True, False])
def test_outside_ci_a_persons_own_log_in_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: bool) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    if engine:
        monkeypatch.setenv("MLCICD_SHA", "abc")
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
    said: list[str] = []
    with credentials.logged_in(project(tmp_path), os.environ, said.append) as environ:
        assert environ == dict(os.environ)
    assert said == ["aws, gcp, azure: this is no CI job, so your own log-in is used"]


@pytest.mark.parametrize(
    ("variable", "remedy"), [("GITHUB_ACTIONS", "id-token: write"), ("GITLAB_CI", "id_tokens: {MLCICD_TOKEN_AWS")]
)
def test_a_job_without_the_right_is_told_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, remedy: str
) -> None:
    monkeypatch.setenv(variable, "true")
    with (
        pytest.raises(OutsideError, match="has no identity token") as caught,
        credentials.logged_in(project(tmp_path), os.environ),
    ):
        pass
    assert remedy in caught.value.hint
    said: list[str] = []
    with credentials.logged_in(project(tmp_path), os.environ, said.append, required=False) as environ:
        assert "AWS_ROLE_ARN" not in environ
    assert "no log-in to aws, gcp, azure" in said[0]


def test_a_cloud_that_the_job_was_not_generated_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("MLCICD_TOKEN_AWS", "one.two.three")
    with (
        pytest.raises(OutsideError, match=r"credentials\.gcp") as caught,
        credentials.logged_in(project(tmp_path), os.environ),
    ):
        pass
    assert "mlcicd generate" in caught.value.hint


@pytest.mark.parametrize("failure", [503, 429, 0])
def test_what_may_pass_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, identity: Identity, tmp_path: Path, nowhere: list[float], failure: int
) -> None:
    on_github(monkeypatch, identity)
    identity.failures = [failure, failure]
    with credentials.logged_in(project(tmp_path, ONLY_AWS), os.environ):
        assert list(identity.issued.values()) == [AWS]
    assert nowhere == [2, 4]


@pytest.mark.parametrize("failures", [[503] * 3, [403], []])
def test_what_does_not_pass_is_told_without_a_token(
    monkeypatch: pytest.MonkeyPatch, identity: Identity, tmp_path: Path, failures: list[int]
) -> None:
    on_github(monkeypatch, identity, ACTIONS_ID_TOKEN_REQUEST_TOKEN="wrong-bearer-0")
    identity.failures = list(failures)
    with (
        pytest.raises(OutsideError, match=f"no identity token for {AWS}") as caught,
        credentials.logged_in(project(tmp_path, ONLY_AWS), os.environ),
    ):
        pass
    told = f"{caught.value.message} {caught.value.detail} {caught.value.hint}"
    assert f"HTTP {failures[-1] if failures else 401}" in told
    assert "wrong-bearer-0" not in told
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("mlcicd-login")]


@pytest.mark.parametrize("answer", [{}, {"value": ""}, {"value": "no token"}, ["x"], {"value": 3}])
def test_an_answer_that_is_no_token(
    monkeypatch: pytest.MonkeyPatch, identity: Identity, tmp_path: Path, answer: object
) -> None:
    on_github(monkeypatch, identity)
    identity.answer = answer
    with (
        pytest.raises(OutsideError, match="is no token"),
        credentials.logged_in(project(tmp_path, ONLY_AWS), os.environ),
    ):
        pass


def test_tokens_are_renewed_while_they_are_needed_and_not_after(
    monkeypatch: pytest.MonkeyPatch, identity: Identity, tmp_path: Path
) -> None:
    on_github(monkeypatch, identity)
    monkeypatch.setattr(credentials, "RENEW", 0.02)
    monkeypatch.setattr(credentials, "RENEW_AFTER_FAILURE", 0.02)
    with credentials.logged_in(project(tmp_path, ONLY_AWS), os.environ) as environ:
        file = Path(environ["AWS_WEB_IDENTITY_TOKEN_FILE"])
        first = file.read_text("utf-8")
        identity.failures = [403]  # once it fails, and what was there stays until the next
        wait_until(lambda: file.read_text("utf-8") != first)
        assert identity.failures == []
        assert identity.issued[file.read_text("utf-8")] == AWS
    time.sleep(0.1)
    count = len(identity.issued)
    time.sleep(0.1)
    assert len(identity.issued) == count
    assert not file.exists()


def wait_until(true: object, patience: float = 5) -> None:
    deadline = time.monotonic() + patience
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)
