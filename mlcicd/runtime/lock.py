"""`lock`: bring the new `dvc.lock` and the metrics of a training back, as a commit or as a proposal.

Runs apart from the training, where there is a right to write and no code of the change: the commit is made without a
working tree, of files that `lock_files` let pass, and put on exactly the commit that was trained or nowhere.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from mlcicd import secrets
from mlcicd.config import load
from mlcicd.config.model import Config, Train
from mlcicd.errors import MlcicdError, OutsideError, Refused, UsageError
from mlcicd.runtime import bare, facts, lock_files
from mlcicd.runtime.bare import Commit, Remote
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.facts import LockFacts, TrainFacts
from mlcicd.runtime.forges import FORGES
from mlcicd.runtime.lock_files import Files
from mlcicd.runtime.training import handover

Mode = Literal["none", "propose", "commit"]
Say = Callable[[str], None]

PREFIX = "mlcicd/lock/"
SHOWN = 20  # lines in a message
MAX_TITLE = 250  # characters; the forges take 255
_MARK = "Mlcicd-Lock"
_TRAILER = re.compile(rf"^{_MARK}: ([0-9a-f]{{40,64}})$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Update:
    """What training changed of what git holds.

    Attributes:
        head: the commit that it was trained from.
        mode: what the configuration of that commit wants.
        files: new content by path; empty when git has it all.
        unknown: results that git could hold and does not; DVC does not hold them either.
    """

    head: Commit
    mode: Mode
    files: Files
    unknown: tuple[str, ...] = ()


def run(config: str, dry_run: bool, ci: Ci, environ: Mapping[str, str], say: Say) -> LockFacts:
    """Bring back what training left in `.mlcicd/train/`, and leave `.mlcicd/lock.json`.

    Args:
        config: path of the configuration in the repository.
        dry_run: only say what would be committed on HEAD of the repository here.
        ci: the run.
        environ: what git inherits.
        say: shows one line.

    Raises:
        Refused: when what is there must not be committed, or would not be true.
        UsageError: when this is no place to run it.
        OutsideError: when the forge does not answer, or does not take it.
    """
    if not (dry_run or ci.sha):
        raise UsageError(
            "this brings results back from CI, and this is not a CI run",
            hint="see what it would do: mlcicd lock --dry-run; here, commit them yourself: dvc push && git commit",
        )
    facts.forget("lock")
    try:
        found = _try(config, environ, say) if dry_run else _bring(config, ci, environ, say)
    except MlcicdError as error:
        facts.write(LockFacts(state="refused", branch=ci.branch, reason=error.message), "lock")
        raise
    facts.write(found, "lock")
    if found.reason:
        say(found.reason)
    return found


def _try(config: str, environ: Mapping[str, str], say: Say) -> LockFacts:
    repository = bare.here(environ)
    head = Commit(repository=repository, sha=repository.git("rev-parse", "HEAD^{commit}").decode().strip())
    update = _update(config, head, head)
    for path in update.files:
        say(f"would commit {path}")
    _tell_unknown(update, say)
    if not update.files:
        return LockFacts(state="unchanged", reason="git has it all: nothing to commit")
    return LockFacts(state="skipped", files=tuple(update.files), reason=f"nothing was written (mode: {update.mode})")


def _bring(config: str, ci: Ci, environ: Mapping[str, str], say: Say) -> LockFacts:
    if reason := _nowhere(ci) or _nothing(facts.read(TrainFacts, "train")):
        return LockFacts(state="skipped", branch=ci.branch, reason=f"nothing to bring back: {reason}")
    with bare.fresh(_remote(ci, environ), environ) as repository:
        if (now := bare.tip(repository, ci.branch)) != ci.sha:
            return _moved(ci, now)
        head = bare.fetch(repository, ci.sha)
        trained = bare.fetch(repository, ci.checkout) if ci.checkout not in ("", ci.sha) else head
        update = _update(config, head, trained)
        _tell_unknown(update, say)
        if reason := _no_need(update):
            return LockFacts(state="unchanged" if not update.files else "skipped", branch=ci.branch, reason=reason)
        made = bare.commit(repository, head, update.files, _message(ci), _author(ci))
        put = _propose if update.mode == "propose" else _commit
        return put(made, update, ci, environ)


def _nowhere(ci: Ci) -> str:
    """Return why nothing can go back from this run, or ""."""
    if not ci.forge:
        return "this is not a run of a forge"
    if ci.fork:
        return "the change comes from a fork, and nothing is written for one"
    if not ci.branch:
        return "this run is not for a branch"
    return "this branch is such a proposal itself" if ci.branch.startswith(PREFIX) else ""


def _nothing(train: TrainFacts | None) -> str:
    """Return why a training has nothing to bring back, or "".

    Raises:
        UsageError: when there is no training.
        Refused: when its data is not where the lock says.
    """
    if train is None:
        raise UsageError(
            f"{facts.FOLDER}/train.json: no such file", hint="run this in a job that needs `train` and loads its files"
        )
    if train.exit:
        return f"training failed with exit status {train.exit}"
    if train.smoke:
        return "it was a smoke training"
    if train.lock == "failed":
        raise Refused(
            "the data that the new lock names is not all in the remote, and a lock never goes without its data",
            hint="the job `train` says what could not be pushed: repair that, and run it again",
        )
    return "training pushed nothing (train.lock is none)" if train.lock == "none" else ""


def _remote(ci: Ci, environ: Mapping[str, str]) -> Remote:
    forge = FORGES[ci.forge]
    if not ci.token:
        raise OutsideError("no token to push with", hint=f"{forge.PUSHING}; {forge.AUTHENTICATION}")
    return Remote(address=ci.git, user=forge.GIT_USER, token=ci.token, certificates=forge.certificates(environ))


def _update(config: str, head: Commit, trained: Commit) -> Update:
    """Return what is new in what training left, once it is known to be true on `head`."""
    settings = _settings(config, head)
    train = settings.train or Train()
    root = "" if settings.project.root == "." else settings.project.root.strip("/")
    files = lock_files.gather(handover.FILES)
    with tempfile.TemporaryDirectory(prefix="mlcicd-lock-") as folder:
        made = lock_files.lay_out(files, head, root, Path(folder))
        if not made.locks:
            raise UsageError(
                "training left no dvc.lock, and that is what `train.lock` brings back",
                hint="train by `dvc repro`, or remove `train.lock` from the configuration",
            )
        chosen, unknown = lock_files.choose(made)
        new = {path: raw for path, raw in chosen.items() if _is_new(path, raw, head)}
        lock_files.require_open(new, made, settings.validate_.unpickle if settings.validate_ else ())
        if new and (wrong := lock_files.untrue(made, chosen, trained)):
            raise _not_true(wrong, head, trained)
    return Update(head=head, mode=train.lock, files=new, unknown=tuple(unknown))


def _settings(config: str, head: Commit) -> Config:
    raw = head.read(config)
    if raw is None:
        return Config(version=1, train=Train())
    return load.parse(raw.decode("utf-8-sig", "replace"), config)


def _is_new(path: str, raw: bytes, head: Commit) -> bool:
    known = head.entries.get(path)
    return known is None or known.id != bare.blob(head.repository, raw, keep=False)


def _not_true(wrong: list[str], head: Commit, trained: Commit) -> Refused:
    lines = [*wrong[:SHOWN], *([f"… and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else [])]
    if trained.sha == head.sha:
        cause, hint = "training ran with other inputs, or left other results", "does it change its own inputs?"
    else:
        cause = "training ran on its merge with the base, which differs in what the stages read"
        hint = "merge the base branch into this one and push: the next run's lock is true"
    return Refused(f"the new lock is not true on {head.sha[:7]}: {cause}", detail="\n".join(lines), hint=hint)


def _no_need(update: Update) -> str:
    """Return why there is nothing to commit, or ""."""
    if not update.files:
        return "git has the lock and the metrics of this training already: nothing to commit"
    if update.mode == "none":
        return "train.lock is none: nothing is brought back"
    if _is_ours(update.head):
        # Else a training that never gives the same twice would go on for ever.
        return "this is already the commit of a training, and training again gave other results: not committed again"
    return ""


def _is_ours(commit: Commit) -> bool:
    """Tell whether we made a commit: it names its only parent. A squash that quotes our message has another."""
    named = tuple(_TRAILER.findall(commit.message))
    return len(named) == 1 and commit.parents == named


def _tell_unknown(update: Update, say: Say) -> None:
    for path in update.unknown:
        say(f"left out: {path}: neither git nor DVC holds it; add it to git once, and it comes along from then on")


def _message(ci: Ci) -> str:
    run = f"\n{ci.links['run']}\n" if ci.links.get("run") else ""
    return (
        f"Update dvc.lock and metrics after training\n\nTrained in CI; the data is in the DVC remote.\n{run}\n"
        f"{_MARK}: {ci.sha}\n"
    )


def _author(ci: Ci) -> tuple[str, str]:
    return FORGES[ci.forge].author(urlsplit(ci.git).hostname or "localhost")


def _commit(made: Commit, update: Update, ci: Ci, environ: Mapping[str, str]) -> LockFacts:
    now = _push(made, ci.branch, ci.sha, ci)
    if now != made.sha:
        return _moved(ci, now)
    after = FORGES[ci.forge].AFTER_PUSH
    return LockFacts(
        state="committed",
        branch=ci.branch,
        commit=made.sha,
        files=tuple(update.files),
        reason=f"committed {made.sha[:7]} to {ci.branch}: {_few(update)}" + (f" ({after})" if after else ""),
    )


def _propose(made: Commit, update: Update, ci: Ci, environ: Mapping[str, str]) -> LockFacts:
    """Put the commit on our own branch, in place of what we proposed before, and see that one request brings it."""
    source = PREFIX + ci.branch
    seen = bare.tip(made.repository, source)
    before = bare.fetch(made.repository, seen) if seen else None
    if before and not _is_ours(before):
        raise Refused(
            f"the branch {source} holds a commit that is not from here ({seen[:7]}), and it is not replaced",
            hint="merge or delete that branch; then run this job again",
        )
    if before and (before.parents, before.entries) == (made.parents, made.entries):
        made = before
    elif (now := _push(made, source, seen, ci)) != made.sha:
        return _moved(ci, now)
    link, word = _request(source, made, update, ci, environ)
    return LockFacts(
        state="proposed",
        branch=source,
        commit=made.sha,
        link=link,
        files=tuple(update.files),
        reason=f"{word} {link or source}: {_few(update)}",
    )


def _push(made: Commit, branch: str, seen: str, ci: Ci) -> str:
    """Move a branch from `seen` to our commit; return where it is now.

    Raises:
        OutsideError: when it is still at `seen`: the forge does not let us.
    """
    said = bare.push(made, branch, seen)
    # A push that says it failed may have come through, and one that lost a race is told by where the branch is now.
    now = bare.tip(made.repository, branch) if said else made.sha
    if now == seen:
        raise OutsideError(f"the forge does not let this job push to {branch}: {said}", hint=FORGES[ci.forge].PUSHING)
    return now


def _request(source: str, made: Commit, update: Update, ci: Ci, environ: Mapping[str, str]) -> tuple[str, str]:
    """Open a request for our branch, or bring the open one up to date; return its address and what was done."""
    from mlcicd.runtime import forges
    from mlcicd.runtime.forges.http import Refusal
    from mlcicd.runtime.forges.model import Draft

    forge = FORGES[ci.forge]
    title = f"Update dvc.lock of {ci.branch} after training"[:MAX_TITLE]
    draft = Draft(source=source, target=ci.branch, title=title, body=secrets.hide(_body(update, ci)))
    try:
        client = forges.client(ci, environ)
        known = next(iter(forge.proposals(client, ci.project, source, ci.branch)), None)
        if known is None:
            return forge.propose(client, ci.project, draft).link, "proposed by"
        if (known.title, known.body.replace("\r\n", "\n").rstrip()) != (draft.title, draft.body.rstrip()):
            forge.revise(client, ci.project, known.number, draft)
        return known.link, "updated"
    except Refusal as refusal:
        raise OutsideError(
            f"the commit {made.sha[:7]} is on the branch {source}, and the request for it was refused "
            f"({refusal.message})",
            hint=f"open it by hand, or: {forge.PROPOSING}",
        ) from None


def _body(update: Update, ci: Ci) -> str:
    from mlcicd.runtime.markdown import code

    paths = list(update.files)
    more = [f"- and {len(paths) - SHOWN} more"] if len(paths) > SHOWN else []
    run = f"[This run]({ci.links['run']})" if ci.links.get("run") else "A CI run"
    return "\n".join(
        [
            f"{run} trained {code(ci.sha[:7])} of {code(ci.branch, 200)}. These files are new:",
            "",
            *(f"- {code(path, 200)}" for path in paths[:SHOWN]),
            *more,
            "",
            "All data that the lock names is in the DVC remote; that was verified before this was opened.",
            "Merge it to keep code, data, lock and metrics in step. A later training replaces it.",
        ]
    )


def _moved(ci: Ci, now: str) -> LockFacts:
    where = f"is at {now[:7]} by now" if now else "is gone"
    return LockFacts(
        state="moved",
        branch=ci.branch,
        reason=f"the branch {ci.branch} {where}, and this lock is for {ci.sha[:7]}: nothing was changed; "
        "the run of the newer commit brings its own",
    )


def _few(update: Update) -> str:
    paths = list(update.files)
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
