"""An executor of GitHub's workflows acts on what a step prints, but not on what a program prints through a verb."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import repo
from tests.e2e.harness.act import references
from tests.e2e.harness.tools import Tools

pytestmark = pytest.mark.e2e
# `direct` shows that the orders are ones that are acted on; each is given in the way that needs no file.
WORKFLOW = """\
on: {push: {branches: [main]}}
jobs:
  look:
    runs-on: ubuntu-latest
    env: {ACTIONS_ALLOW_UNSECURE_COMMANDS: "true"}
    steps:
      - uses: actions/checkout@0123456789abcdef0123456789abcdef01234567
      - {id: verb, run: mlcicd test}
      - {name: after-verb, run: 'echo "output [${{ steps.verb.outputs.word }}] variable [$BY_ORDER]"'}
      - {id: direct, run: python3 orders.py}
      - {name: after-direct, run: 'echo "output [${{ steps.direct.outputs.word }}] variable [$BY_ORDER]"'}
"""
ORDERS = """\
import os
print("::set-output name=word::evil\\n::set-env name=BY_ORDER::evil\\n::error file=a.py,line=1::evil")
for name in ("GITHUB_OUTPUT", "GITHUB_ENV"):
    if name in os.environ and os.environ.get("MLCICD_SECRETS") is not None:
        open(os.environ[name], "a").write("word=written\\nBY_ORDER=written\\n")
"""


def test_a_program_gives_no_orders(act: Callable[..., Any], tools: Tools, tmp_path: Path) -> None:
    source = tmp_path / "source"
    files = {".github/workflows/look.yml": WORKFLOW, "orders.py": ORDERS,
             "mlcicd.yaml": "version: 1\ntest: {command: python3 orders.py}\n"}  # fmt: skip
    for name, text in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    repo.commit(source)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "mlcicd").write_text(f'#!/bin/sh\nexec {sys.executable} -m mlcicd "$@"\n')
    (programs / "mlcicd").chmod(0o755)

    known = references([source / ".github/workflows"], tools)
    run = act(source, "push", repo.push(source), references=known, programs=[programs])
    job = run.jobs["look"]

    assert job.result == "success", run.text
    assert "output [] variable []" in job.step("after-verb").log
    assert "output [evil] variable [evil]" in job.step("after-direct").log
    assert [one.message for one in job.annotations] == ["evil"]  # of the step `direct` alone
