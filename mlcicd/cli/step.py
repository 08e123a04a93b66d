"""`mlcicd step`."""

from __future__ import annotations

from pathlib import Path

import click

from mlcicd.cli import say


@click.command()
@click.argument("name", envvar="MLCICD_STEP_NAME")
@click.option("--config", type=click.Path(path_type=Path), default=Path("mlcicd.yaml"), help="Configuration file.")
def step(name: str, config: Path) -> None:
    """Run a step or job of the team's own, and record the result.

    NAME is a name under `steps`, also as small letters, digits and dashes, or an id under `jobs`.
    """
    from mlcicd.runtime import project
    from mlcicd.runtime import step as worker

    worker.run(project.load(config), name, say)
