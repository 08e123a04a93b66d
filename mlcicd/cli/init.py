"""`mlcicd init`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--root", type=click.Path(path_type=Path), default=Path(), help="The repository's top folder.")
@click.option("--print", "only_print", is_flag=True, help="Write nothing; print the file.")
def init(root: Path, only_print: bool) -> None:
    """Look at this repository and write a commented mlcicd.yaml.

    Nothing of the repository is executed. A file that is already there keeps every byte; sections that it lacks are
    added at its end.
    """
    from mlcicd import starter

    start = starter.prepare(root)
    if not only_print:
        starter.write(start)
    for line in starter.summary(start):
        click.echo(line, err=only_print)
    if only_print:
        click.echo(start.new, nl=False)
    else:
        click.echo("next: mlcicd generate")
