"""`mlcicd plan`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("mlcicd.yaml"), help="Configuration file.")
@click.option("--json", "form", flag_value="json", help="Everything, for programs.")
@click.option("--mermaid", "form", flag_value="mermaid", help="The job graph as a mermaid flowchart.")
@click.option("--trust", "form", flag_value="trust", help="What each cloud has to be told so that it lets the jobs in.")
def plan(config: Path, form: str | None) -> None:
    """Show the effective configuration and the jobs it becomes."""
    from mlcicd import yamlio
    from mlcicd.config.load import load
    from mlcicd.plan import show
    from mlcicd.plan.build import build

    settings = load(config)
    pipeline = build(settings)
    if form == "json":
        click.echo(show.as_json(settings, pipeline), nl=False)
    elif form == "mermaid":
        click.echo(show.mermaid(pipeline), nl=False)
    elif form == "trust":
        from mlcicd.detect import git
        from mlcicd.platforms import trust

        host, name = git.origin(config.parent)
        click.echo(trust.text(settings, {git.platform(host): (host, name)}), nl=False)
    else:
        click.echo("# effective configuration, defaults included")
        click.echo(yamlio.dump(settings.model_dump(mode="json", by_alias=True, exclude_none=True)))
        click.echo(show.text(pipeline), nl=False)
