"""`mlcicd report`."""

from __future__ import annotations

import os
from pathlib import Path

import click

FORMATS = click.Choice(["terminal", "markdown", "html", "junit", "openmetrics", "json"])
FILE = click.Path(path_type=Path)


def _split(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> list[str]:
    return [word for value in values for word in value.split()]


@click.command()
@click.option("--config", default="mlcicd.yaml", show_default=True, type=FILE, help="The configuration.")
@click.option("--base", default="", metavar="REF", help="Compare with this branch, tag or commit.")
@click.option("--metrics", multiple=True, callback=_split, metavar="PATH", help="Files, instead of report.metrics.")
@click.option("--output", default=".mlcicd", show_default=True, type=FILE, help="Folder to write to.")
@click.option("--from", "source", type=FILE, help="Only print this report.json, in the form that --format names.")
@click.option("--format", "form", type=FORMATS, help="Goes with --from; a few lines for a terminal when absent.")
def report(config: Path, base: str, metrics: list[str], output: Path, source: Path | None, form: str | None) -> None:
    """Compare with the base, judge the gates, write the report.

    Reads what the other verbs left in .mlcicd/. Exits with 1 when a gate, the data, the tests or the
    training failed, or when a job left nothing.
    """
    if form and not source:
        raise click.UsageError("--format goes with --from: the report itself is written in every form")
    if source:
        from mlcicd.runtime.report import forms

        return click.echo(forms.printed(source, form or "terminal"), nl=False)
    from mlcicd.runtime import ci
    from mlcicd.runtime.report import render, run

    written = run.report(config, base, metrics, output, ci.detect(os.environ), click.echo)
    click.echo(render.terminal(written.report) + "\nwritten: " + " ".join(map(str, written.files)))
    return written.raise_for_state()
