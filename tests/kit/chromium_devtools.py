"""Headless Chromium, driven by its DevTools protocol over a pipe: one browser for many pages, widths and colour schemes.

Protocol: chromedevtools.github.io/devtools-protocol. Messages are JSON, each ended by a NUL byte (flag --remote-debugging-pipe).
"""

import base64
import json
import os
import select
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kit.chromium import PATIENCE, QUIET, need_chromium


@dataclass
class Devtools:
    """A browser with one tab."""

    write: int
    read: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    """Everything that the tab told since the last ``open``."""
    _last: int = 0
    _rest: bytes = b""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method and return its result."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters} | ({"sessionId": self.session} if self.session else {})
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                assert "error" not in answer, (method, answer["error"])
                return dict(answer["result"])
            self.events.append(answer)

    def wait_for(self, event: str) -> None:
        """Wait until the tab told of this event."""
        while not any(each.get("method") == event for each in self.events):
            self.events.append(self._next())

    def open(self, page: Path) -> None:
        """Show a file, and wait until it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=page.as_uri())
        self.wait_for("Page.loadEventFired")

    def show(self, *, width: int = 1280, scheme: str = "light", media: str = "") -> None:
        """Show the page with this width, colour scheme and medium."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript is in the page; a promise's value, if it is one."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def pdf(self) -> bytes:
        """The page as it is printed on its own paper."""
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])

    def press(self, key: str) -> None:
        """Press a key."""
        typed = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode={"Tab": 9, "Enter": 13}[key], **typed)

    def requests(self) -> list[str]:
        """The addresses that the tab asked for since the last ``open``, also those that were refused."""
        return [each["params"]["request"]["url"] for each in self.events if each.get("method") == "Network.requestWillBeSent"]

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.read], [], [], max(0, until - time.monotonic()))
            assert ready, f"Chromium said nothing for {PATIENCE} s"
            more = os.read(self.read, 1 << 20)
            assert more, "Chromium has ended"
            self._rest += more
        first, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(first))


@contextmanager
def devtools() -> Iterator[Devtools]:
    """Chromium with a new profile and one empty tab, which tells of its requests, dialogs and errors."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as name:
        to_browser, from_browser = os.pipe(), os.pipe()
        root = ("--no-sandbox",) if os.geteuid() == 0 else ()
        flags = [*QUIET, *root, "--remote-debugging-pipe", f"--user-data-dir={name}/profile", "about:blank"]
        # Chromium reads from 3 and writes to 4, and these may be taken here.
        script = f"exec {shlex.join([need_chromium(), *flags])} 3<&{to_browser[0]} 4>&{from_browser[1]}"
        place = {"HOME": name, "XDG_CONFIG_HOME": name, "XDG_CACHE_HOME": name, "TMPDIR": name}
        handed = {"pass_fds": (to_browser[0], from_browser[1]), "start_new_session": True, "stdin": subprocess.DEVNULL}
        with Path(name, "chromium.log").open("wb") as log:
            process = subprocess.Popen(["bash", "-c", script], env=os.environ | place, stdout=log, stderr=log, **handed)  # type: ignore[call-overload] # as the types of a dict
        for each in (to_browser[0], from_browser[1]):
            os.close(each)
        try:
            yield _tab(Devtools(to_browser[1], from_browser[0]))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)
            for each in (to_browser[1], from_browser[0]):
                os.close(each)


def _tab(browser: Devtools) -> Devtools:
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Network", "Runtime", "Log"):
        browser.call(f"{domain}.enable")
    return browser
