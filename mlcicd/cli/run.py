"""`mlcicd run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mlcicd.plan.model import Event


@click.command()
@click.option(
    "--event",
    type=click.Choice(["pull_request", "push", "manual"]),
    help="What to pretend happened.  [default: pull_request, on the default branch push]",
)
@click.option("--base", metavar="REF", help="Commit to compare with.  [default: where HEAD left the default branch]")
@click.option("--job", "jobs", multiple=True, metavar="ID", help="Only this job and what it needs; may be repeated.")
@click.option("--keep", is_flag=True, help="Leave the clones for a look, and print where they are.")
@click.option("--config", type=click.Path(path_type=Path), default="mlcicd.yaml", help="Configuration file.")
@click.option("--jobs", "parallel", type=click.IntRange(min=1), help="Jobs at once.  [default: one per CPU, at most 4]")
def run(
    event: Event | None, base: str | None, jobs: tuple[str, ...], keep: bool, config: Path, parallel: int | None
) -> int:
    """Execute the pipeline here, each job in a clean clone of HEAD.

    Uncommitted changes are not part of it. The report, the logs and what the jobs kept are in .mlcicd/.
    The exit status is 0 or 1, as CI would give it; a failed step's own status is in the job's row.
    """
    from mlcicd import engine
    from mlcicd.config.load import parse
    from mlcicd.plan.build import build

    here = Path.cwd()
    text, name = engine.committed(here, config)
    request = engine.Request(folder=here, event=event, base=base, jobs=jobs, parallel=parallel, keep=keep, config=name)
    return engine.run(build(parse(text, f"HEAD:{name}")), request).exit_code
