"""`mlcicd migrate`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--config", type=click.Path(path_type=Path), default=Path("mlcicd.yaml"), show_default=True, help="File to rewrite."
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 with the difference when there is something to do.")
def migrate(config: Path, check: bool) -> None:
    """Bring an older mlcicd.yaml to the version that this mlcicd reads.

    Only what has to change is changed; comments, quotes and order stay.
    """
    from mlcicd import upgrade

    for line in upgrade.run(config, check=check):
        click.echo(line)
