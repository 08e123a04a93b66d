"""M9, M25, M26: what a job installs and runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from mlcicd.lint import workflows
from mlcicd.lint.document import Document, Node
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Rule
from mlcicd.lint.scripts import scripts
from mlcicd.lint.shell import Command, Script

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(\[[^\]]*\])?\Z")
_LOOSE = re.compile(r"[A-Za-z0-9][\w.-]*(\[[^\]]*\])?\s*(>=?|<=?|~=|!=)")
_EXACT = re.compile(r"==|@|===")
# Options of pip and uv whose value is another word.
_VALUED = frozenset(
    {"-r", "--requirement", "--requirements", "-c", "--constraint", "--constraints", "-e", "--editable", "-t",
     "--target", "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--python", "-p", "--project",
     "--with", "--index", "--default-index", "--prefix", "--root", "--group", "--extra", "--python-version", "--log",
     "--proxy", "--timeout", "--retries", "--trusted-host", "--directory", "--platform", "--progress-bar",
     "--cache-dir", "--upgrade-strategy", "--only-binary", "--no-binary", "--config-settings", "-C", "--report",
     "--python-platform", "--index-strategy", "--keyring-provider", "--resolution", "--prerelease", "--exclude-newer",
     "--link-mode", "--upgrade-package", "-P", "--from", "-n", "--name", "--channel", "--file", "--registry"}
)  # fmt: skip
_INSTALLS = re.compile(r"install|\buvx\b|pipx|\bnpm\b|\bnpx\b|\buv\s+tool\b")
_AT_COMMIT = re.compile(r"@[0-9a-f]{40}\b")
_BASICS = frozenset({"pip", "setuptools", "wheel"})
_SHELLS = frozenset({"bash", "sh", "zsh", "python", "python3", "dash", "ksh"})
_JUDGES = frozenset({"sha256sum", "sha512sum", "shasum", "gpg", "gpgv", "cosign", "minisign", "openssl"})
_FETCHERS = frozenset({"curl", "wget"})
_SUBSTITUTED = re.compile(r"\$\(\s*(?:curl|wget)\b")
_LATEST = re.compile(r":latest\Z|\A[^:@$]+\Z")


class UnpinnedPackage(Rule):
    """Packages are installed by exact version.

    Why: `pip install dvc` installs what is newest that minute. The same commit gives other numbers next week, and a
    release that somebody stole runs at once, beside the job's secrets.

    Instead: install from a lock: `uv sync --frozen`, or `pip install --require-hashes -r requirements.txt`. For a
    single tool name the version: `pip install dvc==3.60.1`.
    """

    id = "M9"
    severity = "warning"
    platforms = ("github", "gitlab")
    kinds = ("workflow", "action", "gitlab")

    def check(self, doc: Document) -> Iterator[Finding]:
        """Requirement files, folders, wheels and variables are not looked into; pip itself is the image's matter."""
        for script in scripts(doc):
            if not _INSTALLS.search(script.text):
                continue
            for command in script.commands:
                if loose := _loose(command.argv):
                    names = ", ".join(f"`{name}`" for name in loose)
                    message = f"{script.label}: {names} without an exact version"
                    yield self.at(script.node, message, part=script.part(command))


def _loose(argv: tuple[str, ...]) -> list[str]:
    """Return the packages that a command installs in whatever version there is."""
    if argv[:1] in (("npm",), ("npx",), ("conda",), ("mamba",), ("micromamba",)):
        return _loose_elsewhere(argv)
    if argv[:2] in (("uv", "tool"), ("uv", "pip")):
        argv = argv[1:]
    if argv[:1] == ("uvx",) or argv[:2] in (("pipx", "run"), ("tool", "run")):
        return _loose_tool(argv[1 if argv[0] == "uvx" else 2 :])
    if argv[:2] not in (("pip", "install"), ("pip3", "install"), ("pipx", "install"), ("tool", "install")):
        return []
    if any(word.startswith(("--require-hashes", "--no-index", "-c", "--constraint")) for word in argv):
        return []
    found = [word for word in _packages(argv[2:]) if _is_loose(word)]
    moving = [word for word in argv[2:] if word.startswith("git+") and not _AT_COMMIT.search(word) and "$" not in word]
    return [word for word in found if word.partition("[")[0].lower() not in _BASICS] + moving


def _is_loose(word: str) -> bool:
    return bool(_NAME.match(word) or (_LOOSE.match(word) and not _EXACT.search(word)))


def _loose_tool(words: tuple[str, ...]) -> list[str]:
    """Of `uvx` and `pipx run`: the tool, or the package that it is said to come from."""
    given = [value for option, value in pairwise(words) if option in ("--from", "--spec")]
    named = given or [next(_packages(words), "")]
    return [word for word in named if _is_loose(word) or (word.endswith("@latest") and "$" not in word)]


def _loose_elsewhere(argv: tuple[str, ...]) -> list[str]:
    """Of `npm install --global`, `npx` and `conda install`; a folder's own packages are its lock's matter."""
    if argv[0] in ("npm", "npx"):
        alone = argv[0] == "npx"
        if not alone and (argv[1:2] not in (("install",), ("i",)) or not {"-g", "--global"} & {*argv}):
            return []
        named = [word for word in argv[1 if alone else 2 :] if not word.startswith("-") and "$" not in word]
        named = [word for word in named[: 1 if alone else None] if not word.startswith((".", "/"))]
        return [word for word in named if not re.search(r"(?<=.)@\d", word)]
    if argv[1:2] != ("install",):
        return []
    return [word for word in _packages(argv[2:]) if re.fullmatch(r"[\w.-]+|[\w.-]+[<>!~].*", word)]


def _packages(words: tuple[str, ...]) -> Iterator[str]:
    skip = False
    for word in words:
        if word.startswith((">", "<", "2>")):
            return
        if not skip and not word.startswith("-") and not _is_place(word):
            yield word
        skip = word in _VALUED


def _is_place(word: str) -> bool:
    return "$" in word or "/" in word or word.startswith(".") or word.endswith((".whl", ".tar.gz", ".txt"))


class PipedInstaller(Rule):
    """Nothing from the network is run unread.

    Why: `curl ... | bash` runs whatever the server answers that minute, with the job's token and secrets. A moved
    branch, a lapsed domain or half an answer is enough.

    Instead: use a package of exact version, or keep the file and compare its hash before it runs:
    `echo "$SHA256  install.sh" | sha256sum --check && bash install.sh`.
    """

    id = "M25"
    severity = "warning"
    platforms = ("github", "gitlab")
    kinds = ("workflow", "action", "gitlab")

    def check(self, doc: Document) -> Iterator[Finding]:
        """A pipe into a shell, a shell that is handed a download, or one that runs a file that nobody compared."""
        for script in scripts(doc):
            if "curl" not in script.text and "wget" not in script.text:
                continue
            before: Command | None = None
            fetched: Command | None = None  # at the beginning of this pipe
            files: set[str] = set()
            for command in script.commands:
                piped = before is not None and before.after in ("|", "|&")
                fetched = before if piped and before and _program(before) in _FETCHERS else fetched if piped else None
                shell = _program(command) in _SHELLS
                if _program(command) in _JUDGES:
                    files.clear()
                if file := _runs_one(command, files):
                    message = f"{script.label}: the download `{file}` is run unread"
                    yield self.at(script.node, message, part=script.part(command))
                files |= _kept(command)
                if fetched and shell and not _has_own_code(command):
                    what = f"what `{_program(fetched)}` brings is run by `{_program(command)}` unread"
                    message = f"{script.label}: {what}"
                    yield self.at(script.node, message, part=script.part(fetched))
                elif (before and _handed_over(before, command)) or _in_quotes(script, command):
                    message = f"{script.label}: a download is run by a shell unread"
                    yield self.at(script.node, message, part=script.part(command))
                before = command


def _kept(command: Command) -> set[str]:
    """Return the names under which a command keeps what it brings."""
    if _program(command) not in _FETCHERS:
        return set()
    words = command.words
    by_option = {"curl": ("-o", "--output"), "wget": ("-O", "--output-document")}[_program(command)]
    named = {word for option, word in pairwise(words) if option in (*by_option, ">")}
    named |= {word[1:] for word in words if word.startswith(">") and len(word) > 1}
    joined = (re.fullmatch(r"-[a-zA-Z]*[oO]|--(?:output|remote-name)", option) for option in words)
    if any(joined) or _program(command) == "wget":
        named |= {word for option, word in pairwise(words) if re.fullmatch(r"-[a-zA-Z]*[oO]", option)}
        named |= {word.rsplit("/", 1)[-1] for word in words if "://" in word}
    return {name.removeprefix("./") for name in named if name and "://" not in name}


def _runs_one(command: Command, files: set[str]) -> str:
    """Return which of the files a command runs; empty when none."""
    argv = command.argv
    if not files or not argv:
        return ""
    run = argv[:1] if argv[0].startswith(("./", "/", "$")) else ()
    if _program(command) in _SHELLS | {"source", "."}:
        run = tuple(word for word in argv[1:] if not word.startswith("-"))[:1]
    return next((word for word in run if word.removeprefix("./") in files), "")


def _program(command: Command) -> str:
    return command.argv[0].rsplit("/", 1)[-1] if command.argv else ""


def _has_own_code(command: Command) -> bool:
    """Whether the download is only the input of code that stands here: `python -c ...`, `python parse.py`."""
    words = command.argv[1:]
    return "-s" not in words and any(word in ("-c", "-m", "-n") or not word.startswith("-") for word in words)


def _in_quotes(script: Script, command: Command) -> bool:
    """`sh -c "$(curl ...)"`."""
    inside = _SUBSTITUTED.search(script.text, command.start, command.end)
    return bool(inside) and _program(command) in _SHELLS | {"eval"}


def _handed_over(shell: Command, fetch: Command) -> bool:
    """`bash <(curl ...)`."""
    if _program(shell) not in _SHELLS | {"source", ".", "eval"}:
        return False
    return shell.words[-1] == "<" and shell.after == "(" and _program(fetch) in _FETCHERS


class LatestImage(Rule):
    """An image is named by a version.

    Why: `:latest`, or no tag, is another image after the next push: other CUDA, other Python, other numbers, and nobody
    sees it in the history. Some images, `nvidia/cuda` among them, have no `latest` at all.

    Instead: name the version and, better, its digest: `python:3.12@sha256:...`.
    """

    id = "M26"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow", "action")

    def check(self, doc: Document) -> Iterator[Finding]:
        """Images of jobs, of services, of steps, and those that scripts run."""
        for place, image in _images(doc):
            name = image.text.removeprefix("docker://")
            if name and "${{" not in name and _LATEST.search(name.rsplit("/", 1)[-1]):
                yield self.at(image, f"{place}: the image `{name}` is whatever is newest that day")
        for script in workflows.scripts(doc):
            for command in script.commands if ":latest" in script.text else ():
                named = [word for word in command.argv if word.endswith(":latest") and "$" not in word]
                if command.argv[:2] in (("docker", "run"), ("docker", "pull")) and named:
                    message = f"{script.label}: the image `{named[0]}` is whatever is newest that day"
                    yield self.at(script.node, message, part=script.part(command))


def _images(doc: Document) -> Iterator[tuple[str, Node]]:
    for name, job in workflows.jobs(doc):
        container = job.get("container")
        place = f"job {workflows.shown(name)}"
        yield place, container if container.is_scalar else container.get("image")
        services = job.get("services")
        for service in services.keys():  # noqa: SIM118
            yield place, services.at(service, "image")
    for step in workflows.steps(doc):
        if step.uses.text.startswith("docker://"):
            yield step.label, step.uses
    runs = doc.root.at("runs", "image")
    if runs.text.startswith("docker://"):
        yield "the action", runs
