"""The verb `comment`: one comment per change, made of report.json and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mlcicd.errors import OutsideError, UsageError
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.forges import FORGES, Forge
from mlcicd.runtime.forges.model import Comment
from mlcicd.runtime.markdown import clean
from mlcicd.runtime.report import document, model
from mlcicd.runtime.report.model import Report

if TYPE_CHECKING:
    from mlcicd.runtime.forges.http import Client, Refusal

Publisher = Literal["cml", "native"]
CML_SECONDS = 120
_TOKEN = re.compile(r"[!-~]+")


def comment(path: Path, publisher: Publisher, ci: Ci, environ: Mapping[str, str]) -> list[str]:
    """Post the report, or update the comment that is there; return what happened, line by line.

    Raises:
        UsageError: when the report is not one, or is another commit's.
        OutsideError: when the forge does not take it.
    """
    report = trusted(document.load(path), ci)
    if not ci.forge or ci.change is None:
        return ["nowhere to post: this is not a run for a pull or merge request"]
    forge = FORGES[ci.forge]
    if not ci.token:
        raise OutsideError("no token to post the comment with", hint=forge.AUTHENTICATION)
    if not _TOKEN.fullmatch(ci.token):
        # Libraries would refuse it as a header, in a message that holds the token.
        raise OutsideError(
            "the token holds characters that no token has: spaces, line ends or letters beyond ASCII",
            hint="set the secret again, the token alone and in one line",
        )
    from mlcicd.runtime.report import render

    body = render.markdown(report)
    lines = []
    if publisher == "cml":
        failure = by_cml(body, report.key, ci, environ)
        if not failure:
            return [f"posted by cml on {ci.links.get('change', f'change {ci.change}')}"]
        lines.append(f"posting without cml: {failure}")
    return [*lines, natively(body, report.key, ci, environ)]


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


def by_cml(body: str, key: str, ci: Ci, environ: Mapping[str, str]) -> str:
    """Post with the program `cml`; return why that failed, or "". The token goes by its environment."""
    program = shutil.which("cml", path=environ.get("PATH"))
    if not program:
        return "cml is not installed"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.md"
        file.write_text(body, encoding="utf-8")
        command = [
            program,
            "comment",
            "update",
            f"--target=pr/{ci.change}",
            f"--watermark-title={key}",
            "--publish=false",
            str(file),
        ]
        try:
            done = subprocess.run(
                command,
                env={**environ, "REPO_TOKEN": ci.token},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=CML_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return clean(f"cml did not run: {error}", 200)
    if done.returncode == 0:
        return ""
    said = (done.stderr or done.stdout).decode("utf-8", "replace").replace(ci.token, "***").strip().splitlines()
    return f"cml ended with exit status {done.returncode}" + (f": {clean(said[-1], 200)}" if said else "")


def natively(body: str, key: str, ci: Ci, environ: Mapping[str, str]) -> str:
    """Post through the forge's API; return what happened."""
    from mlcicd.runtime.forges.http import Client, Refusal

    forge = FORGES[ci.forge]
    client = Client(api=ci.api, headers=forge.headers(ci.token), certificates=forge.certificates(environ))
    try:
        return upsert(forge, client, ci, key, body)
    except Refusal as refusal:
        if forge.is_read_only(refusal.status, refusal.said):
            return _fall_back(body, ci, forge)
        raise explained(refusal, forge, ci) from None


def upsert(forge: Forge, client: Client, ci: Ci, key: str, body: str) -> str:
    """Update our comment, or write the first one; an unchanged one is left alone."""
    change = ci.change or 0
    place = ci.links.get("change", f"change {change}")
    ours = find(forge, client, ci, key)
    if ours is None:
        forge.create(client, ci.project, change, body)
        return f"commented on {place}"
    if _same(ours.body, body):
        return f"the comment on {place} says this already"
    forge.update(client, ci.project, change, ours.id, body)
    return f"updated the comment on {place}"


def find(forge: Forge, client: Client, ci: Ci, key: str) -> Comment | None:
    """Return our oldest comment with this key. A marker alone is not enough: anybody can write one."""
    mark = re.compile(rf"<!-- mlcicd:report v=1 key={re.escape(key)} ")
    marked = [item for item in forge.comments(client, ci.project, ci.change or 0) if mark.match(item.body)]
    if not marked:
        return None
    me = forge.whoami(client)
    return next((item for item in marked if (item.author == me if me else item.bot)), None)


def explained(refusal: Refusal, forge: Forge, ci: Ci) -> OutsideError:
    """Say what a refusal means and what to do about it."""
    where = f"pull or merge request {ci.change} of {ci.project}"
    causes = {
        401: ("the token is not accepted", forge.AUTHENTICATION),
        403: (f"the token may not comment on {where}", forge.PERMISSION),
        404: (f"{where} is not there for this token", forge.PERMISSION),
        410: (f"{where} is closed to comments", "nothing to do: the report is in the run's summary and artifacts"),
        422: ("the comment was not accepted", "this is a defect of mlcicd: report it with this message"),
        429: ("too many requests", "run the job again later"),
    }
    cause, hint = causes.get(refusal.status, ("the forge has a problem of its own", "run the job again later"))
    return OutsideError(f"{cause} ({refusal.message})", hint=hint)


def _fall_back(body: str, ci: Ci, forge: Forge) -> str:
    if ci.summary:
        with ci.summary.open("a", encoding="utf-8") as stream:
            stream.write(body + "\n")
    where = "the report is in the run's summary" if ci.summary else "the report is in the artifact"
    return (
        f"not posted, {where}: this run's token may only read, as in every run for a fork; otherwise {forge.PERMISSION}"
    )


def _same(one: str, other: str) -> bool:
    """Forges change line ends and cut the last ones."""
    return one.replace("\r\n", "\n").rstrip() == other.rstrip()
