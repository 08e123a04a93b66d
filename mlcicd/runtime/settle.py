"""One comment, the newest, exactly once: also where several runs post at the same time and the forge fails in between.

No forge lets a comment be written on a condition, so a run looks, writes, and looks again until nothing is left to do:

- of our comments the one of the newest run counts; every other one is removed by whoever sees it;
- after a write that failed nobody knows whether it happened: the next look tells, and only then is it written again;
- what a forge lists may be a moment old, so a comment just written and not listed is waited for, and a run that wrote
  looks twice more, with a pause that is longer than a request of a competitor takes.

A write of an older run that arrives after those looks, about five seconds, would not be noticed. Runs of another commit
than the newest do not write at all.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from mlcicd.errors import OutsideError
from mlcicd.runtime import posted
from mlcicd.runtime.forges.http import Refusal, Unanswered
from mlcicd.runtime.posted import Ended, Mark

if TYPE_CHECKING:
    from mlcicd.runtime.ci import Ci
    from mlcicd.runtime.forges import Forge
    from mlcicd.runtime.forges.http import Client

TURNS = 20
LOOKS = 2  # without anything to do, after the last write
PAUSE = 2.0  # seconds between looks, and up to one more
PATIENCE = 240.0  # seconds; all pauses together
BAD = frozenset({"fail", "error"})

What = Literal["posted", "updated", "same", "newer", "moved", "quiet"]


@dataclass(frozen=True, kw_only=True)
class Post:
    """What is to be said.

    Attributes:
        key: which of several comments on one change.
        mark: the run that says it, and what it reports.
        texts: make the comment of the earlier runs; each is shorter than the one before.
        speaks: also where no comment is there yet.
    """

    key: str
    mark: Mark
    texts: Sequence[Callable[[tuple[Ended, ...]], str]]
    speaks: bool = True


class Own(NamedTuple):
    """A comment of ours: its id, its text, and what it says about itself."""

    id: int
    body: str
    mark: Mark


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the comment is, and how to get there."""

    forge: Forge
    client: Client
    ci: Ci

    @property
    def change(self) -> int:
        """Number of the pull or merge request."""
        return self.ci.change or 0


@dataclass(kw_only=True)
class Turns:
    """What this run has done so far.

    Attributes:
        me: whose comments are ours; "" when nobody told, None when nobody was asked.
        what: what came of it.
        wrote: a write was tried, whatever came of it.
        id: the comment that we know we created, 0 when there is none.
        unseen: how often it was not listed.
        calm: looks without anything to do, since the last write.
        length: which of the texts is short enough.
        waited: seconds.
    """

    me: str | None = None
    what: What = "same"
    wrote: bool = False
    id: int = 0
    unseen: int = 0
    calm: int = 0
    length: int = 0
    waited: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """What is to be done after a look.

    Attributes:
        what: what it comes to.
        body: text to write, "" for none.
        into: the comment to write it into, 0 for a new one.
        anew: a new one although there is one already.
        remove: comments that are out of date.
        wait: what was written is not listed yet.
    """

    what: What
    body: str = ""
    into: int = 0
    anew: bool = False
    remove: tuple[int, ...] = ()
    wait: bool = False


def settle(
    place: Place,
    post: Post,
    helper: Callable[[str, bool], bool] = lambda body, anew: False,
    jitter: Callable[[], float] = lambda: secrets.randbelow(1000) / 1000,
) -> What:
    """Bring our comment to what `post` says, unless a newer run has; return what was done.

    Args:
        place: where.
        post: what.
        helper: is asked first to write a text (and whether as a new comment); tells whether it did.
        jitter: seconds to add to a pause.

    Raises:
        Refusal: when the forge does not let us.
        OutsideError: when it does not answer in time.
    """
    turns = Turns()
    failure: Refusal | Unanswered | None = None
    for _ in range(TURNS):
        failure, asked = None, 0.0
        try:
            if turns.me is None:
                turns.me = place.forge.whoami(place.client)
            if not _is_head(place):
                return "moved"
            if _turn(place, post, turns, helper):
                return turns.what
        except Refusal as refusal:
            if not refusal.passing:
                raise
            failure, asked = refusal, refusal.wait
        except Unanswered as silence:
            failure = silence
        turns.calm = 0 if failure else turns.calm
        turns.waited += (seconds := max(asked, PAUSE + jitter()))
        if turns.waited > PATIENCE:
            break
        place.client.pause(seconds)
    raise failure or OutsideError(
        "the comment did not come to rest: others write it too, or the forge does not show what was written",
        hint="run the job again; the report is in the run's artifacts",
    )


def find(place: Place, key: str, turns: Turns) -> list[Own]:
    """Return our comments with this key. A mark alone is not enough: anybody can write one."""
    marked = {}
    for item in place.forge.comments(place.client, place.ci.project, place.change):
        if mark := posted.read(item.body, key):
            marked[item.id] = (item, mark)
    if turns.id in marked:
        turns.me = marked[turns.id][0].author
    ours = [one for one in marked.values() if (one[0].author == turns.me if turns.me else one[0].bot)]
    return [Own(item.id, item.body, mark) for item, mark in ours]


def decide(ours: Sequence[Own], post: Post, turns: Turns) -> Step:
    """Say what is to be done about what is there."""
    newest = max(ours, key=lambda own: (own.mark.order, -own.id), default=None)
    if newest is None or (turns.id and newest.mark.order < post.mark.order and _unseen(ours, turns)):
        return _first(post, turns)
    others = tuple(own.id for own in ours if own.id != newest.id)
    if newest.mark.order > post.mark.order:
        return Step(what="newer", remove=others)
    body = _text(post, newest.mark, turns)
    if (newest.mark.order == post.mark.order and turns.wrote) or posted.same(newest.body, body):
        return Step(what=turns.what, remove=others)
    if newest.mark.order < post.mark.order and _alarms(newest.mark, post.mark):
        # An edit tells nobody. What it replaces goes at the next look, when this one is there.
        return Step(what="posted", body=body, anew=True)
    return Step(what="updated", body=body, into=newest.id, remove=others)


def _first(post: Post, turns: Turns) -> Step:
    if turns.id and turns.unseen < LOOKS:
        return Step(what=turns.what, wait=True)
    if not (post.speaks or turns.wrote):
        return Step(what="quiet")
    return Step(what="posted", body=_text(post, Mark(), turns))


def _unseen(ours: Sequence[Own], turns: Turns) -> bool:
    return turns.unseen < LOOKS and all(own.id != turns.id for own in ours)


def _text(post: Post, mark: Mark, turns: Turns) -> str:
    earlier = mark.earlier if mark.run == post.mark.run else posted.before(mark, post.mark.run)
    return post.texts[turns.length](earlier)


def _alarms(old: Mark, new: Mark) -> bool:
    return new.state in BAD and bool(old.state) and old.state not in BAD


def _turn(place: Place, post: Post, turns: Turns, helper: Callable[[str, bool], bool]) -> bool:
    """Look once and do what is to be done; return whether nothing is left."""
    step = decide(find(place, post.key, turns), post, turns)
    if step.wait:
        turns.unseen += 1
        turns.calm = 0
        return False
    turns.what, turns.unseen = step.what, 0
    if step.body:
        helped = not turns.wrote and helper(step.body, step.anew)
        turns.wrote, turns.calm = True, 0
        if not helped:
            _write(place, post, turns, step)
    for id in step.remove:
        turns.wrote, turns.calm = True, 0
        _remove(place, id)
    if step.body or step.remove:
        return False
    turns.calm += 1
    return turns.calm >= LOOKS or not turns.wrote


def _write(place: Place, post: Post, turns: Turns, step: Step) -> None:
    ci, forge = place.ci, place.forge
    try:
        if step.into:
            forge.update(place.client, ci.project, place.change, step.into, step.body)
        else:
            turns.id = forge.create(place.client, ci.project, place.change, step.body)
    except Refusal as refusal:
        if refusal.status == 404 and step.into:
            return  # removed meanwhile, as the next look tells
        if not forge.is_too_long(refusal.status, refusal.said) or turns.length + 1 == len(post.texts):
            raise
        turns.length += 1


def _remove(place: Place, id: int) -> None:
    try:
        place.forge.delete(place.client, place.ci.project, place.change, id)
    except Refusal as refusal:
        if refusal.status not in (404, 410):
            raise


def _is_head(place: Place) -> bool:
    """Tell whether the change is still at our commit, as far as it is told."""
    try:
        head = place.forge.change(place.client, place.ci.project, place.change).head
    except Refusal as refusal:
        if refusal.status in (403, 404) and not refusal.passing:
            return True
        raise
    return not re.fullmatch("[0-9a-f]{40,64}", head) or not place.ci.sha or head == place.ci.sha
