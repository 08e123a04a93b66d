"""`mlcicd validate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mlcicd.cli import say, words

_ENGINES = click.Choice(["auto", "duckdb", "gx", "spark"])


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("mlcicd.yaml"), help="Configuration file.")
@click.option(
    "--when", type=click.Choice(["data", "train"]), default="data", show_default=True, help="What is due then."
)
@click.option("--checkpoint", "checkpoints", multiple=True, metavar="NAME", callback=words, help="Run only this one.")
@click.option("--suite", metavar="FILE", default="", help="Judge only --data, by this file of expectations.")
@click.option("--data", metavar="FILE", default="", help="CSV or Parquet file that --suite is about.")
@click.option("--engine", type=_ENGINES, help="What judges suites.  [default: validate.engine]")
@click.option("--suggest", metavar="DATA", default="", help="Write a starter suite from this file; judge nothing.")
@click.option("--output", metavar="FILE", default="", help="For --suggest.  [default: expectations/DATA.yaml]")
def validate(config: Path, suggest: str, output: str, **order: Any) -> None:
    """Judge the data: checkpoints, suites and built-in checks."""
    from mlcicd.runtime import project
    from mlcicd.runtime import validate as worker
    from mlcicd.runtime.validation import suggest as writer

    asked = worker.Order(**order)
    writer.refuse_mixtures(suggest, output, asked)
    found = project.load(config, "validate")
    if suggest:
        writer.run(found, suggest, output, say)
    else:
        worker.run(found, asked, say)
