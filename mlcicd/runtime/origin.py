"""Where evidence is from: the commit and the `dvc.lock` files that a job saw when it wrote what it found."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict

LOCKS = "*dvc.lock"


class Origin(BaseModel):
    """What a job saw.

    Attributes:
        commit: id of the commit that was checked out; "" outside git.
        lock: digest over all `dvc.lock` files as they were, committed or not; "" when there was none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    commit: str = ""
    lock: str = ""


def here(root: Path = Path()) -> Origin:
    """Return what is checked out at `root` now."""
    from mlcicd.runtime import base
    from mlcicd.runtime.storage import tracked

    locks = {file: (root / file).read_bytes() for file in tracked.files(root, LOCKS)}
    return Origin(commit=base.commit(root, "HEAD"), lock=_digest(locks))


def committed(root: Path = Path()) -> Origin:
    """Return what HEAD says, without regard to what lies beside it."""
    from mlcicd.runtime import base

    head = base.commit(root, "HEAD")
    locks = {file: base.show(root, head, file) or b"" for file in base.listed(root, head, "dvc.lock")} if head else {}
    return Origin(commit=head, lock=_digest(locks))


def _digest(locks: dict[str, bytes]) -> str:
    whole = hashlib.sha256()
    for file, raw in sorted(locks.items()):
        whole.update(b"%s\0%d\0%s" % (file.encode("utf-8", "surrogateescape"), len(raw), raw))
    return whole.hexdigest()[:12] if locks else ""
