"""A web page in a real browser, on another origin or under a name that is made to lead here: it neither reads nor changes local Azure."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette

from local_azure_iot import control as control_module
from local_azure_iot.mqtt.plane import Plane
from tests.kit.chromium import PATIENCE, need_chromium, open_in_chromium, page_server
from tests.kit.control_port import control
from tests.kit.local_azure import LocalAzure
from tests.kit.repository import ROOT
from tests.local_azure.in_process import in_process

PAGE = Path(__file__).with_name("page.html")
_NAME = "rebinding.example"
_LEADS_HERE = f"--host-resolver-rules=MAP {_NAME} 127.0.0.1"


@pytest.fixture(autouse=True)
def _browser() -> None:
    need_chromium()


@dataclass
class Bait:
    """The control port's operations without their guard, and what was asked of them: method, path, status."""

    url: str
    answered: list[tuple[str, str, int]] = field(default_factory=list)

    operations: Starlette = field(default_factory=Starlette)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request (ASGI 3)."""

        async def noted(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.answered.append((scope["method"], scope["path"], message["status"]))
            await send(message)

        await self.operations(scope, receive, noted)


@contextmanager
def unguarded() -> Iterator[Bait]:
    """On a port of its own: what the page does there shows that it does what it says."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        bait = Bait(f"http://127.0.0.1:{listening.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(bait, lifespan="off", log_config=None, ws="none"))

        def serve() -> None:
            with in_process() as azure:  # made by the thread that serves it, as its store wants it
                bait.operations = control_module.operations(azure.application, Plane(azure.azure), {})
                server.run([listening])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield bait
        finally:
            server.should_exit = server.force_exit = True
            thread.join(60)


@contextmanager
def plugin() -> Iterator[str]:
    """The address of a provider plugin's gRPC port, which is like the engine's own."""
    command = [ROOT / "sandbox" / "plugins" / "bin" / "pulumi-resource-tls", "127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def state(azure: LocalAzure) -> dict[str, Any]:
    """Everything that the control port shows of local Azure."""
    return {path: control(azure.ready, "GET", path).json() for path in ("/faults", "/settings", "/requests", "/connections", "/messages")}


def targets(url: str) -> list[str]:
    """An address under each of this machine's names."""
    return [url, url.replace("127.0.0.1", "localhost")]


def test_a_page_of_another_origin(process: LocalAzure) -> None:
    """It tries every port of local Azure in every way that pages have: nothing is read, nothing is changed, nothing is even logged.

    The same page changes the same operations where they are not guarded, in the ways that need no permission.
    """
    hub = process.hub()
    control(process.ready, "POST", "/faults", {"spec": "503:path=/never"})
    before = state(process)
    with unguarded() as bait, plugin() as grpc, page_server(PAGE) as served:
        ports = [
            process.ready["control"],
            process.ready["arm"],
            process.ready["proxy"],
            process.ready["mqtt"].replace("mqtts", "https"),
            grpc,
        ]
        url = served.url(target=[bait.url, *(each for port in ports for each in targets(port))])
        # A user who has told the browser to trust local Azure's CA is the worse case.
        with open_in_chromium(url, "--ignore-certificate-errors") as browser:
            found = browser.report(served)
    after = state(process)
    log, connections = after.pop("/requests"), after.pop("/connections")

    tried = [one for one in found if not one["name"].startswith(bait.url)]
    assert len(tried) > 50 * 2 * len(ports)
    assert [one for one in tried if one.get("text") or one.get("type") in {"basic", "cors"} or one.get("error") == "no end"] == []
    assert log == before.pop("/requests")
    assert {one["accepted"] for one in connections} <= {False}, "HTTP on the MQTT port is no device"
    before.pop("/connections")
    assert after == before
    process.ask("GET", hub.id)
    assert {("POST", "/reset", 200), ("POST", "/principals", 200), ("POST", "/faults", 200), ("GET", "/requests", 200)} <= {*bait.answered}
    control(process.ready, "POST", "/reset")


def test_a_page_whose_name_is_made_to_lead_here(process: LocalAzure) -> None:
    """DNS rebinding: the page is of the same origin, so that browsers let it read the answers. Each is 421, without any fact.

    Where the same operations are not guarded, the page reads a new Owner's secret.
    """
    hub = process.hub()
    control(process.ready, "POST", "/faults", {"spec": "503:path=/never"})
    before = state(process)
    found = {}
    with unguarded() as bait:
        for which, url in (("guarded", process.ready["control"]), ("bait", bait.url)):
            with page_server(PAGE) as served, open_in_chromium(served.url(_NAME, rebinding="1"), _LEADS_HERE) as browser:
                assert served.served.wait(PATIENCE), browser.words()
                served.leads_to = url
                found[which] = browser.report(served)

    answered = [one for one in found["guarded"] if one.get("type") == "basic"]
    assert len(answered) > 20, "the page is of the same origin and reads what it is answered"
    assert {one["status"] for one in answered} == {421}
    facts = (process.ready["subscription_id"], process.ready["client_secret"], process.ready["control_token"], hub.id, "/never", "strict")
    assert [one for one in found["guarded"] for fact in facts if fact in one.get("text", "")] == []
    assert state(process) == before
    secrets = [one for one in found["bait"] if "client_secret" in one.get("text", "")]
    assert {one["status"] for one in secrets} == {200}
    control(process.ready, "POST", "/reset")
