"""`mlcicd data`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from mlcicd.cli import say


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("mlcicd.yaml"), help="Configuration file.")
@click.option(
    "--for",
    "purpose",
    type=click.Choice(["validate", "train"]),
    default="train",
    show_default=True,
    help="What the data is for.",
)
@click.option("--remote", metavar="NAME", help="DVC remote to fetch from.  [default: data.remote, else DVC's own]")
@click.option("--verify", is_flag=True, help="Fetch nothing: prove that the remote has all that git's locks name.")
def data(config: Path, purpose: Literal["validate", "train"], remote: str | None, verify: bool) -> None:
    """Fetch the DVC data that a job needs, and verify it."""
    from mlcicd.runtime import data as worker
    from mlcicd.runtime import project

    if verify:
        worker.prove(project.load(config), remote or None, say)
    else:
        worker.fetch(project.load(config), purpose, remote or None, say)
