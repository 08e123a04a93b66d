"""`mlcicd comment`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Literal, get_args

import click

from mlcicd.cli import say

Publisher = Literal["cml", "native"]
When = Literal["always", "changed", "failed"]
PUBLISHERS, WHEN = click.Choice(get_args(Publisher)), click.Choice(get_args(When))
REPORT = ".mlcicd/report.json"


@click.command()
@click.option("--publisher", type=PUBLISHERS, default="cml", show_default=True, help="Who posts it.")
@click.option("--when", type=WHEN, default="always", show_default=True, help="What is worth a comment.")
@click.option("--report", default=REPORT, show_default=True, type=click.Path(path_type=Path), help="What to post.")
@click.option("--from-fork", is_flag=True, help="Post for the fork's run that started this one (GitHub).")
@click.option("--templates", default="", metavar="PATH", help="Configuration whose report.templates lay blocks out.")
def comment(publisher: Publisher, when: When, report: Path, from_fork: bool, templates: str) -> None:
    """Post report.json as one comment on the pull or merge request, or update the one that is there.

    Reads nothing else: no checkout, no mlcicd.yaml; with --templates those of the base commit, by the
    forge. Publisher cml falls back to native when the program `cml` is missing or fails. A comment that
    is there is brought up to date whatever --when says.
    """
    from mlcicd.runtime import ci
    from mlcicd.runtime import comment as worker

    if from_fork:
        here, source = ci.source(os.environ)
        lines = worker.for_fork(source, when, here, os.environ, time.sleep, templates)
    else:
        lines = worker.comment(report, publisher, when, ci.detect(os.environ), os.environ, config=templates)
    for line in lines:
        say(line)
