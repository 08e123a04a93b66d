"""`mlcicd lint`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path)
FORMS = click.Choice(["text", "json", "sarif"])
LEAST = click.Choice(["note", "warning", "error"])


@click.command()
@click.argument("paths", nargs=-1, type=FILE)
@click.option(
    "--format",
    "form",
    type=FORMS,
    default="text",
    show_default=True,
    help="For people, for programs, for code scanning.",
)
@click.option("--output", type=FILE, default=None, help="Write there instead of printing.")
@click.option("--fix", is_flag=True, help="Mend what can be mended without judgement, then judge again.")
@click.option("--explain", metavar="ID", default=None, help="Print what a rule asks for and why, and end.")
@click.option("--rule", "rules", metavar="ID", multiple=True, help="Only this rule, such as M5; repeatable.")
@click.option("--only-own", is_flag=True, help="Do not ask zizmor and actionlint, even where they are installed.")
@click.option("--min-severity", type=LEAST, default="note", show_default=True, help="Leave out what is less.")
def lint(paths: tuple[Path, ...], rules: tuple[str, ...], only_own: bool, min_severity: Any, **how: Any) -> None:
    """Judge CI files of any origin by the rules that other linters lack.

    PATHS are files or folders, this folder by default: workflows, composite actions, GitLab pipelines and components,
    dependabot.yml. Exits with 1 when something worse than a note was found. A line is let pass by a comment behind it
    or above it: `# mlcicd: ignore[M5] the reason`.
    """
    from mlcicd.lint import explain, fix, output, run

    if how["explain"]:
        click.echo(explain.section(explain.known(how["explain"])), nl=False)
        return
    judge = partial(run.lint, paths or (Path(),), only=explain.ids(rules), min_severity=min_severity)
    for one in fix.mend(partial(judge, with_others=False)) if how["fix"] else ():
        click.echo(f"fixed {output.line(one)}", err=True)
    result = judge(with_others=not only_own)
    click.echo(output.told(result, how["form"], how["output"]), nl=False)
    result.raise_for_broken()
    click.get_current_context().exit(0 if result.is_clean else 1)
