"""`mlcicd generate`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--config", type=click.Path(path_type=Path), default=None, help="Configuration; ROOT/mlcicd.yaml by default."
)
@click.option("--root", type=click.Path(path_type=Path), default=Path(), help="The repository's top folder.")
@click.option("--platform", "platforms", multiple=True, help="Only this platform, one of `platforms`; repeatable.")
@click.option("--check", "mode", flag_value="check", help="Write nothing; exit 1 when a file means something else.")
@click.option("--diff", "mode", flag_value="diff", help="Write nothing; print the difference.")
@click.option("--merge", "mode", flag_value="merge", help="Where edits conflict, write both with conflict markers.")
@click.option(
    "--accept", "mode", flag_value="accept", help="Record the edits that are kept, so that --check allows them."
)
def generate(config: Path | None, root: Path, platforms: tuple[str, ...], mode: str | None) -> None:
    """Write the CI files of every platform from mlcicd.yaml.

    Edits of generated files are kept, by a three-way merge; mlcicd.lock remembers what was made last. Files that
    mlcicd did not write are never overwritten.
    """
    from mlcicd import generate as work

    made = work.compare(config or root / "mlcicd.yaml", root, platforms)
    made = work.require_current(made) if mode == "check" else work.merged(made)
    if mode == "diff":
        click.echo("".join(change.diff for change in made.changes), nl=False)
    if mode not in ("check", "diff"):
        work.apply(made, root, accept=mode == "accept", mark_conflicts=mode == "merge")
    for line in work.summary(made, dry=mode in ("check", "diff"), accept=mode == "accept"):
        click.echo(line)
