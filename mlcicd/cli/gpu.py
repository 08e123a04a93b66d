"""`mlcicd gpu`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from mlcicd.cli import say


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("mlcicd.yaml"), help="Configuration file.")
@click.option(
    "--need",
    type=click.Choice(["required", "preferred", "none"]),
    help="What it means that there is none.  [default: `gpu` of the runner of training]",
)
def gpu(config: Path, need: Literal["required", "preferred", "none"] | None) -> None:
    """Look whether training will have a usable GPU, and say what is missing."""
    from mlcicd.runtime import gpu as worker
    from mlcicd.runtime import project

    worker.run(project.load(config, "train"), need, say)
