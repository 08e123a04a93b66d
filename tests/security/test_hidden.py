"""Secrets planted where projects leak them: none reaches a report, a log, a message or what goes on to other jobs."""

from __future__ import annotations

import base64
import json
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
import yaml

from mlcicd import cli, secrets
from mlcicd.engine.log import Log
from mlcicd.errors import MlcicdError, Refused
from mlcicd.runtime import comment, facts, project, redact, test, train
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.facts import Hardware, Tracked, TrainFacts
from mlcicd.runtime.report import build, document, junit, render, run
from mlcicd.runtime.report.model import Report
from mlcicd.runtime.training import handover
from tests.unit.runtime.report import hostile
from tests.unit.runtime.repository import git

VALUE = 'hunter2/"quoted"+&<b>'
SPELLINGS = (
    VALUE,
    quote(VALUE),
    quote(VALUE, safe=""),
    json.dumps(VALUE)[1:-1],
    base64.b64encode(VALUE.encode()).decode(),
)
TOKEN = "ghp_" + "a1B2" * 9
CONFIG = """\
version: 1
project: {name: digits}
train: {command: "COMMAND", secrets: [DATABASE]}
test: {command: "COMMAND"}
report: {metrics: [metrics.json], params: [params.yaml], sections: [note.md]}
gates: [{metric: accuracy, min: 0.9}]
"""
TRAIN = """\
import json, os, sys
value = os.environ["DATABASE"]
open("metrics.json", "w").write(json.dumps({"accuracy": 0.95, "hunter2": 0.123456, "url": value}))
open("params.yaml", "w").write("db: " + json.dumps(value) + "\\nlr: 0.1\\n")
open("note.md", "w").write("connected to " + value)
print("connecting with", value)
sys.exit(int(sys.argv[1]))
"""


def leaks(text: str) -> list[str]:
    return [spelling for spelling in (*SPELLINGS, TOKEN, "hunter2/") if spelling in text]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "MLCICD_SHA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE", VALUE)
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(TRAIN)
    Path("mlcicd.yaml").write_text(CONFIG.replace("COMMAND", f"{sys.executable} train.py 0"))
    git(tmp_path, "init", "--quiet", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "start")
    return tmp_path


def everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("exit", [0, 1])
def test_a_training_that_leaks_everywhere(
    repository: Path, exit: int, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    lines: list[str] = []
    found = project.load()
    try:
        train.run(found, f"{sys.executable} train.py {exit}", lines.append)
    except Refused:
        assert exit
    written = run.report(Path("mlcicd.yaml"), "", (), Path(".mlcicd"), Ci(summary=Path("summary.md")))
    kept = everything(Path(".mlcicd"))
    assert {"train.json", "report.json", "report.html", "junit.xml", "train/files/params.yaml"} <= set(kept)
    assert not [name for name, raw in kept.items() if leaks(raw.decode())]
    assert not leaks(Path("summary.md").read_text())
    said = capfdbinary.readouterr().out.decode()
    assert "connecting with ***" in said
    assert not leaks(said)
    # Numbers stay, the copies can still be read, and the project's own files are as they were.
    metrics = json.loads(kept["train/files/metrics.json"])
    assert metrics == {"accuracy": 0.95, "hunter2": 0.123456, "url": redact.FILE_MASK}
    assert yaml.safe_load(kept["train/files/params.yaml"]) == {"db": redact.FILE_MASK, "lr": 0.1}
    assert VALUE in Path("note.md").read_text()
    assert document.load(Path(".mlcicd/report.json")) == written.report
    ElementTree.fromstring(kept["junit.xml"])
    notice = next(notice for notice in written.report.notices if notice.kind == "secrets")
    assert {"metrics.json", "note.md", "params.yaml"} <= set(notice.names)


def test_failing_tests_that_print_a_secret(repository: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    Path("test_it.py").write_text("import os\ndef test_it():\n    assert os.environ['DATABASE'] == ''\n")
    with pytest.raises(Refused):
        test.run(project.load(), f"{sys.executable} -m pytest -p no:cacheprovider -q test_it.py", lambda line: None)
    kept = everything(Path(".mlcicd"))
    assert not [name for name, raw in kept.items() if leaks(raw.decode())]
    assert redact.FILE_MASK in kept["test/junit.xml"].decode()
    ElementTree.fromstring(kept["test/junit.xml"])
    assert not leaks(capfdbinary.readouterr().out.decode())


def test_every_text_of_a_report_is_checked_and_the_rest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every form of a report whose every text holds a secret, beside words that are secrets by chance."""
    monkeypatch.setenv("MY_PASSWORD", VALUE)
    monkeypatch.setenv("MY_TOKEN", "inconclusive")
    report = hostile.report(f"{VALUE} {TOKEN}".ljust(100))  # none is cut
    shown, count = redact.record(report, secrets.redactor())
    assert count > 100
    dumped = document.dump(shown)
    assert document.dump(document.parse(dumped.encode(), "it")) == dumped
    assert [metric.base for metric in shown.metrics] == [metric.base for metric in report.metrics]
    assert (shown.sha, shown.state, shown.gates[0].status) == (report.sha, report.state, report.gates[0].status)
    forms = [
        document.dump(shown),
        render.markdown(shown),
        render.html(shown),
        junit.junit(shown),
        render.terminal(shown),
    ]
    assert [form for form in forms if leaks(form)] == []
    ElementTree.fromstring(forms[3])


def test_an_address_with_a_secret_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "abc-123-def")
    found = Report(state="pass", key="abc-123-def", link_run="https://h/abc-123-def")
    shown, count = redact.record(found, secrets.redactor())
    assert (shown.link_run, shown.key, count) == ("", "abc-123-def", 2)
    assert Report.model_validate_json(document.dump(shown)) == shown


def test_a_text_that_is_cut_does_not_show_the_beginning_of_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "abcdefghijklmno-123")
    shown = build.text("x" * 490 + "abcdefghijklmno-123")
    assert shown == "x" * 490 + "***"


def test_facts_are_checked_and_unchanged_ones_are_the_same_object(repository: Path) -> None:
    redactor = secrets.redactor({"MY_PASSWORD": VALUE})
    clean = facts.TestFacts(command="pytest", exit=0, seconds=1)
    assert redact.record(clean, redactor) == (clean, 0)
    machine = Hardware(cpus=1, memory=2)
    leaky = TrainFacts(
        command=f"train {VALUE}",
        exit=0,
        seconds=1.5,
        hardware=machine,
        seeds=(facts.Seed(seed=1, exit=0, seconds=1, metrics={f"m.json:{VALUE}": 0.5}),),
        tracked=(Tracked(tool="mlflow", run=VALUE, link=f"https://h/{quote(VALUE)}"),),
    )
    shown, count = redact.record(leaky, redactor)
    assert count == 4
    assert shown.hardware is machine
    assert shown.seeds[0].metrics == {"m.json:***": 0.5}


def picture(text: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(text)) + b"tEXt" + text + b"\0" * 40


def test_a_file_that_cannot_be_rewritten_is_left_out_and_named(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("fine.png").write_bytes(picture(b"fine"))
    Path("leaky.png").write_bytes(picture(base64.b64encode(VALUE.encode())))
    Path("latin.csv").write_bytes(b"caf\xe9," + VALUE.encode() + b"\r\n")
    project.load()
    kept = handover.keep(["fine.png", "leaky.png", "latin.csv"], repository)
    assert kept == handover.Kept(files=("fine.png", "latin.csv"), hidden=("latin.csv",), left_out=("leaky.png",))
    assert sorted(everything(handover.FILES)) == ["fine.png", "latin.csv"]
    assert (handover.FILES / "latin.csv").read_bytes() == b"caf\xe9,hidden-by-mlcicd\r\n"


def test_in_a_large_file_nothing_is_cut_in_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "MAX_TEXT", 100)
    monkeypatch.setattr(redact, "_CHUNK", 64)
    redactor = secrets.redactor({"MY_TOKEN": "abc-123-def"})
    for before in range(150):
        (tmp_path / "in").write_bytes(b"x" * before + b"abc-123-def" + b"y" * 150)
        assert redact.copy(tmp_path / "in", tmp_path / "out", redactor) == "left out"
    (tmp_path / "in").write_bytes(b"x" * 1000)
    assert redact.copy(tmp_path / "in", tmp_path / "out", redactor) == "same"
    assert (tmp_path / "out").read_bytes() == b"x" * 1000


def test_messages_and_the_log_of_a_crash(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project.load()
    cli.explain(MlcicdError(f"{VALUE} failed", hint=f"try {TOKEN}", detail=f"a\n{quote(VALUE)}"))

    def crash() -> None:
        raise ValueError(f"no {VALUE}")

    try:
        crash()
    except ValueError as error:
        cli.explain(cli._bug(error))
    cli.say(VALUE)
    said = capsys.readouterr()
    assert "*** failed" in said.err
    assert not leaks(said.err + said.out)
    log = Path(".mlcicd/crash.log").read_text()
    assert "ValueError: no ***" in log
    assert not leaks(log.replace('f"no {VALUE}"', ""))


def test_the_engine_s_logs(tmp_path: Path) -> None:
    heard: list[str] = []
    with Log(tmp_path / "log", heard.append) as log:
        log.hide([VALUE])
        for spelling in (*SPELLINGS, TOKEN):
            log.write(f"x {spelling}\n".encode())
    assert not leaks((tmp_path / "log").read_text())
    assert not leaks("\n".join(heard))


def test_a_comment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one whose report was made where the secret was not known."""
    monkeypatch.setenv("MY_PASSWORD", VALUE)
    post = comment._said(hostile.report(VALUE.ljust(25)), "always", {})
    text = post.texts[0](())
    assert "***" in text
    assert not leaks(text)


def test_a_secret_printed_in_two_pieces(repository: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    program = "import os, sys, time; v = os.environ['DATABASE']\nfor part in (v[:5], v[5:], chr(10)):\n"
    Path("slow.py").write_text(program + "    sys.stdout.write(part); sys.stdout.flush(); time.sleep(0.2)\n")
    test.run(project.load(), f"{sys.executable} slow.py", lambda line: None)
    assert capfdbinary.readouterr().out == b"***\n"


def test_the_environment_is_only_read(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    secrets.hide("x")
    assert dict(os.environ) == before
