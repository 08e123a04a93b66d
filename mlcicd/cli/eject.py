"""`mlcicd eject`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--config", type=click.Path(path_type=Path), default=None, help="Configuration; ROOT/mlcicd.yaml by default."
)
@click.option("--root", type=click.Path(path_type=Path), default=Path(), help="The repository's top folder.")
@click.option("--yes", is_flag=True, help="Do it; without, it is only said what would be done.")
def eject(config: Path | None, root: Path, yes: bool) -> None:
    """Hand the generated files over: from then on they are yours, and mlcicd writes them no more.

    Your edits stay. The job `check` goes, because nothing is left to compare with.
    """
    from mlcicd import eject as work

    made = work.plan(config or root / "mlcicd.yaml", root)
    if yes:
        work.apply(made, root)
    for line in work.summary(made, dry=not yes):
        click.echo(line)
