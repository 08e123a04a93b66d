"""`mlcicd demo`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("mlcicd-demo"),
    show_default=True,
    help="Where to make it: a new or empty folder, or an earlier demo, which is made anew.",
)
@click.option("--keep", is_flag=True, help="Leave the clones that the jobs ran in, and print where they are.")
def demo(folder: Path, keep: bool) -> int:
    """Make an example repository and run its pull-request pipeline here.

    Every command is shown as it is run: git, uv, dvc and mlcicd, nothing else. Needs git and uv; asks nothing.
    """
    from mlcicd import demo as example

    return example.play(folder, keep=keep, say=click.echo)
