"""`mlcicd status`."""

from __future__ import annotations

from pathlib import Path

import click

from mlcicd.cli import say


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("mlcicd.yaml"), help="Configuration file.")
@click.option(
    "--remote/--no-remote",
    default=None,
    help="Also ask the DVC remote whether it has all that is named.  [default: status.remote, with a data section]",
)
@click.option("--json", "as_json", is_flag=True, help="Print what .mlcicd/status.json says, instead of a table.")
def status(config: Path, remote: bool | None, as_json: bool) -> None:
    """Tell whether code, data, parameters, lock and metrics agree.

    Works in a fresh clone and downloads no data. Exits with 1 when something is stale, naming why and the command
    that repairs it.
    """
    from mlcicd.runtime import project
    from mlcicd.runtime import status as worker

    found = worker.check(project.load(config, "status"), remote)
    say(found.model_dump_json(indent=1) if as_json else worker.text(found))
    worker.require(found)
