"""`mlcicd report`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from mlcicd.cli import say, words

FORMATS = click.Choice(["terminal", "markdown", "html", "junit", "openmetrics", "json"])
FILE = click.Path(path_type=Path)


@click.command()
@click.option("--config", default="mlcicd.yaml", show_default=True, type=FILE, help="The configuration.")
@click.option("--base", default="", metavar="REF", help="Compare with this branch, tag or commit.")
@click.option("--metrics", multiple=True, callback=words, metavar="PATH", help="Files, instead of report.metrics.")
@click.option("--output", default=".mlcicd", show_default=True, type=FILE, help="Folder to write to.")
@click.option("--from", "source", type=FILE, help="Only print this report.json, in the form that --format names.")
@click.option("--format", "form", type=FORMATS, help="Goes with --from; a few lines for a terminal when absent.")
@click.option("--templates", is_flag=True, help="Goes with --from: as markdown, by report.templates as they are here.")
def report(config: Path, base: str, metrics: tuple[str, ...], output: Path, **again: Any) -> None:
    """Compare with the base, judge the gates, write the report.

    Reads what the other verbs left in .mlcicd/. Exits with 1 when a gate, the data, the tests or the
    training failed, or when a job left nothing.
    """
    if any(again.values()):  # which the programs of others wait for, so it loads no more than it needs
        from mlcicd.runtime.report import forms

        return click.echo(forms.again(config, **again), nl=False)
    from mlcicd.runtime import ci
    from mlcicd.runtime.report import run

    written = run.report(config, base, metrics, output, ci.detect(os.environ), say)
    say(written.told)
    return written.raise_for_state()
