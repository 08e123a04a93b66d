"""`mlcicd generate`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--config", type=click.Path(path_type=Path), default=None, help="Configuration; ROOT/mlcicd.yaml by default."
)
@click.option("--root", type=click.Path(path_type=Path), default=Path(), help="The repository's top folder.")
@click.option("--platform", "platforms", multiple=True, help="Only this platform, one of `platforms`; repeatable.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 with the difference when a file is not current.")
@click.option("--diff", is_flag=True, help="Write nothing; print the difference.")
def generate(config: Path | None, root: Path, platforms: tuple[str, ...], check: bool, diff: bool) -> None:
    """Write the CI files of every platform from mlcicd.yaml.

    Files that mlcicd did not write, or that were edited since, are never overwritten.
    """
    from mlcicd import generate as work

    made = work.compare(config or root / "mlcicd.yaml", root, platforms)
    if check:
        work.require_current(made)
    if diff or check:
        click.echo("".join(change.diff for change in made.changes), nl=False)
    else:
        work.apply(made, root)
    for line in work.summary(made, dry=diff or check):
        click.echo(line)
