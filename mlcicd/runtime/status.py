"""`status`: prove that code, data, parameters, lock and metrics agree, without downloading any data."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath

from mlcicd.config.model import Status
from mlcicd.errors import MlcicdError, Refused, UsageError
from mlcicd.runtime import credentials, facts, instep, process, repair
from mlcicd.runtime.facts import StatusFacts, Step
from mlcicd.runtime.instep import Listing, Reasons, Seen
from mlcicd.runtime.project import Project
from mlcicd.runtime.storage import dvc, locked, pushed, tracked
from mlcicd.runtime.storage.dvc import Dvc
from mlcicd.runtime.storage.dvc_errors import explain
from mlcicd.runtime.storage.tracked import Tracked

SHOWN = 5  # names in a message
_NODE = re.compile(r'^"(.+)";$', re.MULTILINE)


def check(project: Project, remote: bool | None) -> StatusFacts:
    """Compare, and leave `.mlcicd/status.json`.

    Args:
        project: the project.
        remote: also ask the DVC remote whether it has all that is named; None: as configured, with a data section.

    Raises:
        OutsideError: when DVC or the remote cannot say.
        UsageError: when a file of DVC's is wrong, or `status` is configured and there is nothing of DVC's.
    """
    facts.forget("status")
    began = time.monotonic()
    if remote is None:
        remote = (project.config.status or Status()).remote and project.config.data is not None
    try:
        found = _compare(project, remote)
    except MlcicdError as error:
        facts.write(StatusFacts(success=False, seconds=_since(began), error=error.message), "status")
        raise
    found = found.model_copy(update={"seconds": _since(began)})
    facts.write(found, "status")
    return found


def require(found: StatusFacts) -> None:
    """Refuse what is not in step.

    Raises:
        Refused: with the commands that repair it.
    """
    if found.success:
        return
    stale = [step.name for step in found.steps if step.stale]
    parts = [f"not in step: {_some(stale)}"] if stale else []
    count = len(found.missing)
    parts += [f"the remote lacks {count} file{'s' * (count != 1)} that the lock or a .dvc file names"] if count else []
    raise Refused("; ".join(parts), hint="\n".join(found.repair))


def text(found: StatusFacts) -> str:
    """Return the result for a terminal: a table, stale things first, then the remote and notes."""
    width = max((len(step.name) for step in found.steps), default=0)
    lines = [line for step in found.steps for line in _rows(step, width)] or ["nothing to compare: no file of DVC's"]
    words = {"complete": "has everything that is named", "incomplete": "lacks", "not asked": ""}
    lines += [f"remote    {words[found.remote]}"] if found.remote != "not asked" else []
    lines += [f"{'':10}{line}" for line in found.missing]
    return "\n".join([*lines, *(f"note      {note}" for note in found.notes)])


def _rows(step: Step, width: int) -> list[str]:
    state = "stale" if step.stale else "in step"
    first, *more = step.why or ("",)
    return [f"{state:9} {step.name:{width}}  {first}".rstrip(), *(f"{'':10}{'':{width}}  {line}" for line in more)]


def _compare(project: Project, remote: bool) -> StatusFacts:
    root = project.root
    if merged := locked.markers(root):
        steps = tuple(_merged(name, line) for name, line in merged)
        return StatusFacts(success=False, steps=steps, repair=tuple(step.repair for step in steps))
    found = tracked.read(root)
    if not (found.sources or found.stages or tracked.files(root, "*dvc.yaml")):
        return _nothing(project)
    notes: list[str] = []
    with _environ(project, remote, notes) as environ:
        seen = _look(project, dvc.find(root, environ), found, remote)
        sources, stages = instep.sources(seen, notes), instep.stages(seen, notes)
        missing = _missing(project, environ) if remote else ()
    stale = {name: reasons for name, reasons in stages.items() if reasons.lines}
    return StatusFacts(
        success=not (sources or stale or missing),
        steps=(*_sources(sources), *_stages(stages, seen)),
        remote=("incomplete" if missing else "complete") if remote else "not asked",
        missing=missing,
        repair=tuple(_repairs(sources, stale, missing, seen, push=project.config.data is not None)),
        notes=(*dict.fromkeys(notes), *_not_committed(seen)),
    )


def _environ(project: Project, remote: bool, notes: list[str]) -> contextlib.AbstractContextManager[Mapping[str, str]]:
    """Return the environment of the project's programs, logged in only where the remote is asked."""
    environ = project.environ()
    return credentials.logged_in(project, environ, notes.append) if remote else contextlib.nullcontext(environ)


def _merged(name: str, line: int) -> Step:
    return Step(
        name=name, kind="file", stale=True, why=(f"there are merge markers in it ({name}:{line})",),
        repair=repair.merged(name),
    )  # fmt: skip


def _nothing(project: Project) -> StatusFacts:
    if project.config.status:
        raise UsageError(
            f"status: there is neither a dvc.yaml nor a .dvc file in {project.config.project.root}",
            hint="remove `status` from mlcicd.yaml, or set project.root to where DVC's files are",
        )
    return StatusFacts(success=True)


def _look(project: Project, program: Dvc, found: Tracked, remote: bool) -> Seen:
    root, known = project.root, locked.read(project.root)
    declared = {path for stage in known.values() for path in stage.held}
    name = project.config.data.remote if project.config.data else None
    return Seen(
        root=root,
        status=program.status(),
        tracked=found,
        locked=known,
        outputs=_outputs(program) if known else None,
        held=(declared | set(tracked.committed(root, [out.path for out in found.outs]))) - {""},
        listing=cache(lambda folder: program.listing(folder, name)) if remote else _kept(program, found),
    )


def _outputs(program: Dvc) -> set[str]:
    """Return every output that DVC knows, templates resolved.

    Raises:
        MlcicdError: when it cannot say (stages that go in a circle).
    """
    answer = process.ask(["dvc", "dag", "--outs", "--dot"], cwd=program.root, environ=program.environ)
    if answer.exit:
        raise explain(answer, action="dvc dag")
    return set(_NODE.findall(answer.out))


def _kept(program: Dvc, found: Tracked) -> Listing:
    """Look the files of a tracked folder up in DVC's cache alone."""
    digests = {out.path: out.md5.removesuffix(".dir") for out in found.outs if out.is_folder}
    place = cache(program.cache)

    def listing(folder: str) -> Mapping[str, str] | None:
        digest = digests.get(folder, "")
        path = program.root / place() / "files" / "md5" / digest[:2] / f"{digest[2:]}.dir"
        try:
            return {f"{folder}/{row['relpath']}": row["md5"] for row in json.loads(path.read_bytes())}
        except (OSError, ValueError, TypeError, KeyError):
            return None

    return listing


def _missing(project: Project, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the remote lacks, one line each."""
    return tuple(one.why for one in pushed.missing(project, environ, None))


def _sources(sources: Mapping[str, Sequence[str]]) -> list[Step]:
    return [
        Step(
            name=name,
            kind="data",
            stale=True,
            why=tuple(f"data {path} here is not what {name} says" for path in paths),
            repair=repair.source(name, paths),
        )
        for name, paths in sources.items()
    ]


def _stages(stages: Mapping[str, Reasons], seen: Seen) -> list[Step]:
    steps = [
        Step(name=name, stale=True, why=reasons.lines, repair=repair.stage(name, reasons, seen))
        if reasons.lines
        else Step(name=name)
        for name, reasons in stages.items()
    ]
    return sorted(steps, key=lambda step: not step.stale)


def _repairs(
    sources: Mapping[str, Sequence[str]],
    stale: Mapping[str, Reasons],
    missing: Sequence[str],
    seen: Seen,
    *,
    push: bool,
) -> Iterator[str]:
    """Yield the commands for everything, in the order in which they work: stages that run again share one."""
    yield from (repair.source(name, paths) for name, paths in sources.items())
    commands = {name: repair.stage(name, reasons, seen) for name, reasons in stale.items()}
    again = [name for name, command in commands.items() if command.startswith(repair.REPRODUCE)]
    if again:
        yield repair.stages(again, seen, push=push)
    yield from (command for name, command in commands.items() if name not in again)
    if missing and not (again and push):
        yield "dvc push, where the data is"


def _is_in(path: str, tracked_data: Collection[str]) -> bool:
    """Tell whether DVC holds a path, by itself or in a folder."""
    return any(str(place) in tracked_data for place in (path, *PurePosixPath(path).parents))


def _not_committed(seen: Seen) -> list[str]:
    """Say which of the compared files are not in the last commit as they are here: CI would see others."""
    root = seen.root
    params = {file for stage in seen.locked.values() for file in stage.params}
    code = {path for stage in seen.tracked.stages.values() for path in stage.deps}
    dvc_files = {name for pattern in ("*dvc.yaml", "*dvc.lock", "*.dvc") for name in tracked.files(root, pattern)}
    data = {out.path for out in seen.tracked.outs} - set(seen.held)
    paths = sorted(path for path in params | code | dvc_files | set(seen.held) if not _is_in(path, data))
    changed = sorted({*_git(root, "diff", "--name-only", "--relative", "HEAD", "--", *paths)} | _untracked(root, paths))
    return [f"not committed yet, so CI does not see it: {_some(changed)}"] if changed else []


def _untracked(root: Path, paths: Sequence[str]) -> set[str]:
    known = _git(root, "ls-files", "--", *paths)
    inside = {path for path in paths if any(path == one or one.startswith(f"{path}/") for one in known)}
    return {path for path in paths if (root / path).is_file() and path not in inside} if known else set()


def _git(root: Path, *arguments: str) -> list[str]:
    argv = ["git", "--literal-pathspecs", arguments[0], "-z", *arguments[1:]]
    done = subprocess.run(argv, cwd=root, capture_output=True, check=False)
    return list(filter(None, done.stdout.decode("utf-8", "surrogateescape").split("\0")))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
