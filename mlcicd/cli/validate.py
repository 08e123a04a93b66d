"""`mlcicd validate`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("mlcicd.yaml"), help="Configuration file.")
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    metavar="NAME",
    callback=lambda _context, _option, values: [name for value in values for name in value.split()],
    help="Checkpoint to run; may be repeated.  [default: validate.checkpoints]",
)
def validate(config: Path, checkpoints: list[str]) -> None:
    """Run Great Expectations checkpoints."""
    from mlcicd.runtime import project
    from mlcicd.runtime import validate as worker

    worker.run(project.load(config), checkpoints, click.echo)
