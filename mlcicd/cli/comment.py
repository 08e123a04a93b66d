"""`mlcicd comment`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click


@click.command()
@click.option(
    "--publisher", type=click.Choice(["cml", "native"]), default="cml", show_default=True, help="Who posts it."
)
@click.option(
    "--report", default=".mlcicd/report.json", show_default=True, type=click.Path(path_type=Path), help="What to post."
)
def comment(publisher: Literal["cml", "native"], report: Path) -> None:
    """Post report.json as one comment on the pull or merge request, or update the one that is there.

    Reads nothing else: no checkout, no mlcicd.yaml. Publisher cml falls back to native when the program
    `cml` is missing or fails.
    """
    import os

    from mlcicd.runtime import ci
    from mlcicd.runtime import comment as worker

    for line in worker.comment(report, publisher, ci.detect(os.environ), os.environ):
        click.echo(line)
