"""Our own workflow: the demo from an empty folder, then every action of this checkout on what it made."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT
from tests.e2e.harness import repo as repository
from tests.e2e.harness.act import references
from tests.e2e.harness.tools import Tools

pytestmark = pytest.mark.e2e


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """This repository with that one workflow, and a pull request in it."""
    folder = repository.snapshot(ROOT, tmp_path / "mlcicd")
    for path in (folder / ".github/workflows").glob("*.yml"):
        if path.name != "actions.yml":
            path.unlink()
    repository.commit(folder, "All of it")
    repository.git(folder, "switch", "--quiet", "--create", "feature")
    repository.commit(folder, "A change")
    return folder


def test_the_demo_and_every_action(checkout: Path, act: Any, programs: list[Path], tools: Tools) -> None:
    done = act(
        checkout,
        "pull_request",
        repository.pull_request(checkout),
        references=references([checkout / ".github/workflows", checkout / "actions"], tools),
        programs=programs,
    )
    done.assert_jobs({"use": "success"})
    log = done.jobs["use"].log
    assert "From nothing to here in" in log
    assert "/repo/.mlcicd/report.html" in log
    with zipfile.ZipFile(done.artifacts["mlcicd-demo"]) as archive:
        report = json.loads(archive.read("report.json"))
        facts = set(archive.namelist())
    assert {"data.json", "test.json", "validate.json", "train.json", "report.html", "junit.xml"} <= facts
    assert report["state"] == "pass"
    assert report["notices"] == []
    # The same on every machine: seeds are fixed and requirements pinned.
    numbers = {metric["name"]: (metric["base"], metric["change"]) for metric in report["metrics"]}
    assert numbers["accuracy"] == (0.9474, 0.9649)
    assert numbers["log_loss"] == (0.1335, 0.1088)
