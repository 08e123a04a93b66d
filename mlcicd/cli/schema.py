"""`mlcicd schema`."""

from __future__ import annotations

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of mlcicd.yaml, for editors."""
    from mlcicd.config.schema import json_schema

    click.echo(json_schema(), nl=False)
