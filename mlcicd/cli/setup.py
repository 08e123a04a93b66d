"""`mlcicd setup`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("mlcicd.yaml"), help="Configuration file.")
def setup(config: Path) -> None:
    """Make the project's environment (runs project.install)."""
    from mlcicd.runtime import project

    project.setup(project.load(config), click.echo)
