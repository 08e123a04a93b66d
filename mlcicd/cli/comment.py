"""`mlcicd comment`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import click

Publisher = Literal["cml", "native"]
When = Literal["always", "changed", "failed"]
PUBLISHERS, WHEN = get_args(Publisher), get_args(When)
REPORT = ".mlcicd/report.json"


@click.command()
@click.option("--publisher", type=click.Choice(PUBLISHERS), default="cml", show_default=True, help="Who posts it.")
@click.option("--when", type=click.Choice(WHEN), default="always", show_default=True, help="What is worth a comment.")
@click.option("--report", default=REPORT, show_default=True, type=click.Path(path_type=Path), help="What to post.")
@click.option("--from-fork", is_flag=True, help="Post for the fork's run that started this one (GitHub).")
def comment(publisher: Publisher, when: When, report: Path, from_fork: bool) -> None:
    """Post report.json as one comment on the pull or merge request, or update the one that is there.

    Reads nothing else: no checkout, no mlcicd.yaml. Publisher cml falls back to native when the program
    `cml` is missing or fails. A comment that is there is brought up to date whatever --when says.
    """
    import os
    import time

    from mlcicd.runtime import ci
    from mlcicd.runtime import comment as worker

    if from_fork:
        here, source = ci.source(os.environ)
        lines = worker.for_fork(source, when, here, os.environ, time.sleep)
    else:
        lines = worker.comment(report, publisher, when, ci.detect(os.environ), os.environ)
    for line in lines:
        click.echo(line)
