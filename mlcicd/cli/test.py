"""`mlcicd test`."""

from __future__ import annotations

from pathlib import Path

import click

from mlcicd.cli import say


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("mlcicd.yaml"), help="Configuration file.")
@click.option("--command", metavar="TEXT", help="Shell command to run.  [default: test.command]")
def test(config: Path, command: str | None) -> None:
    """Run the project's tests and record the result."""
    from mlcicd.runtime import project
    from mlcicd.runtime import test as worker

    worker.run(project.load(config, "test"), command, say)
