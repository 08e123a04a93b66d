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
    from mlcicd.platforms import PLATFORMS

    settings = load(config)
    pipeline = build(settings)
    platforms: show.Platforms = {name: PLATFORMS[name] for name in settings.platforms}
    if form == "json":
        click.echo(show.as_json(settings, pipeline, platforms), nl=False)
    elif form == "mermaid":
        click.echo(show.mermaid(pipeline), nl=False)
    elif form == "trust":
        from mlcicd.detect import git
        from mlcicd.platforms import trust
        from mlcicd.runtime.storage import remotes

        host, name = git.origin(config.parent)
        used = remotes.configured(config.parent / settings.project.root, remotes.chosen(settings, None))
        click.echo(trust.text(settings, {git.platform(host): (host, name)}, used.url if used else ""), nl=False)
    else:
        click.echo("# effective configuration, defaults included")
        click.echo(yamlio.dump(settings.model_dump(mode="json", by_alias=True, exclude_none=True)))
        click.echo(show.text(pipeline, platforms), nl=False)
