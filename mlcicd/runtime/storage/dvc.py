"""The only adapter to the `dvc` program of the user's project: its JSON is the contract, its exit status is not.

DVC ends with 0 after many failures and writes what went wrong to its error stream, so every answer is checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlcicd import secrets
from mlcicd.errors import MlcicdError, OutsideError
from mlcicd.runtime import facts, plots, process, project
from mlcicd.runtime.plots import Plot
from mlcicd.runtime.process import Answer
from mlcicd.runtime.storage import remotes, transfer
from mlcicd.runtime.storage.dvc_errors import Remote, explain, is_mute, no_folder, passing, refusal
from mlcicd.runtime.storage.transfer import Tries

INSTALL = "uv pip install 'dvc>=3.60,<4'"

Names = Callable[[], Mapping[str, str]]
Differences = dict[str, dict[str, tuple[Any, Any]]]

__all__ = ["Broken", "Differences", "Dvc", "Plot", "find"]


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A metric file that DVC cannot read, and why."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Dvc:
    """The program, run in the project's folder and environment; `tries` is how often a transfer is tried again."""

    root: Path
    environ: Mapping[str, str]
    tries: Tries = field(default_factory=Tries)

    def status(self) -> dict[str, Any]:
        """Return what changed, by stage or `.dvc` file; nothing is downloaded.

        Raises:
            OutsideError: when DVC cannot say (a broken dvc.yaml, no DVC repository).
        """
        return _mapping(self._json("status", "--json"))

    def pull(self, targets: Sequence[str], remote: str | None = None, names: Names = dict) -> None:
        """Fetch paths (all that is tracked, when none is named) from the remote into the workspace.

        Args:
            targets: what to fetch.
            remote: its name; DVC's default when None.
            names: asked for the path of each object by hash, when the objects that failed have to be named.

        Raises:
            OutsideError: in words, when DVC fails.
            UsageError: when a target is not tracked.
        """
        choice = _choice(remote)
        answer = self._transfer("pull", *choice, "--", *targets)
        if answer.exit:
            raise self._failed(answer, targets, remote, names())

    def not_in_remote(self, remote: str | None = None) -> list[str]:
        """Return the tracked files that the remote does not have; only the lists of folders are fetched.

        A folder whose own list is absent is there as a path that ends in "/".

        Raises:
            OutsideError: when the remote cannot be asked.
        """
        here = self._remote(remote)
        if not here.name:
            raise explain(Answer(exit=1, out="", err="No remote provided and no default remote set"))
        if gone := no_folder(here):
            raise gone
        answer = self._transfer("data", "status", "--json", "--not-in-remote", "--granular", *_choice(remote))
        found = _amid(answer.err)
        if answer.exit or not isinstance(found, dict):
            raise self._failed(answer, (), remote, {}, action="dvc data status")
        return sorted(filter(None, map(self._from_here, found.get("not_in_remote") or [])))

    def _from_here(self, path: str) -> str:
        """Return a path that DVC gives from the top of its repository as one from the project's folder.

        "" for one that is elsewhere in the repository.
        """
        top = next((folder for folder in (self.root, *self.root.parents) if (folder / ".dvc").is_dir()), self.root)
        inside = self.root.relative_to(top).as_posix()
        if inside == ".":
            return path
        return path.removeprefix(f"{inside}/") if path.startswith(f"{inside}/") else ""

    def reach(self, remote: str | None = None) -> None:
        """Make sure that a remote's bucket or folder is there: one that is not looks like one that is empty.

        Raises:
            OutsideError: when it is not, or refuses.
        """
        here = self._remote(remote)
        answer = self._question("ls-url", f"remote://{here.name}/")
        if answer.exit and (refused := refusal(answer.err, here)):
            refused.detail = "\n".join(self._scrubbed(answer.err))
            raise refused

    def _failed(
        self,
        answer: Answer,
        targets: Sequence[str],
        remote: str | None,
        names: Mapping[str, str],
        action: str = "dvc pull",
    ) -> MlcicdError:
        """Say why a transfer failed, in words, without secrets."""
        if is_mute(answer):
            other = self._question("data", "status", "--json", "--not-in-remote", *_choice(remote))
            answer = replace(answer, err=f"{answer.err}\n{other.err}")
        error = explain(answer, targets, self._remote(remote), names, action)
        error.message, error.detail = ("\n".join(self._scrubbed(text)) for text in (error.message, error.detail))
        return error

    def _scrubbed(self, text: str) -> tuple[str, ...]:
        return secrets.lines(text.splitlines(), self.environ)

    def _transfer(self, *arguments: str) -> Answer:
        argv = ["dvc", *arguments]
        return transfer.ask(argv, cwd=self.root, environ=self.environ, tries=self.tries, passing=passing)

    def _remote(self, name: str | None) -> Remote:
        """Return what is known of a remote, by default of the one that DVC uses by itself."""
        found = remotes.configured(self.root, name)
        if found is None:
            return Remote(name=name or "")
        # A path in DVC's configuration is relative to that file.
        is_folder = found.kind == remotes.LOCAL and "://" not in found.url
        return Remote(name=found.name, folder=remotes.home(self.root) / found.url if is_folder else None)

    def cache(self) -> Path:
        """Return the folder of DVC's cache."""
        return Path(self._ask("cache", "dir").out.strip() or ".dvc/cache")

    def listing(self, folder: str, remote: str | None = None) -> dict[str, str] | None:
        """Return the hash of each file that a tracked folder holds, by path from the project's folder.

        Only the folder's own small object is fetched. None when it cannot be had.
        """
        answer = self._question("ls", ".", folder, "--dvc-only", "--recursive", "--json", *_choice(remote))
        rows = _parse(answer.out) if answer.exit == 0 else None
        if not isinstance(rows, list):
            return None
        return {f"{folder}/{row['path']}": row.get("md5") or "" for row in rows}

    def metrics(self) -> dict[str, dict[str, Any] | Broken]:
        """Return the metrics of the workspace by file; a file that cannot be read is there, as `Broken`.

        Cached files that are not in the workspace are fetched by DVC itself.

        Raises:
            OutsideError: when DVC can say nothing at all.
        """
        revision = _mapping(_mapping(self._json("metrics", "show", "--json")).get(""))
        if problem := revision.get("error"):
            raise OutsideError(f"dvc metrics show: {problem.get('msg')}", hint="run `dvc status` to see the place")
        entries = _mapping(revision.get("data"))
        return {file: _metric(entry) for file, entry in entries.items()}

    def metrics_diff(self, base: str) -> Differences:
        """Return (value at `base`, value now) by file and dotted key, equal ones included; None stands for absent.

        What a file that cannot be read should have said is absent: `metrics` tells which of them are broken.

        Raises:
            OutsideError: when DVC fails, or does not know the commit.
        """
        return _pairs(self._json("metrics", "diff", "--all", "--json", base))

    def params_diff(self, base: str) -> Differences:
        """Return (value at `base`, value now) of each parameter, like `metrics_diff`."""
        return _pairs(self._json("params", "diff", "--all", "--json", base))

    def plots_diff(self, base: str) -> list[Plot]:
        """Return the plots of both sides; DVC fetches what the base has of them itself.

        Raises:
            OutsideError: when DVC fails, or a plot file of the workspace cannot be read.
        """
        # Pictures are written whether one wants them or not: they go where nothing gets committed.
        pictures = facts.make().resolve() / "plots"
        found = _mapping(self._json("plots", "diff", "--json", "-o", str(pictures), base))
        broken = [problem for problem in found.get("errors") or [] if problem.get("rev") == "workspace"]
        if broken:
            first = broken[0]
            raise OutsideError(f"plot {first.get('source') or ''}: {first.get('msg')}".replace("plot :", "plots:"))
        return plots.extract(_mapping(found.get("data")))

    def _ask(self, *arguments: str, timeout: float | None = None) -> Answer:
        return process.ask(["dvc", *arguments], cwd=self.root, environ=self.environ, timeout=timeout)

    def _question(self, *arguments: str) -> Answer:
        """Ask the remote something small; an answer that does not come in time is no answer."""
        return self._ask(*arguments, timeout=transfer.STALL)

    def _json(self, *arguments: str) -> Any:
        answer = self._ask(*arguments)
        found = _parse(answer.out)
        if found is None:
            raise explain(answer, action=f"dvc {' '.join(word for word in arguments[:2] if word[0] != '-')}")
        return found


def find(root: Path, environ: Mapping[str, str], tries: Tries | None = None) -> Dvc:
    """Return DVC as the project has it; `tries` limits how often its transfers are tried again.

    Raises:
        OutsideError: when there is none.
    """
    if project.program("dvc", environ) is None:
        raise OutsideError(
            "dvc is not installed: neither in the project's .venv nor on PATH",
            hint=f"add it to the project's environment: {INSTALL} (with the plug-in of your remote, such as dvc-s3)",
        )
    return Dvc(root=root, environ=environ, tries=tries or Tries())


def _choice(remote: str | None) -> tuple[str, ...]:
    return ("--remote", remote) if remote else ()


def _amid(text: str) -> Any:
    """Return the JSON object that begins a line, whatever warnings stand around it; None when there is none."""
    for start in re.finditer(r"^\{", text, re.MULTILINE):
        with suppress(ValueError):
            return json.JSONDecoder().raw_decode(text, start.start())[0]
    return None


def _metric(entry: Any) -> dict[str, Any] | Broken:
    problem = _mapping(entry).get("error")
    if problem:
        return Broken(reason=str(problem.get("msg") or problem.get("type")))
    data = _mapping(entry).get("data")
    return data if isinstance(data, dict) else Broken(reason="it holds no keys and values")


def _pairs(found: Any) -> Differences:
    """Return DVC's differences sorted, for it prints them in an order that changes from run to run."""
    return {
        file: {key: (pair.get("old"), pair.get("new")) for key, pair in sorted(keys.items())}
        for file, keys in sorted(_mapping(found).items())
    }


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
