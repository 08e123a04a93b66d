"""What counts as a secret, in which spellings it is found, and what is left alone."""

from __future__ import annotations

import base64
import html
import json
import re
import time
import urllib.parse
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlcicd import secrets

VALUE = 'p4ss/w+rd "quoted" & <b>\\'
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join(["MIIEowIBAAKCAQEA" * 4] * 3) + "\n-----END RSA PRIVATE KEY-----"
SPELLINGS = {
    "as it is": VALUE,
    "in a path": urllib.parse.quote(VALUE),
    "in a query": urllib.parse.quote_plus(VALUE),
    "in a query, small letters": urllib.parse.quote(VALUE, safe="").lower(),
    "in JSON": json.dumps(VALUE)[1:-1],
    "in Python": repr(VALUE)[1:-1],
    "in HTML": html.escape(VALUE),
    "in XML": ElementTree.tostring(ElementTree.Element("a", b=VALUE), encoding="unicode")[6:-4],
    **{f"in base64 behind {n} bytes": base64.b64encode(b"user:"[:n] + VALUE.encode()).decode() for n in range(6)},
    "in the base64 of addresses": base64.urlsafe_b64encode(b"\xff" + VALUE.encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_value_is_hidden_in_every_spelling(spelling: str) -> None:
    shown = secrets.hide(f"before {SPELLINGS[spelling]} behind", {"DB_PASSWORD": VALUE})
    assert shown.startswith("before ")
    assert shown.endswith(" behind")
    assert "***" in shown
    assert "p4ss" not in shown
    # Of base64 only what also depends on the neighbours remains.
    assert len(shown) <= len("before *** behind") + 8


def test_values_of_secret_variables_are_hidden_longest_first() -> None:
    environ = {
        "MY_TOKEN": "abcdefgh",
        "DB_PASSWORD": "abcdefgh1234",
        "AWS_SECRET_ACCESS_KEY": "line one is long\nline two is long",
        "SHORT_KEY": "main",
        "HOME": "/home/somebody",
    }
    lines = ("x abcdefgh1234 y", "abcdefgh", "line two is long", "main /home/somebody")
    assert secrets.lines(lines, environ) == ("x *** y", "***", "***", "main /home/somebody")
    assert secrets.lines(lines, {}) == lines
    assert secrets.lines((), environ) == ()


def test_values_that_overlap_show_nothing_of_either() -> None:
    environ = {"A_TOKEN": "abcdef-12345", "B_TOKEN": "12345-uvwxyz"}
    assert secrets.hide("<abcdef-12345-uvwxyz>", environ) == "<***>"


@pytest.mark.parametrize(
    ("name", "value", "text", "shown"),
    [
        ("API_KEY", "true", "it is true", "it is true"),
        ("API_KEY", "staging", "on staging", "on staging"),
        ("API_KEY", "localhost", "at localhost", "at localhost"),
        ("API_KEY", "0.123456", "accuracy 0.123456", "accuracy 0.123456"),
        ("API_KEY", "20261121", "on 20261121", "on 20261121"),
        ("API_KEY", "1.5e-07", "loss 1.5e-07", "loss 1.5e-07"),
        ("API_KEY", "a1b2c", "a1b2c", "a1b2c"),
        ("API_KEY", "a1b2c3", "a1b2c3", "***"),
        ("KEY_DIR", "keys-of-mine", "keys-of-mine", "keys-of-mine"),
        ("TOKEN_URL", "id.example.org", "id.example.org", "id.example.org"),
        ("PWD", "/work-of-mine", "/work-of-mine", "/work-of-mine"),
        ("MLCICD_SECRETS", "DATABASE_URL", "set DATABASE_URL", "set DATABASE_URL"),
        ("DB_DSN", "pg://u:s3cr3t-1@h/d", "password s3cr3t-1", "password ***"),
        ("AZURE_CONNECTION_STRING", "Host=h;AccountKey=Zm9vYmFyMQ==;X=1", "Zm9vYmFyMQ==", "***"),
    ],
)
def test_which_values_are_secrets(name: str, value: str, text: str, shown: str) -> None:
    assert secrets.hide(text, {name: value}) == shown


def test_a_declared_secret_is_hidden_whatever_its_name() -> None:
    environ = {"DATABASE_URL": "db://user:pass@host", "HOST": "db://user", secrets.DECLARED: "OTHER DATABASE_URL"}
    assert secrets.lines(["to db://user:pass@host"], environ) == ("to ***",)


def test_what_the_configuration_declares_counts_in_all_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THIS_TEST", "a-value-of-mine")
    assert secrets.hide("a-value-of-mine") == "a-value-of-mine"
    secrets.declare(["OF_THIS_TEST"])
    assert secrets.hide("a-value-of-mine") == "***"


def test_the_content_of_a_file_is_the_secret_and_its_path_is_not(tmp_path: Path) -> None:
    token, folder = tmp_path / "token.txt", tmp_path / "keys"
    token.write_text("abc-123-def\n")
    folder.mkdir()
    environ = {"REGISTRY_TOKEN": str(token), "SSH_KEY": str(folder)}
    assert secrets.hide(f"abc-123-def of {token} in {folder}", environ) == f"*** of {token} in {folder}"


def test_of_a_service_account_only_what_is_secret_is_hidden() -> None:
    account = json.dumps({"type": "service_account", "project_id": "digits-42", "private_key": PEM}, indent=1)
    shown = secrets.hide(
        f'"type": "service_account", digits-42\n{account}\n{"MIIEowIBAAKCAQEA" * 4}', {"GCP_KEY": account}
    )
    assert shown == '"type": "service_account", digits-42\n***\n***'


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("push with ghp_0123456789abcdefghijABCDEFGHIJ012345 failed", "push with *** failed"),
        ("glpat-abcdefghij0123456789", "***"),
        ("key AKIAIOSFODNN7EXAMPLE.", "key ***."),
        ("Authorization: Bearer abcdef.0123456789-xyz==", "Authorization: Bearer ***"),
        ("cloning https://me:hunter2@example.org/x.git", "cloning https://***@example.org/x.git"),
        ("redis://:hunter2@example.org", "redis://***@example.org"),
        ("hf_abcdefghijklmnopqrstuv", "***"),
        ("GET /x?a=1&sig=abc%2Fdef%3D&b=2", "GET /x?a=1&sig=***&b=2"),
        ("X-Amz-Signature=0123456789abcdef", "X-Amz-Signature=***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "***"),
        ("AccountName=a;AccountKey=Zm9vYmFyMQ==;X=1", "AccountName=a;AccountKey=***;X=1"),
        ("connect(password='hunter2x', port=1)", "connect(password='***', port=1)"),
        (f"a\n{PEM}\nb", "a\n***\nb"),
        (json.dumps({"key": PEM}), '{"key": "***"}'),
        (PEM.partition("\n")[2], "***"),
        ("the bearer of bad news; http://example.org:80/a@b", "the bearer of bad news; http://example.org:80/a@b"),
        ("epoch 1: loss=0.25 token=5 at 12:30", "epoch 1: loss=0.25 token=5 at 12:30"),
        ("eos_token=<|endoftext|> password: 3 wrong", "eos_token=<|endoftext|> password: 3 wrong"),
        ("glove-twitter-27b-200d-vectors", "glove-twitter-27b-200d-vectors"),
        ("sk-learn-pipeline-of-mine-1", "sk-learn-pipeline-of-mine-1"),
        ('{"a":"http://h","b":"c@d"}', '{"a":"http://h","b":"c@d"}'),
        ("sha256:" + "0123456789abcdef" * 4, "sha256:" + "0123456789abcdef" * 4),
    ],
)  # fmt: skip
def test_what_looks_like_a_token_is_hidden_without_a_variable(line: str, kept: str) -> None:
    assert secrets.hide(line, {}) == kept
    assert secrets.hide(kept, {}) == kept


PAGE = (Path(__file__).parents[2] / "docs/security.md").read_text("utf-8")


@pytest.mark.parametrize(("text", "written"), re.findall(r"^\| `(.+)` \| `(.+)` \|$", PAGE, re.MULTILINE))
def test_the_table_in_the_documentation_is_true(text: str, written: str) -> None:
    assert secrets.hide(text, {}) == written


def test_the_documentation_names_what_counts() -> None:
    for name in ("A_TOKEN", "A_SECRET", "A_PASSWORD", "A_PASSPHRASE", "A_CREDENTIAL", "A_CONNECTION_STRING", "A_KEY",
                 "A_DSN", "A_PAT", "A_PWD", "A_SAS"):  # fmt: skip
        assert secrets.hide("a-value-1", {name: "a-value-1"}) == "***"
        assert name.removeprefix("A_") in PAGE
    for end in ("DIR", "HOST", "NAME", "PATH", "REGION", "TYPE", "URI", "URL", "USER"):
        assert secrets.hide("a-value-1", {f"TOKEN_{end}": "a-value-1"}) == "a-value-1"
        assert f"`_{end}`" in PAGE


TEXT = st.text(alphabet="ab1 :/@='\"\\<>&,;{}[]\n-_.?%", max_size=40)
TELLING = st.sampled_from(
    ["password=", "token=", "://u:", "Bearer abcdefgh12345678", "ghp_" + "a1" * 12, "?sig=", VALUE]
)


@given(st.lists(TEXT | TELLING, max_size=8).map("".join))
def test_what_is_written_is_still_json_xml_and_yaml(text: str) -> None:
    environ = {"DB_PASSWORD": VALUE}
    document = json.dumps({"a": [text, {"b": text}], "n": 0.123456})
    page = ElementTree.tostring(ElementTree.Element("a", b=text), encoding="unicode")
    assert json.loads(secrets.hide(document, environ))["n"] == 0.123456
    ElementTree.fromstring(secrets.hide(page, environ))
    shown = secrets.redactor(environ).hide(yaml.safe_dump({"a": text}), "hidden-by-mlcicd", said=False)
    assert list(yaml.safe_load(shown)) == ["a"]


@pytest.mark.parametrize(
    "unit",
    ["a", "eyJ", "://", "://a:", "A" * 60 + " ", "password=", "-----BEGIN PRIVATE KEY-----", "-", "sk-", "Bearer "],
)
def test_no_text_takes_long(unit: str) -> None:
    text = (unit * 300_000)[:300_000]
    began = time.monotonic()
    secrets.hide(text, {"DB_PASSWORD": VALUE})
    assert time.monotonic() - began < 2


def test_the_beginning_of_a_value_is_told() -> None:
    redactor = secrets.redactor({"A_TOKEN": "abc-123"})
    assert [redactor.begun(raw) for raw in (b"x abc", b"abc\n", b"x abc-12", b"abd", b"")] == [3, 0, 6, 0, 0]
