"""`mlcicd run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mlcicd.engine import Outcome
    from mlcicd.plan.model import Event

LINES = 24  # of the report; more are in its page


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

    Uncommitted changes are not part of it. The report is shown; it, the logs and what the jobs kept are in .mlcicd/.
    The exit status is 0 or 1, as CI would give it; a failed step's own status is in the job's row.
    """
    from mlcicd import engine
    from mlcicd.config.load import parse
    from mlcicd.plan.build import build

    here = Path.cwd()
    text, name = engine.committed(here, config)
    request = engine.Request(folder=here, event=event, base=base, jobs=jobs, parallel=parallel, keep=keep, config=name)
    outcome = engine.run(build(parse(text, f"HEAD:{name}")), request)
    for line in ["", *_report(outcome), *engine.places(outcome)]:
        click.echo(line)
    return outcome.exit_code


def _report(outcome: Outcome) -> list[str]:
    """Return the report in a few lines; one that cannot be read was not written by us, and its own step said so."""
    from mlcicd.errors import UsageError
    from mlcicd.runtime.report import forms

    path = outcome.folder / "report.json"
    try:
        lines = forms.printed(path, "terminal").splitlines() if path.is_file() else []
    except UsageError:
        return []
    more = len(lines) - LINES
    shown = [*lines[:LINES], f"  … {more} more lines in the report"] if more > 0 else lines
    return [*shown, ""] if shown else []
