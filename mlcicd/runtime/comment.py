"""The verb `comment`: one comment per change, made of report.json and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mlcicd import secrets
from mlcicd.errors import MlcicdError, OutsideError, UsageError
from mlcicd.runtime import forges, posted, redact
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.forges import FORGES
from mlcicd.runtime.markdown import Words
from mlcicd.runtime.posted import Mark
from mlcicd.runtime.report import document, model
from mlcicd.runtime.report.model import Notice, Report

if TYPE_CHECKING:
    from mlcicd.runtime.forges.http import Refusal
    from mlcicd.runtime.forges.model import Source
    from mlcicd.runtime.settle import Place, Post, What

Publisher = Literal["cml", "native"]
When = Literal["always", "changed", "failed"]
Pause = Callable[[float], None]

ARTIFACT = "mlcicd-report"
MAX_CHANGES = 3  # a fork's branch may be proposed to several branches
ROOM = 500  # bytes; for what a comment says about itself
# A forge that finds the first of these too long gets the next one.
LIMITS = (60_000, 30_000, 12_000, 4_000)


def comment(
    path: Path,
    publisher: Publisher,
    when: When,
    ci: Ci,
    environ: Mapping[str, str],
    pause: Pause = time.sleep,
    config: str = "",
) -> list[str]:
    """Post the report, or update the comment that is there; return what happened, line by line.

    Args:
        path: report.json.
        publisher: who writes.
        when: what is worth a first comment.
        ci: this run.
        environ: for certificates, and for the program that writes.
        pause: waits that many seconds.
        config: path, in the repository, of the configuration whose `report.templates` lay blocks out, as both are at
            the base commit; "" for none.

    Raises:
        UsageError: when the report is not one, or is another commit's.
        OutsideError: when the forge does not take it.
    """
    report = trusted(document.load(path), ci)
    if not ci.forge or ci.change is None:
        return ["nowhere to post: this is not a run for a pull or merge request"]
    return _post(report, publisher, when, ci, environ, pause, config)


def for_fork(
    source: Source | None, when: When, ci: Ci, environ: Mapping[str, str], pause: Pause, config: str = ""
) -> list[str]:
    """Post the report of a fork's run, which left it as an artifact that anybody may have made.

    Which change it is for is asked of the forge. Nothing of the artifact but its numbers and texts is used, and they
    are laid out by templates of ours, or of the repository that the change is for.

    Args:
        source: the run that started this one, None when none did.
        when: see `comment`.
        ci: this run, in the repository that the change is for; `sha`, `run` and `attempt` are the fork's.
        environ: for certificates.
        pause: waits that many seconds.
        config: see `comment`.

    Raises:
        UsageError: when this run was not started by a fork's, or the artifact is no report of that run.
        OutsideError: when the forge does not answer, or there is no artifact.
    """
    from mlcicd.runtime import parcel
    from mlcicd.runtime.forges.http import Refusal

    if source is None:
        raise UsageError(
            "this run was not started by the run of a fork",
            hint="`mlcicd generate` writes the workflow for it when mlcicd.yaml says `report: {forks: post}`",
        )
    forge = FORGES[ci.forge]
    client = replace(forges.client(_with_token(ci), environ), pause=pause)
    try:
        numbers = forge.changes_of(client, ci.project, source)[:MAX_CHANGES]
        if not numbers:
            return [f"nothing to post: no open change is at {source.sha[:7]} any more"]
        raw = forge.artifact(client, ci.project, source, ARTIFACT, parcel.MAX_BYTES)
    except Refusal as refusal:
        raise OutsideError(
            f"the run {source.id} could not be read ({refusal.message})",
            hint="the job needs `permissions: actions: read, pull-requests: write`",
        ) from None
    name = f"{ARTIFACT} of the run {source.id}"
    report = of_a_fork(trusted(document.parse(parcel.member(raw, "report.json", model.MAX_BYTES, name), name), ci))
    posts = (_post(report, "native", when, replace(ci, change=number), environ, pause, config) for number in numbers)
    return [line for lines in posts for line in lines]


def trusted(report: Report, ci: Ci) -> Report:
    """Replace what a report claims about its own run by what this run knows.

    Raises:
        UsageError: when the report is about another commit.
    """
    if ci.sha and report.sha != ci.sha:
        theirs = f"commit {report.sha[:7]}" if report.sha else "no commit"
        raise UsageError(
            f"the report is about {theirs}, this run about {ci.sha[:7]}",
            hint="post the report of the same run; a newer run posts its own",
        )
    links = {"link_run": model.link(ci.links.get("run", "")), "link_commit": model.link(ci.links.get("commit", ""))}
    return report.model_copy(update={**links, "run": ci.run, "attempt": ci.attempt})


def of_a_fork(report: Report) -> Report:
    """Say that the numbers are a stranger's; leave out addresses and prose that are."""
    notices = (Notice(kind="fork"), *(item for item in report.notices if item.kind != "fork"))[:20]
    training = report.training.model_copy(update={"tracked": ()}) if report.training else None
    return report.model_copy(update={"notices": notices, "training": training, "sections": ()})


def speaks(report: Report, when: When) -> bool:
    """Tell whether a report is worth a first comment; one that is there is always brought up to date."""
    from mlcicd.runtime.report.view import is_moved
    from mlcicd.runtime.settle import BAD

    if when == "always" or report.state in BAD:
        return True
    if when == "failed":
        return False
    return any(is_moved(one) or (one.base is None) != (one.change is None) for one in report.metrics)


def _post(
    report: Report,
    publisher: Publisher,
    when: When,
    ci: Ci,
    environ: Mapping[str, str],
    pause: Pause,
    config: str,
) -> list[str]:
    from mlcicd.runtime.forges.http import Refusal
    from mlcicd.runtime.settle import Place, settle

    forge = FORGES[ci.forge]
    client = replace(forges.client(_with_token(ci), environ), pause=pause)
    place = Place(forge=forge, client=client, ci=ci)
    report, own, lines = _laid_out(report, config, place)
    post = _said(report, when, own)
    try:
        what = settle(place, post, partial(_by_cml, lines, report.key, ci, environ) if publisher == "cml" else _nobody)
    except Refusal as refusal:
        if forge.is_read_only(refusal.status, refusal.said):
            why = f"this run's token may only read, as in every run for a fork; otherwise {forge.PERMISSION}"
        elif _closed(place, refusal):
            why = "its conversation is locked, or the repository archived"
        else:
            raise explained(refusal, place) from None
        return [*lines, *_fall_back(post, ci, forge.NOTICE, why)]
    return [*lines, _told(what, ci)]


def _laid_out(report: Report, config: str, place: Place) -> tuple[Report, Mapping[str, Words], list[str]]:
    """Return blocks by the base's templates; the report and the lines for the log say which of those failed."""
    if not config:
        return report, {}, []
    from mlcicd.runtime.report import custom

    found = custom.through_forge(place, config)
    own = custom.lay_out(report, found)
    new = [notice for notice in custom.failed(own) if notice not in report.notices]
    lines = [f"template not used: {failure}" for failure in own.failures]
    lines += [f"to read templates {place.forge.READING}"] if found.failures else []
    return report.model_copy(update={"notices": (*new, *report.notices)[:20]}), own.blocks, lines


def _said(report: Report, when: When, own: Mapping[str, Words]) -> Post:
    from mlcicd.runtime.settle import Post

    # Its job had other secrets than this one; whole texts are looked at before any of them is cut.
    report, _ = redact.record(report, secrets.redactor())
    return Post(
        key=report.key,
        mark=Mark(run=report.run, attempt=report.attempt, state=report.state),
        texts=tuple(partial(_text, report, own, limit) for limit in LIMITS),
        speaks=speaks(report, when),
    )


def _text(report: Report, own: Mapping[str, Words], limit: int, earlier: tuple[posted.Ended, ...]) -> str:
    from mlcicd.runtime.report import render

    return secrets.hide(posted.write(render.markdown(report, limit - ROOM, own), report.state, earlier))


def _nobody(body: str, anew: bool) -> bool:
    return False


def _by_cml(lines: list[str], key: str, ci: Ci, environ: Mapping[str, str], body: str, anew: bool) -> bool:
    from mlcicd.runtime import cml

    failure = cml.post(body, key, ci, environ, anew=anew)
    lines.append(f"posting without cml: {failure}" if failure else "cml wrote the comment")
    return not failure


def _with_token(ci: Ci) -> Ci:
    if not ci.token:
        raise OutsideError("no token to post the comment with", hint=FORGES[ci.forge].AUTHENTICATION)
    return ci


def _told(what: What, ci: Ci) -> str:
    place = ci.links.get("change", f"change {ci.change}")
    return {
        "posted": f"commented on {place}",
        "updated": f"updated the comment on {place}",
        "same": f"the comment on {place} says this already",
        "newer": f"a newer run has commented on {place}: left as it is",
        "moved": f"{place} has a newer commit than {ci.sha[:7]}: its own run comments",
        "quiet": f"nothing to say on {place}: there is nothing that --when asks for",
    }[what]


def explained(refusal: Refusal, place: Place) -> OutsideError:
    """Say what a refusal means and what to do about it."""
    forge, ci = place.forge, place.ci
    where = f"pull or merge request {ci.change} of {ci.project}"
    if refusal.limited:
        return OutsideError(f"too many requests ({refusal.message})", hint="run the job again later")
    causes = {
        401: ("the token is not accepted", forge.AUTHENTICATION),
        403: (f"the token may not comment on {where}", forge.PERMISSION),
        404: (f"{where} is not there for this token", forge.PERMISSION),
        422: ("the comment was not accepted", "this is a defect of mlcicd: report it with this message"),
    }
    cause, hint = causes.get(refusal.status, ("the forge has a problem of its own", "run the job again later"))
    return OutsideError(f"{cause} ({refusal.message})", hint=hint)


def _closed(place: Place, refusal: Refusal) -> bool:
    """Tell whether nobody may comment there; some forges say it only where the change itself is asked for."""
    if place.forge.is_closed(refusal.status, refusal.said):
        return True
    if refusal.status != 403:
        return False
    try:
        return place.forge.change(place.client, place.ci.project, place.change).locked
    except MlcicdError:
        return False


def _fall_back(post: Post, ci: Ci, notice: str, why: str) -> Iterator[str]:
    if ci.summary:
        with ci.summary.open("a", encoding="utf-8") as stream:
            stream.write(post.texts[0](()) + "\n")
    where = "the report is in the run's summary" if ci.summary else "the report is in the artifact"
    yield f"{notice}not posted, {where}: {why}"
