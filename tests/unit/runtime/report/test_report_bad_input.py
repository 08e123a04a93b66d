"""Whatever a metric file is, on either side: a row or a message names file and key, and no gate passes by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcicd.runtime import facts
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.report import render
from mlcicd.runtime.report.model import Report
from mlcicd.runtime.report.run import report
from tests.unit.runtime.repository import git

CONFIG = """\
version: 1
train: {command: python train.py}
report: {metrics: [metrics.json]}
gates: [{metric: accuracy, max-drop: 0.01}]
"""
GOOD = b'{"accuracy": 0.95, "loss": 0.3}'
BAD = {
    "missing": (None, "", "no such file"),
    "empty": (b"", "", "the file is empty"),
    "truncated": (b'{"accuracy": 0.9', "", "Expecting"),
    "not UTF-8": (b'{"accuracy": 0.9, "n\xff": 1}', "", "not UTF-8 text (byte 20)"),
    "a list": (b"[0.9]", "", "expected keys and values, got list"),
    "nested too deeply": (b'{"a":' * 60 + b"1" + b"}" * 60, "", "nested deeper than 32 levels"),
    "a key twice": (b'{"accuracy": 0.9, "accuracy": 0.99}', "", 'duplicate key "accuracy"'),
    "huge": (b'{"accuracy": 0.9, "x": "' + b"x" * 5_000_000 + b'"}', "", "larger than 4,194,304 bytes"),
    "too many": (json.dumps({f"k{n}": n for n in range(10_001)}).encode(), "", "more than 10,000 values"),
    "text": (b'{"accuracy": "0.96"}', "accuracy", "the text '0.96' is not a number"),
    "null": (b'{"accuracy": null}', "accuracy", "null is not a number"),
    "a dictionary": (b'{"accuracy": {"mean": "x"}}', "accuracy.mean", "the text 'x' is not a number"),
}
SIDES = [(name, side) for name in BAD for side in ("change", "base") if (name, side) != ("missing", "base")]


def made(root: Path, monkeypatch: pytest.MonkeyPatch, base: bytes | None, change: bytes | None) -> Report:
    monkeypatch.chdir(root)
    git(root, "init", "-q", "-b", "main")
    (root / "mlcicd.yaml").write_text(CONFIG)
    for content, message in ((base, "base"), (change, "change")):
        (root / "metrics.json").unlink(missing_ok=True)
        if content is not None:
            (root / "metrics.json").write_bytes(content)
        git(root, "add", "-A")
        git(root, "commit", "-q", "--allow-empty", "-m", message)
    facts.write(facts.TrainFacts(command="x", exit=0, seconds=1, hardware=facts.Hardware(cpus=1, memory=1)), "train")
    return report(Path("mlcicd.yaml"), "HEAD~1", (), Path(".mlcicd"), Ci()).report


@pytest.mark.parametrize(("name", "side"), SIDES, ids=lambda value: value)
def test_bad_metrics_are_named_and_fail_closed(
    name: str, side: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, key, reason = BAD[name]
    found = made(tmp_path, monkeypatch, *((raw, GOOD) if side == "base" else (GOOD, raw)))
    (said, *_) = [item for item in found.unread if item.side == side]
    assert (said.file, said.key) == ("metrics.json", key)
    assert said.reason.startswith(reason)
    # A group of numbers is no number, but no unreadable one either: at the base the metric was not there.
    expected = "no-base" if (name, side) == ("a dictionary", "base") else "error"
    assert [verdict.status for verdict in found.gates] == [expected]
    assert (found.state == "error") == (expected == "error")
    comment = render.markdown(found)
    assert (f"`metrics.json: {key}`" if key else "`metrics.json`") in comment


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_not_finite_has_its_row_and_passes_no_gate(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = made(tmp_path, monkeypatch, GOOD, GOOD.replace(b"0.95", value.encode()))
    assert found.state == "error"
    assert "`accuracy`" in render.markdown(found)


def test_a_base_without_the_file_is_a_new_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = made(tmp_path, monkeypatch, None, GOOD)
    assert [(metric.name, metric.base) for metric in found.metrics] == [("accuracy", None), ("loss", None)]
    assert [(verdict.status, verdict.cause) for verdict in found.gates] != [("pass", "")]
    assert "new" in render.markdown(found)


def test_a_unit_that_may_have_changed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = made(tmp_path, monkeypatch, b'{"accuracy": 0.95, "latency": 0.05}', b'{"accuracy": 0.96, "latency": 50}')
    (notice,) = [item for item in found.notices if item.kind == "units"]
    assert notice.names == ("metrics.json: latency",)


def test_numbers_around_zero_are_not_far_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = made(tmp_path, monkeypatch, b'{"accuracy": 0.95, "bias": 0}', b'{"accuracy": 0.95, "bias": -3}')
    assert "units" not in [item.kind for item in found.notices]
