"""`mlcicd validate`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mlcicd.errors import UsageError

_ENGINES = click.Choice(["auto", "duckdb", "gx", "spark"])


def _words(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for value in values for name in value.split())


def _refuse_mixtures(suggest: str, output: str, order: Mapping[str, Any]) -> None:
    """Refuse options that would be ignored: `--suggest` writes and judges nothing, and nothing else writes."""
    beside = next((f"--{name.removesuffix('s')}" for name in ("suite", "data", "checkpoints") if order[name]), "")
    if suggest and beside:
        raise UsageError(
            f"{beside} cannot stand beside --suggest, which judges nothing",
            hint="write the suite first: --suggest DATA; then judge by it: --suite FILE --data DATA",
        )
    if output and not suggest:
        raise UsageError(
            "--output needs --suggest: it names the suite that is written", hint="--suggest DATA --output FILE"
        )


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("mlcicd.yaml"), help="Configuration file.")
@click.option(
    "--when", type=click.Choice(["data", "train"]), default="data", show_default=True, help="What is due then."
)
@click.option("--checkpoint", "checkpoints", multiple=True, metavar="NAME", callback=_words, help="Run only this one.")
@click.option("--suite", metavar="FILE", default="", help="Judge only --data, by this file of expectations.")
@click.option("--data", metavar="FILE", default="", help="CSV or Parquet file that --suite is about.")
@click.option("--engine", type=_ENGINES, help="What judges suites.  [default: validate.engine]")
@click.option("--suggest", metavar="DATA", default="", help="Write a starter suite from this file; judge nothing.")
@click.option("--output", metavar="FILE", default="", help="For --suggest.  [default: expectations/DATA.yaml]")
def validate(config: Path, suggest: str, output: str, **order: Any) -> None:
    """Judge the data: checkpoints, suites and built-in checks."""
    from mlcicd.runtime import project

    _refuse_mixtures(suggest, output, order)
    found = project.load(config)
    if suggest:
        from mlcicd.runtime.validation import suggest as writer

        writer.run(found, suggest, output, click.echo)
        return
    from mlcicd.runtime import validate as worker

    worker.run(found, worker.Order(**order), click.echo)
