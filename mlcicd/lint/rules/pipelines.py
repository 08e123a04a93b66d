"""M19, M20, M36 to M39: GitLab pipelines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from mlcicd.lint.document import Document, Node
from mlcicd.lint.gitlab import Job, clauses, for_merge_requests, jobs, own_project, scripts, variables
from mlcicd.lint.model import Finding, Severity
from mlcicd.lint.rule import Rule

_COMMIT = re.compile(r"[0-9a-f]{40,64}\Z")
_NAMED_BRANCH = re.compile(r"\$CI_COMMIT_(BRANCH|TAG|REF_NAME)\s*(==|=~)|\$CI_COMMIT_REF_PROTECTED|\$CI_COMMIT_TAG\b")
_OTHER_SOURCE = re.compile(r"CI_PIPELINE_SOURCE\s*==\s*['\"](?!push|merge)")
_EVERY_PUSH = re.compile(r"\$CI_COMMIT_BRANCH\b|CI_PIPELINE_SOURCE\s*==\s*['\"]push")
_PRINTS = (("env",), ("printenv",), ("export",), ("export", "-p"))
_MANY = 1024
_MAX_REPEATED = 1000  # times that a rule is told again for one more job that inherits it
_ENDS = ("access", "prepare", "verify", "stop")


class MovingParts(Rule):
    """Includes, components and images are named so that they cannot change.

    Why: an include without a commit, a remote file, a component `@~latest` and an image by tag are whatever their owner
    makes of them tomorrow, and run with this project's variables.

    Instead: `ref:` a full commit, `integrity:` for a remote file, `component: ...@<commit>`, and images by digest:
    `python:3.12@sha256:...`.
    """

    id = "M19"
    severity = "warning"
    platforms = ("gitlab",)
    kinds = ("gitlab",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """Each image once, one with a tag as a note; what a variable names is left to whoever sets it."""
        include = doc.root.get("include")
        for one in [*include] or [include]:
            yield from self._include(one)
        seen: set[str] = set()
        for place, image in _images(doc):
            name = image.text
            if name and "$" not in name and "@sha256:" not in name and name not in seen:
                seen.add(name)
                last = name.rsplit("/", 1)[-1]
                newest = ":" not in last or last.endswith(":latest")
                how = "whatever is newest that day" if newest else "named by a tag, which can move"
                severity: Severity = "warning" if newest else "note"
                yield self.at(image, f"{place}: the image `{name}` is {how}", severity=severity)

    def _include(self, one: Node) -> Iterator[Finding]:
        remote = one.get("remote") if one.is_mapping else one
        if remote.text.startswith(("http://", "https://")) and not one.get("integrity"):
            yield self.at(remote, "include: a remote file without `integrity`")
        project, ref, component = one.get("project"), one.get("ref"), one.get("component")
        if project and not _COMMIT.match(ref.text) and "$" not in ref.text:
            what = f"`ref: {ref.text}` can move" if ref else "no `ref`, so whatever its default branch holds"
            yield self.at(ref or project, f"include: {project.text}: {what}")
        version = component.text.rpartition("@")[2]
        if component and not _COMMIT.match(version) and "$" not in version and "[[" not in version:
            yield self.at(component, f"include: the component's version `{version}` can move")


def _images(doc: Document) -> Iterator[tuple[str, Node]]:
    places = [("the pipeline", doc.root), ("the pipeline", doc.root.get("default"))]
    places += [(f"job {job.name}", job.node) for job in jobs(doc)]
    for place, node in places:
        for image in (node.get("image"), *node.get("services")):
            yield place, image.get("name") if image.is_mapping else image


class DebugTrace(Rule):
    """A pipeline does not print its variables.

    Why: `CI_DEBUG_TRACE` writes each command with its values, and every variable of the job, into a log that everyone
    with access to the project reads. Masking hides a value only where it stands as it is.

    Instead: set it by hand for one pipeline, and delete that pipeline's log.
    """

    id = "M20"
    severity = "error"
    platforms = ("gitlab",)
    kinds = ("gitlab",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """The variable, and scripts that print the whole environment."""
        for key, value in variables(doc):
            if key.text == "CI_DEBUG_TRACE" and value.text.lower() in ("true", "1", "yes"):
                yield self.at(value, f"`{key.text}` prints every variable of the job into its log")
        for script in scripts(doc):
            for command in script.commands:
                if command.words in _PRINTS and command.after != "|":
                    message = f"{script.label}: `{' '.join(command.words)}` prints every variable that nobody masked"
                    yield self.at(script.node, message, part=script.part(command), severity="note")


class KeptForever(Rule):
    """Artifacts of a job are deleted some day.

    Why: without `expire_in` the server's default counts, a month here and never there. Models and data of every
    experiment fill the storage, and personal data in them outlives its permission.

    Instead: `expire_in: 14 days`; what must stay belongs in the DVC remote or the model registry.
    """

    id = "M36"
    severity = "note"
    platforms = ("gitlab",)
    kinds = ("gitlab",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """Jobs that say themselves what they keep."""
        default = doc.root.at("default", "artifacts", "expire_in")
        for job in jobs(doc):
            artifacts = job.node.get("artifacts")
            kept = artifacts.get("paths") or artifacts.get("untracked")
            if kept and job.complete and job.name != "pages" and not default and not self._ends(job):
                yield self.at(job.node.key("artifacts"), f"job {job.name}: its artifacts have no `expire_in`")

    def _ends(self, job: Job) -> bool:
        return any(node.at("artifacts", "expire_in") for node in (job.node, *job.parents))


class ForkIdentity(Rule):
    """A job with an identity runs for changes of this project only.

    Why: a merge request of a fork can run in this project, as soon as one of its members starts the pipeline, by hand
    or by a rebase over the API, where nothing warns. Its code then has the job's `id_tokens` and `secrets`.

    Instead: end the rule with `&& $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID`.
    """

    id = "M37"
    severity = "warning"
    platforms = ("gitlab",)
    kinds = ("gitlab",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """Rules for merge requests of jobs with `id_tokens` or `secrets`."""
        if any(own_project(rule.get("if").text) for rule in doc.root.at("workflow", "rules")):
            return
        told: set[int] = set()
        spare = _MAX_REPEATED
        for job in jobs(doc):
            held = next((key for key in ("id_tokens", "secrets") if job.get(key)), "")
            rules = job.get("rules")
            conditions = _open_to_forks(rules) if held else ()
            if rules.start in told:
                spare -= len(conditions)
            if rules.start not in told or spare > 0:
                told.add(rules.start)
                for condition in conditions:
                    yield self.at(condition, f"job {job.name} has `{held}`, and this rule lets a fork's change in")


@lru_cache(maxsize=_MANY)
def _open_to_forks(rules: Node) -> tuple[Node, ...]:
    """Return the conditions that let a merge request of a fork in."""
    conditions = (rule.get("if") for rule in clauses(rules))
    return tuple(one for one in conditions if for_merge_requests(one.text) and not own_project(one.text))


class TwoPipelines(Rule):
    """A push to a merge request starts one pipeline.

    Why: a job whose rules hold for the merge request and for the branch runs twice for each push: two trainings are
    paid for, and two reports race for one comment.

    Instead: `workflow: rules:` for the whole file; or let the second rule name its branch:
    `$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH`.
    """

    id = "M38"
    severity = "warning"
    platforms = ("gitlab",)
    kinds = ("gitlab",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """Rules that name no source of pipelines beside one that names merge requests."""
        if doc.root.get("workflow"):
            return
        for job in jobs(doc):
            if second := _second(job.get("rules")):
                yield self.at(
                    second, f"job {job.name} runs twice: for the merge request, and by this rule for its branch"
                )


@lru_cache(maxsize=_MANY)
def _second(rules: Node) -> Node | None:
    """Return the clause that starts a second pipeline beside that of the merge request."""
    every = clauses(rules)
    if not any(for_merge_requests(rule.get("if").text) for rule in every):
        return None
    return next((rule for rule in every if _for_any_branch(rule)), None)


def _for_any_branch(rule: Node) -> bool:
    condition = rule.get("if").text
    if not condition:
        return (
            rule.get("when").text in ("", "always", "on_success") and not rule.get("changes") and not rule.get("exists")
        )
    if for_merge_requests(condition) or _NAMED_BRANCH.search(condition) or _OTHER_SOURCE.search(condition):
        return False
    return bool(_EVERY_PUSH.search(condition))


class Deployment(Rule):
    """One deployment at a time.

    Why: two pipelines that deploy to one environment at once end with whichever was slower, and that may be the older
    model.

    Instead: `resource_group: production` in every job that changes the environment.
    """

    id = "M39"
    severity = "warning"
    platforms = ("gitlab",)
    kinds = ("gitlab",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """Environments with a fixed name; one per branch is a review app."""
        for job in jobs(doc):
            given = job.get("environment")
            name = given.get("name") if given.is_mapping else given
            starts = given.get("action").text not in _ENDS and name.text and "$" not in name.text
            if starts and not job.hidden and job.complete and not job.get("resource_group"):
                yield self.at(name, f"job {job.name} deploys to {name.text} without a `resource_group`")
