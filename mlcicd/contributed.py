"""What the team adds to the generated files from files of its own: jobs in a platform's words, and templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from mlcicd import resources
from mlcicd.config.model import Config
from mlcicd.errors import Refused, UsageError
from mlcicd.plan.model import Foreign, Job, Pipeline
from mlcicd.platforms import PLATFORMS, foreign

MAX_BYTES = 256 * 1024
_EXPLAIN = "`mlcicd lint --explain RULE` says why, and what to do instead"


def taken_in(
    pipeline: Pipeline, config: Config, root: Path, platforms: Sequence[str]
) -> tuple[Pipeline, tuple[str, ...]]:
    """Return the pipeline with what the team's files say, and the warnings of the linter about them.

    Args:
        pipeline: the plan, which names files only.
        config: the configuration.
        root: the repository's top folder.
        platforms: for which files are made.

    Raises:
        UsageError: when a file is missing, or is not what it should be.
        Refused: when the linter finds an error in one, or a warning where `tool.profile` is strict.
    """
    warnings: list[str] = []
    jobs = tuple(_read_job(job, root, platforms, warnings) if job.foreign else job for job in pipeline.jobs)
    if config.tool.profile == "strict":
        _require_strict(jobs, warnings)
    folder = config.tool.templates
    templates = dict(_templates(root, folder)) if folder else {}
    return replace(pipeline, jobs=jobs, templates=templates), tuple(warnings)


def require_clean(platform: str, text: str, pipeline: Pipeline) -> None:
    """Refuse a main file that templates of the team's own have brought an error into.

    Raises:
        Refused: with what the linter found; what we lay out ourselves has no findings.
    """
    own = [name for name in pipeline.templates if name.startswith(f"{platform}/")]
    if not own:
        return
    from mlcicd.lint import document, run

    main = PLATFORMS[platform].MAIN
    found = run.judge(document.read(main, text, foreign.WORDS[platform].kind))
    if errors := [
        f"{one.source_line.strip()}\n  {one.rule}: {one.message}" for one in found if one.severity == "error"
    ]:
        raise Refused(
            f"tool.templates: the linter refuses what {', '.join(own)} makes", detail="\n".join(errors), hint=_EXPLAIN
        )


def _read_job(job: Job, root: Path, platforms: Sequence[str], warnings: list[str]) -> Job:
    filled = {}
    for platform in (name for name in platforms if name in job.foreign):
        path = job.foreign[platform].path
        text = _text(root, path, f"jobs.{job.id}.{platform}")
        tree = foreign.parse(platform, path, text)
        warnings += _linted(job.id, platform, path, foreign.frame(platform, job.id, tree, text))
        filled[platform] = Foreign(path=path, tree=tree)
    return replace(job, foreign={**job.foreign, **filled})


def _require_strict(jobs: Sequence[Job], warnings: Sequence[str]) -> None:
    """Refuse what the profile does not admit; what a linter warns of would have to be excused."""
    for one in (one for job in jobs for one in job.foreign.values() if one.tree):
        foreign.require_strict(one.path, one.tree)
    if warnings:
        raise Refused("tool.profile is strict, and the linter warns", detail="\n".join(warnings), hint=_EXPLAIN)


def _linted(id: str, platform: str, path: str, framed: foreign.Framed) -> list[str]:
    """Return warnings, one line each; the places are those of the team's file."""
    from mlcicd.lint import document, run
    from mlcicd.yamlio import Unreadable

    try:
        doc = document.read(path, framed.text, foreign.WORDS[platform].kind)
    except Unreadable as error:
        raise UsageError(
            f"{path}: {error.reason}", hint="write the keys of the job in block form, one below the other"
        ) from None
    found: dict[str, list[str]] = {"error": [], "warning": [], "note": []}
    for one in run.judge(doc):
        # Findings about the job as a whole stand at its id, before the first line of the file.
        if framed.lines <= one.line <= framed.last:
            line, column = max(1, one.line - framed.lines), max(1, one.column - framed.indent)
            found[one.severity].append(f"{path}:{line}:{column}: {one.severity} {one.rule}: {one.message}")
    if found["error"]:
        raise Refused(
            f"the linter refuses the job {id}: {path}",
            detail="\n".join([*found["error"], *found["warning"]]),
            hint=_EXPLAIN,
        )
    return found["warning"]


def _templates(root: Path, folder: str) -> Iterator[tuple[str, str]]:
    known = _known()
    top = root / folder
    if not top.is_dir():
        raise UsageError(
            f"tool.templates: there is no folder {folder}", hint=f"make it, with templates such as {known[0]}"
        )
    for path in sorted(path for path in top.rglob("*") if not path.is_dir()):
        name = path.relative_to(top).as_posix()
        if name not in known:
            raise UsageError(
                f"tool.templates: {folder}/{name}: mlcicd has no template of this name",
                detail="\n".join(known),
                hint="rename it to one of these, or move it out of the folder",
            )
        yield name, _text(root, f"{folder}/{name}", "tool.templates")


def _known() -> list[str]:
    top = resources.find("templates")
    ours = {path.relative_to(top).as_posix() for name in PLATFORMS for path in (top / name).rglob("*.j2")}
    return sorted(ours.difference(*(platform.FIXED for platform in PLATFORMS.values())))


def _text(root: Path, path: str, key: str) -> str:
    """Return the text of a file of the repository's own.

    Raises:
        UsageError: when there is none, it leads out of the repository, or is no text.
    """
    full = root / path
    if full.exists() and not full.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{key}: {path} is not inside the repository", hint="copy the file, instead of linking to it")
    try:
        raw = full.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{key}: {path}: cannot be read: {error.strerror}",
            hint="write the file, or correct the path in mlcicd.yaml",
        ) from None
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{key}: {path}: {len(raw):,} bytes is too large (limit {MAX_BYTES:,})")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{key}: {path}: is not UTF-8 text", hint="save the file as UTF-8") from None
