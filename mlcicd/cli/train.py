"""`mlcicd train`."""

from __future__ import annotations

from pathlib import Path

import click

from mlcicd.cli import say


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("mlcicd.yaml"), help="Configuration file.")
@click.option("--command", metavar="TEXT", help="Shell command to run.  [default: train.command]")
@click.option(
    "--smoke/--full",
    default=None,
    help="With the parameters of train.smoke, or without.  [default: with them on a pull request]",
)
def train(config: Path, command: str | None, smoke: bool | None) -> None:
    """Train, and record stages, time, memory and hardware."""
    from mlcicd.runtime import project
    from mlcicd.runtime import train as worker

    worker.run(project.load(config, "train"), command, say, smoke=smoke)
