"""`mlcicd lock`."""

from __future__ import annotations

import click

from mlcicd.cli import say


@click.command()
@click.option("--config", default="mlcicd.yaml", show_default=True, help="Configuration file, as the commit has it.")
@click.option("--dry-run", is_flag=True, help="Only say what would be committed on the HEAD that is here.")
def lock(config: str, dry_run: bool) -> None:
    """Bring dvc.lock and the metrics of training back to the branch.

    Runs in CI, after train and where there is a right to write: a commit, or a pull or merge request, as
    train.lock says. It checks nothing out, and never writes on a branch that has moved on.
    """
    import os

    from mlcicd.runtime import ci
    from mlcicd.runtime import lock as worker

    worker.run(config, dry_run, ci.detect(os.environ), os.environ, say)
