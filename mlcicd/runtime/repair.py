"""The commands that bring a stage, a `.dvc` file or a broken merge back in step."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable

from mlcicd.runtime import base
from mlcicd.runtime.instep import Reasons, Seen

REPRODUCE = "dvc repro --pull"
MANY = 5  # more stages than this are not named one by one


def merged(name: str) -> str:
    """Return what to do about merge markers in a file."""
    if name.endswith("dvc.lock"):
        return f"remove the lines of the merge from {name}, keeping either side; then: {REPRODUCE} && git add {name}"
    return f"resolve the merge in {name}, and `git add` it"


def source(name: str, paths: Iterable[str]) -> str:
    """Return what makes a `.dvc` file name the data that is here."""
    return f"dvc add {shlex.join(paths)} && dvc push && git add {shlex.quote(name)}"


def stage(name: str, reasons: Reasons, seen: Seen) -> str:
    """Return the one command for a stage."""
    if reasons.gone:
        known = seen.locked[name]
        return f"remove the lines of '{known.key}' from {known.lock} ({known.lock}:{known.line}); DVC leaves them there"
    if reasons.rerun or any(not _is_right_in_head(name, path, seen) for path in reasons.results):
        return stages([name], seen)
    if reasons.results:
        return f"git checkout -- {shlex.join(reasons.results)}"
    return _write_again(name, seen)


def _write_again(name: str, seen: Seen) -> str:
    """Let DVC write a stage's part of the lock anew. It is unchanged to DVC, so that needs its files, and no run."""
    known = seen.tracked.stages[name]
    outs = [out.path for out in known.outs if out.path in (seen.outputs or ())]
    data = [path for path in (*known.deps, *outs) if path not in seen.held and any(seen.outs.meeting(path))]
    pull = f"dvc pull {shlex.join(data)} && " * bool(data)
    return f"{pull}dvc commit --force {shlex.quote(name)} && git add {shlex.join(_files([name], seen))}"


def stages(names: Iterable[str], seen: Seen, *, push: bool = False) -> str:
    """Return the one command that runs stages again and adds what git holds of them."""
    names = list(names)
    targets = shlex.join(names) if len(names) <= MANY else "--all-pipelines"
    return f"{REPRODUCE} {targets}{' && dvc push' * push} && git add {shlex.join(_files(names, seen))}"


def _files(names: Iterable[str], seen: Seen) -> list[str]:
    """Return what git holds of stages: their part of the lock, and the outputs that DVC leaves to git."""
    found: dict[str, None] = {}
    for name in names:
        home = name.rpartition(":")[0].removesuffix("dvc.yaml")
        found[f"{home}dvc.lock"] = None
        known = seen.tracked.stages.get(name)
        found |= dict.fromkeys(out.path for out in (known.outs if known else ()) if out.path in seen.held)
    return list(found)


def _is_right_in_head(name: str, path: str, seen: Seen) -> bool:
    """Tell whether the last commit has the output that the lock names, so that only the workspace is wrong."""
    content = base.show(seen.root, "HEAD", path)
    locked = {out.path: out.md5 for out in seen.tracked.stages[name].outs}
    return content is not None and hashlib.md5(content, usedforsecurity=False).hexdigest() == locked[path]
