"""Whether the stages that DVC calls done are: `--allow-missing`, which spares a download, excuses much more.

Seen with DVC 3.67: a stage that ran and did not write an output is done, and `dvc.lock` and the run cache then say
that the new command made the old file. A stage that never ran, or never with what it reads now, is called unchanged
when that is not there.
"""

from __future__ import annotations

import contextlib
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlcicd.errors import MlcicdError, UsageError
from mlcicd.runtime.process import Finished
from mlcicd.runtime.storage import dvc, tracked
from mlcicd.runtime.training import run_cache
from mlcicd.runtime.training.copies import Copies
from mlcicd.runtime.training.progress import Stages

_ELSEWHERE = re.compile(r"\s--(dry|temp|queue)\b")  # what runs, if anything, does not run here


def judged(
    done: Finished,
    stages: Stages,
    *,
    command: str,
    before: Copies,
    began: float,
    environ: Mapping[str, str],
    say: Callable[[str], None],
) -> Finished:
    """Return how a command really ended: with exit status 1 when a stage that it calls done is not.

    Then `dvc.lock` and DVC's run cache are relieved of what is not true.

    Args:
        done: how it ended.
        stages: what DVC told; those that are not done are `failed` afterwards.
        command: the command.
        before: every `dvc.lock` as it was.
        began: when it was started, in seconds since 1970.
        environ: the environment of the project's programs.
        say: shows one line.
    """
    if done.exit or not stages.states or _ELSEWHERE.search(command):
        return done
    problems = dict(_problems(before.root, stages))
    if not problems:
        return done
    stages.states |= dict.fromkeys(problems, "failed")
    with contextlib.suppress(MlcicdError):
        cache = before.root / dvc.find(before.root, environ).cache()
        run_cache.forget(before.root, cache, problems, began)
    for line in problems.values():
        say(line)
    if changed := before.put_back():
        say(f"{', '.join(changed)} would not be true, and is what it was before")
    return replace(done, exit=1, tail=(*done.tail, *problems.values()))


def _problems(root: Path, stages: Stages) -> Iterator[tuple[str, str]]:
    """Yield each stage that is not done, with what is wrong with it."""
    try:
        known = tracked.read(root).stages
    except UsageError:  # training broke one of DVC's files; that is told where it is read
        return
    for name, state in stages.states.items():
        if state == "run" and name in known:
            gone = [f"output '{out.path}' does not exist" for out in known[name].outs if not _is_there(root, out.path)]
            if gone:
                yield name, f"stage '{name}' has ended, but its {', its '.join(gone)}"
        if state == "unchanged" and (why := _never(root, name, known.get(name))):
            yield name, f"stage '{name}' was skipped, and has never run {why}"


def _is_there(root: Path, path: str) -> bool:
    return (root / path).exists()


def _never(root: Path, name: str, lock: tracked.Stage | None) -> str:
    """Say what of a skipped stage never was: a run at all, or one with what it reads now; "" when all is well.

    DVC excuses every dependency that is not here, also one that no lock knows: a name that is spelt wrong.
    """
    stage = run_cache.declared(root, name)
    if not stage or stage.get("frozen"):
        return ""
    known = lock.deps if lock else {}
    gone = [path for path in _deps(name, stage) if path not in known and not (root / path).exists()]
    if lock:
        return f"with {', '.join(gone)}, which is not here" if gone else ""
    return f"at all: {', '.join(gone) or 'what it reads'} is not here"


def _deps(name: str, stage: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths, from the project's folder, that a stage reads; templates and what lies elsewhere left out."""
    home = posixpath.join(posixpath.dirname(name.rpartition(":")[0]), str(stage.get("wdir") or ""))
    deps = stage.get("deps")
    for dep in deps if isinstance(deps, list) else []:
        path = posixpath.normpath(posixpath.join(home, str(next(iter(dep), "") if isinstance(dep, dict) else dep)))
        if "${" not in path and ":/" not in path and not path.startswith("/"):
            yield path
