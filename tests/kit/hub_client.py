"""A hub's data plane as a client sees it: by its host name, through the proxy, with a shared access signature or an Entra token."""

import base64
import hashlib
import hmac
import ssl
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from tests.kit.local_azure import Hub, LocalAzure

VERSION = "2021-04-12"


def signature(host: str, policy: str, key: str, *, seconds: int = 300, now: float | None = None) -> str:
    """A shared access signature for a whole hub, or the part of it that is named behind its host; without a policy by a device's key."""
    resource, expiry = quote(host, safe=""), str(int(time.time() if now is None else now) + seconds)
    digest = hmac.new(base64.b64decode(key), f"{resource}\n{expiry}".encode(), hashlib.sha256).digest()
    name = f"&skn={policy}" if policy else ""
    return f"SharedAccessSignature sr={resource}&sig={quote(base64.b64encode(digest), safe='')}&se={expiry}{name}"


def data_token(azure: LocalAzure) -> str:
    """The deployer's Entra token for hubs, as it is sent: for hubs that take no shared access signatures."""
    form = {name: azure.ready[name] for name in ("client_id", "client_secret")} | {"scope": "https://iothubs.azure.net/.default"}
    login = f"{azure.ready['arm']}/{azure.ready['tenant_id']}/oauth2/v2.0/token"
    answer = azure.http.post(login, data={**form, "grant_type": "client_credentials"}).raise_for_status().json()
    return f"Bearer {answer['access_token']}"


@dataclass
class HubClient:
    """One hub's data plane."""

    azure: LocalAzure
    hub: Hub
    authorization: str = ""
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        """Open a client through the proxy."""
        trust = ssl.create_default_context(cafile=self.azure.ready["ca_file"])
        self.http = httpx.Client(
            base_url=f"https://{self.host}", proxy=self.azure.ready["proxy"], verify=trust, trust_env=False, timeout=60
        )
        self.authorization = self.authorization or signature(self.host, "iothubowner", self.key("iothubowner"))

    @property
    def host(self) -> str:
        """The hub's host name."""
        return f"{self.hub.id.rpartition('/')[2]}.azure-devices.net"

    def key(self, policy: str) -> str:
        """The primary key of a policy."""
        policies = self.azure.ask("POST", f"{self.hub.id}/listkeys").json()["value"]
        return str(next(each["primaryKey"] for each in policies if each["keyName"] == policy))

    def connection_string(self, policy: str = "iothubowner") -> str:
        """What a back end's client is given."""
        return f"HostName={self.host};SharedAccessKeyName={policy};SharedAccessKey={self.key(policy)}"

    def ask(
        self, method: str, path: str, *, version: str = VERSION, headers: dict[str, str] | None = None, **content: Any
    ) -> httpx.Response:
        """Make a call; `path` has no api-version."""
        sign = "&" if "?" in path else "?"
        sent = {"Authorization": self.authorization} | (headers or {})
        return self.http.request(method, f"{path}{sign}api-version={version}", headers=sent, **content)

    def put(self, device: str, **members: Any) -> dict[str, Any]:
        """Create a device, by default with authentication by CA."""
        body = {"deviceId": device, "authentication": {"type": "certificateAuthority"}} | members
        created: dict[str, Any] = self.ask("PUT", f"/devices/{quote(device, safe='')}", json=body).raise_for_status().json()
        return created

    def bulk(self, *items: dict[str, Any]) -> httpx.Response:
        """One bulk call."""
        return self.ask("POST", "/devices", json=list(items))

    def query(self, text: str, size: int | None = None) -> list[list[dict[str, Any]]]:
        """The pages of a query's result."""
        pages, token = [], None
        while True:
            headers = ({"x-ms-max-item-count": str(size)} if size else {}) | ({"x-ms-continuation": token} if token else {})
            answer = self.ask("POST", "/devices/query", json={"query": text}, headers=headers).raise_for_status()
            pages.append(answer.json())
            token = answer.headers.get("x-ms-continuation")
            if not token:
                return pages

    def configure(self, **values: Any) -> None:
        """Set settings of local Azure."""
        self.azure.control("PATCH", "/settings", values)
