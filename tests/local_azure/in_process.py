"""Local Azure without sockets: the application that the listeners serve, in memory, on a clock that the test sets."""

import asyncio
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from OpenSSL import crypto

from local_azure_iot import control, faults
from local_azure_iot.clock import Clock
from local_azure_iot.https_application import HttpsApplication
from local_azure_iot.local_azure import Azure
from local_azure_iot.login import principals
from local_azure_iot.login.tokens import TokenIssuer
from local_azure_iot.settings import Settings
from local_azure_iot.store import Store
from local_azure_iot.tls_transport import Peer

ARM = "management.azure.com"
HUB = "2023-06-30"
PROVISIONING = "2023-03-01-preview"
GROUPS = "2021-04-01"
ROLES = "2022-04-01"
DROPPED = 0  # the status of a connection that ended without an answer


@dataclass
class Answer:
    """The response."""

    status: int = DROPPED
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    closed: bool = False  # the connection ended before the answer was complete

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def code(self) -> Any:
        """The error's code, in whichever of Azure's envelopes it came; it must be in one of them."""
        body = self.json()
        if "error" in body and isinstance(body["error"], dict):
            assert set(body["error"]) <= {"code", "message", "details"}, body
            return body["error"]["code"]
        if "error" in body:
            assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: "), body
            return body["error_codes"][0]
        if "errorCode" in body:
            assert set(body) == {"errorCode", "trackingId", "message", "timestampUtc"}, body
            return body["errorCode"]
        assert set(body) == {"code", "httpStatusCode", "message"}, body
        assert body["message"].endswith(f"errorcode: IH{body['code']}."), body
        return body["code"]


@dataclass
class InProcess:
    """One local Azure. `ask` sends it a request, with the deployer's token unless another one is given."""

    application: HttpsApplication
    loop: asyncio.AbstractEventLoop
    subscription: str
    token: str = ""

    @property
    def azure(self) -> Azure:
        """The state behind the application: store, clock, settings, log."""
        return self.application.azure

    def log_in(self) -> None:
        """Get a new token for the deployer."""
        directory = principals.directory(self.azure.store)
        deployer = principals.find(self.azure.store, directory.client_id)
        assert deployer
        self.token = self.azure.tokens.issue(deployer, f"https://{ARM}")

    def ask(self, method: str, path: str, body: Any = None, *, host: str = ARM, token: str | None = None, **headers: str) -> Answer:
        """One request; `body` is bytes, or a value that is written as JSON. `if_match` becomes If-Match, and so on."""
        return self.loop.run_until_complete(self.send(method, path, body, host=host, token=token, **headers))

    async def send(self, method: str, path: str, body: Any = None, *, host: str = ARM, token: str | None = None, **headers: str) -> Answer:
        """One request beside others."""
        return await self.send_as((), method, path, body, host=host, token=token, headers=headers)

    async def send_as(
        self,
        chain: Sequence[x509.Certificate],
        method: str,
        path: str,
        body: Any = None,
        *,
        host: str = ARM,
        token: str | None = None,
        headers: Mapping[str, str],
    ) -> Answer:
        """One request of a client that sends certificates in TLS, its own first."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if content:
            sent.setdefault("content-type", "application/json")
        bearer = self.token if token is None else token
        if bearer:
            sent.setdefault("authorization", f"Bearer {bearer}")
        answer = Answer()
        peer = Peer(host, [crypto.X509.from_cryptography(each) for each in chain])
        await self.application(_scope(method, path, sent, answer, peer), _receive(content), _send(answer))
        return answer

    def must(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A request that has to succeed; returns its JSON."""
        answer = self.ask(method, path, body, **headers)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body.decode()}"
        return answer.json() if answer.body else None

    def group(self, name: str = "") -> str:
        """Create a resource group; returns its path."""
        path = f"/subscriptions/{self.subscription}/resourceGroups/{name or f'group-{uuid.uuid4().hex[:8]}'}"
        self.must("PUT", f"{path}?api-version={GROUPS}", {"location": "westus"})
        return path

    def hub(self, group: str = "", *, kind: str = "IotHubs", name: str = "") -> str:
        """Create a hub or provisioning service and wait until it is active; returns its path."""
        path = f"{group or self.group()}/providers/Microsoft.Devices/{kind}/{name or f'trial-{uuid.uuid4().hex[:8]}'}"
        self.must("PUT", f"{path}?api-version={version(path)}", {"location": "westus", "sku": {"name": "S1", "capacity": 1}})
        return path

    def reset(self) -> None:
        """Reset it, as the control port does."""
        with self.azure.store.transaction():
            self.azure.store.clear(keep=control.KEPT_ON_RESET)
            control.grant_deployer(self.azure)
        self.azure.events.clear()
        self.azure.registrations.clear()
        self.azure.registration_throttle.clear()
        self.application.entries.clear()
        self.application.faults.rules.clear()
        self.azure.clock.follow_machine()
        self.azure.settings = Settings()


def version(path: str) -> str:
    """The api-version for a path's resource type."""
    return HUB if "/IotHubs/" in path else PROVISIONING if "/provisioningServices/" in path else GROUPS


def serving(store: Store, loop: asyncio.AbstractEventLoop) -> InProcess:
    """A local Azure with this store, logged in as the deployer."""
    clock = Clock()
    with store.transaction():
        directory = principals.directory(store)
        tokens = TokenIssuer(store, clock, directory.tenant_id)
        azure = Azure(store=store, clock=clock, tokens=tokens, subscription_id=directory.subscription_id)
        application = HttpsApplication(azure, faults.Faults())
        control.grant_deployer(azure)
    created = InProcess(application, loop, directory.subscription_id)
    created.log_in()
    return created


@contextmanager
def in_process() -> Iterator[InProcess]:
    """A local Azure for a `with` block."""
    store, loop = Store(None), asyncio.new_event_loop()
    created = serving(store, loop)
    try:
        yield created
    finally:
        loop.close()
        store.close()


def _scope(method: str, path: str, headers: dict[str, str], answer: Answer, peer: Peer) -> dict[str, Any]:
    bare, _, query = path.partition("?")

    def drop() -> None:
        answer.status = DROPPED

    def close() -> None:
        answer.closed = True

    return {
        "type": "http",
        "method": method,
        "path": bare,
        "raw_path": bare.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        "extensions": {"sandbox.drop": drop, "sandbox.close": close, "sandbox.peer": peer},
    }


def _receive(content: bytes) -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    return receive


def _send(answer: Answer) -> Any:
    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        else:
            answer.body += message["body"]

    return send
