"""`mlcicd pins`."""

from __future__ import annotations

import os
from pathlib import Path

import click

FILE = click.Path(path_type=Path)


@click.command()
@click.option("--config", type=FILE, default=None, help="Configuration; ROOT/mlcicd.yaml by default.")
@click.option("--root", type=FILE, default=Path(), help="The repository's top folder.")
@click.option("--check", "mode", flag_value="check", help="Exit 1 when a generated file names something else.")
@click.option("--import", "mode", flag_value="import", help="Take what a bot wrote into the files over to tool.pins.")
@click.option("--update", "mode", flag_value="update", help="Ask the forge and the registries for what is newest.")
@click.option("--from", "facts", type=FILE, help="With --update: take it from this file instead.")
@click.option("--registry", default="", help="With --update: address of the registry of images without a host.")
def pins(config: Path | None, root: Path, mode: str | None, facts: Path | None, registry: str) -> None:
    """Show the actions and images that the pipelines name, at which commit or digest.

    What --import and --update find is written to tool.pins of mlcicd.yaml; `mlcicd generate` then puts it everywhere.
    """
    from mlcicd.config.load import load
    from mlcicd.pinning import change, show, table

    if facts and mode != "update":
        raise click.UsageError("--from belongs to --update")
    path = config or root / "mlcicd.yaml"
    settings = load(path)
    rows = table.table(settings, root)
    if mode == "check":
        table.require_same(rows)
    if mode == "import":
        lines = change.imported(path, settings, root, rows)
    elif mode == "update":
        lines = change.updated(path, rows, os.environ, facts, registry)
    else:
        lines = show.lines(rows)
    for line in lines:
        click.echo(line)
