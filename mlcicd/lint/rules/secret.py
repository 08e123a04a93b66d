"""M8, M17, M27, M30, M42: who sees a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcicd.lint import gitlab, literals
from mlcicd.lint.document import Document, walk
from mlcicd.lint.expressions import expressions
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Rule
from mlcicd.lint.workflows import codes, jobs, secrets

_ALL_SECRETS = re.compile(r"\btojson\( ?secrets ?\)|(?<![\w.-])secrets\.\*")
_CHOSEN = re.compile(r"(?<![\w.-])secrets ?\[")
_PASTED = re.compile(r"(?<![\w.-])secrets ?[.\[]")
_PERSONAL = re.compile(r"(?:^|_)PAT(?:$|_)|PERSONAL_(?:ACCESS_)?TOKEN|PERSONAL_ACCESS", re.IGNORECASE)
_SECRET = re.compile(r"\bsecrets(?:\.|\[['\"]++)([A-Za-z_]\w*)", re.IGNORECASE)
_HOLDS = (
    r"\$\{?[A-Z0-9_]*(?:TOKEN|PASSWORD|PASSWD|SECRET|API_KEY|ACCESS_KEY|CREDENTIALS|_PAT|PRIVATE_KEY)\}?(?![A-Z0-9_])"
)
_OPTION = re.compile(
    rf"""(?<![\w-])-(?=[\w-]*(?:token|password|passwd|secret|api-?key|access-?key))[\w-]*+[ =]["']?{_HOLDS}
       | (?<=\s)(?:-p|-u)[ ]?["']?{_HOLDS}
       | \bdvc\s+remote\s+modify\s(?:(?!\bdvc\s+remote)[^\n])*["'\s]{_HOLDS}
       | ://(?>[^\s/"']*?{_HOLDS})[^\s/"']*@
       | (?:-H|--header)[ =]["'][\w-]+:[^"']*{_HOLDS}""",
    re.VERBOSE,
)
_CLONED = re.compile(r"CI_JOB_TOKEN")


class WorkflowSecret(Rule):
    """A secret is given to the steps that use it, not to the whole workflow.

    Why: `env:` at the top hands it to every step of every job: to each action, each test, each package that a training
    imports. Other linters look only at jobs.

    Instead: write it in the `env:` of the steps that need it.
    """

    id = "M8"
    severity = "error"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """The top-level `env` alone."""
        for key, value in doc.root.get("env").items():
            if secrets(value):
                count = len(jobs(doc))
                every = f"all {count} jobs" if count > 1 else "every step"
                yield self.at(value, f"workflow: {every} can read the secret in `{key.text}`")


class AllSecrets(Rule):
    """Nobody gets every secret there is.

    Why: `toJSON(secrets)`, and `secrets: inherit` for a workflow of another repository, hand over secrets that the
    called code never asked for, those that somebody adds next year too.

    Instead: list the secrets that it needs.
    """

    id = "M17"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow", "action")

    def check(self, doc: Document) -> Iterator[Finding]:
        """`inherit` of a workflow that is not this repository's, and `toJSON(secrets)` anywhere."""
        for name, job in jobs(doc):
            if job.get("secrets").text.lower() == "inherit" and not job.get("uses").text.startswith(("./", "$/")):
                message = f"job {name}: the called workflow gets every secret of this repository"
                yield self.at(job.get("secrets"), message)
        for _, node in walk(doc.root) if "${{" in doc.text or "\\" in doc.text else ():
            for one in expressions(node) if node.is_scalar else ():
                if _ALL_SECRETS.search(one.text):
                    yield self.at(node, "every secret of the repository is put into one value", part=one.part)
                    break
                if _CHOSEN.search(one.text):
                    message = f"`{one.shown}` can be any secret of the repository, so the job gets them all"
                    yield self.at(node, message, part=one.part)
                    break


class SecretOnCommandLine(Rule):
    """No secret on a command line.

    Why: every process of the machine can read the command lines of the others, programs print them when they fail, and
    a secret that is pasted into a script is code as well.

    Instead: hand it over by `env:` (a masked variable on GitLab) and let the program read the variable, a file or its
    standard input: `--password-stdin`.
    """

    id = "M27"
    severity = "warning"
    platforms = ("github", "gitlab")
    kinds = ("workflow", "action", "gitlab")
    remedy = "let the program read it from a variable, a file or its standard input"

    def check(self, doc: Document) -> Iterator[Finding]:
        """On GitHub what is pasted; on GitLab, whose runners jobs share, what an option or an address is given."""
        for step, code in codes(doc) if doc.kind != "gitlab" else ():
            for one in (found for found in expressions(code) if _PASTED.search(found.text)):
                yield self.at(code, f"{step.label}: a secret is pasted into the script", part=one.part)
        for script in gitlab.scripts(doc) if doc.kind == "gitlab" else ():
            for part in script.node.find(_OPTION):
                if not _CLONED.search(part.match[0]):
                    yield self.at(script.node, f"{script.label}: a secret stands on a command line", part=part)


class PersonalToken(Rule):
    """CI works by a token of its own, not by a person's.

    Why: a personal access token can do what that person can do in every repository, for months, and goes when the
    person goes. A comment of CML needs none of it.

    Instead: use `github.token` with the job's `permissions`, or a token of a GitHub App for one repository.
    """

    id = "M30"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """A secret whose name says that it is one; each name once."""
        seen: set[str] = set()
        there = any(_PERSONAL.search(name) for name in _SECRET.findall(doc.text))
        for _, node in walk(doc.root) if there else ():
            for part in node.find(_SECRET) if node.is_scalar else ():
                name = part.match[1]
                if _PERSONAL.search(name) and name not in seen:
                    seen.add(name)
                    yield self.at(node, f"the secret {name} is a personal access token", part=part)


class LiteralSecret(Rule):
    """No secret stands in the file.

    Why: whoever can read the repository has it, every fork and every clone keeps it, and taking it out of the file
    leaves it in the history. Scanners find a token in a public repository within minutes.

    Instead: revoke it, then keep the new one as a secret of the repository or a masked variable of the project, and
    name that: `${{ secrets.NAME }}`, `$NAME`. What is no secret gets a name that does not say so.
    """

    id = "M42"
    severity = "error"
    platforms = ("github", "gitlab")
    kinds = ("workflow", "action", "gitlab", "dependabot")
    remedy = "revoke it, and keep the new one in the secrets of the repository or project"

    def check(self, doc: Document) -> Iterator[Finding]:
        """By shape, comments too, and by the name of a variable, which may be of a throwaway. No value is told."""
        for one in literals.literals(doc):
            if one.name:
                message = f"the value of `{one.name}` stands in the file"
                yield self.at(doc.root, message, part=one.part, severity="warning")
            else:
                yield self.at(doc.root, "a token, key or password stands in the file", part=one.part)
