"""`mlcicd setup`."""

from __future__ import annotations

from pathlib import Path

import click

from mlcicd.cli import say


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("mlcicd.yaml"), help="Configuration file.")
@click.option("--tables", is_flag=True, help="Also install DuckDB beside mlcicd, which judges tables.")
def setup(config: Path, tables: bool) -> None:
    """Make the project's environment (runs project.install)."""
    from mlcicd.runtime import project

    project.setup(project.load(config), say, tables=tables)
