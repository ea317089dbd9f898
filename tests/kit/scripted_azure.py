"""An HTTP server that gives scripted answers in order and keeps the requests: for what Azure does rarely."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import tenacity.nap

from hubtrust.azure import absence, reachability
from hubtrust.azure.certificates import Certificates
from hubtrust.azure.client import AzureClient
from hubtrust.azure.clouds import PUBLIC
from hubtrust.azure.errors import AzureError
from hubtrust.azure.login import Login
from hubtrust.azure.retry import RetryLimits
from hubtrust.azure.service import service

HUB = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"
DPS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/dps-7"
Reply = tuple[int, dict[str, str], Any]  # status, headers, body (dict: JSON, bytes: as they are); status 0: drop the connection


@dataclass
class Request:
    """One received request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body) if self.body else None


@dataclass
class Script:
    """The remaining answers, the received requests, and a clock that advances only when the client waits."""

    replies: list[Reply]
    requests: list[Request] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    clients: ExitStack = field(default_factory=ExitStack)
    logins: int = 0
    url: str = ""

    def retry_limits(self, **limits: float) -> RetryLimits:
        """Limits with the script's clock: waiting takes no time and is recorded."""
        return RetryLimits(**limits, clock=lambda: sum(self.waits))

    def client(self, remedies: Mapping[type[AzureError], str] | None = None, **limits: float) -> AzureClient:
        """A client of this server, closed when the script ends."""
        script = self

        class Counting(Login):
            def __init__(self) -> None:
                super().__init__(PUBLIC, {})

            def token(self, scope: str, *, within_seconds: float = 0) -> str:  # noqa: ARG002 - as Login has it
                return f"token-{script.logins}-for-{scope}"

            def renew(self) -> None:
                script.logins += 1

        given = (self.url, "scope", Counting(), self.retry_limits(**limits), self.messages.append)
        return self.clients.enter_context(AzureClient(*given, remedies=remedies))

    def certificates(self, owner: str = HUB, api_version: str | None = None, **limits: float) -> Certificates:
        """The certificate operations on ``owner``, behind this server."""
        return Certificates(self.client(**limits), service(owner), api_version=api_version)


@contextmanager
def scripted(*replies: Reply) -> Iterator[Script]:
    """A server on a free port that gives ``replies`` in order; further requests get 599."""
    script = Script(list(replies))
    reachability.forget()  # another script may have had this port
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script))
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    slept = SimpleNamespace(sleep=script.waits.append)
    real_time, tenacity.nap.time = tenacity.nap.time, slept  # type: ignore[attr-defined, assignment] # where stamina sleeps
    absence.time = slept  # type: ignore[assignment]
    absence._gone.clear()
    try:
        yield script
    finally:
        tenacity.nap.time = absence.time = real_time  # type: ignore[attr-defined, assignment]
        script.clients.close()
        server.shutdown()
        server.server_close()
        thread.join()


def shown(name: str = "plant-a", *, owner: str = HUB, verified: bool = False, etag: str = "e1", code: str | None = None) -> dict[str, Any]:
    """A certificate as Azure shows it."""
    properties = {"subject": "Plant A", "thumbprint": "AB" * 20, "isVerified": verified, "certificate": "…"}
    return {
        "properties": properties | ({"verificationCode": code} if code else {}),
        "id": f"{owner}/certificates/{name}",
        "name": name,
        "etag": etag,
    }


def _handler(script: Script) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # headers and body are two writes, and the second would wait 40 ms

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            script.requests.append(Request(self.command, self.path, dict(self.headers), body))
            status, headers, content = script.replies.pop(0) if script.replies else (599, {}, {})
            if status == 0:
                self.close_connection = True
                return
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response_only(status)
            for header, value in ({"Content-Type": "application/json"} | headers | {"Content-Length": str(len(data))}).items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler
