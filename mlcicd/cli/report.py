"""`mlcicd report`."""

from __future__ import annotations

from pathlib import Path

import click


def _split(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> list[str]:
    return [word for value in values for word in value.split()]


@click.command()
@click.option(
    "--config", default="mlcicd.yaml", show_default=True, type=click.Path(path_type=Path), help="The configuration."
)
@click.option("--base", default="", metavar="REF", help="Compare with this branch, tag or commit.")
@click.option(
    "--metrics", multiple=True, callback=_split, metavar="PATH", help="Metric files, instead of report.metrics."
)
@click.option(
    "--output", default=".mlcicd", show_default=True, type=click.Path(path_type=Path), help="Folder to write to."
)
def report(config: Path, base: str, metrics: list[str], output: Path) -> None:
    """Compare with the base, judge the gates, write the report.

    Reads what the other verbs left in .mlcicd/. Exits with 1 when a gate, the data, the tests or the
    training failed, or when a job left nothing.
    """
    import os

    from mlcicd.runtime import ci
    from mlcicd.runtime.report import render, run

    written = run.report(config, base, metrics, output, ci.detect(os.environ), click.echo)
    click.echo(render.terminal(written.report))
    click.echo("written: " + " ".join(map(str, written.files)))
    written.raise_for_state()
