"""Local Azure as a process, and a client of the tests' own that inspects and changes it."""

import base64
import itertools
import json
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jwt

from local_azure_iot.start_command import FREE_PORTS
from tests.kit.control_port import control
from tests.kit.repository import ROOT
from tests.kit.warm_start import started_warm

API = {"IotHubs": "2023-06-30", "provisioningServices": "2022-12-12", "vaults": "2024-11-01"}
PATIENCE = 120  # seconds: only a busy machine needs more than a few
_COMMAND = [sys.executable, "-m", "sandbox", "cloud", *FREE_PORTS]


@dataclass
class Hub:
    """A hub or provisioning service of one test."""

    azure: "LocalAzure"
    id: str

    def certificates(self) -> dict[str, dict[str, Any]]:
        """The certificates there, by name."""
        answer = self.azure.ask("GET", f"{self.id}/certificates").json()
        return {one["name"]: one for one in answer["value"]}

    def verified(self) -> dict[str, bool]:
        """Each name, and whether it is verified."""
        return {name: one["properties"]["isVerified"] for name, one in self.certificates().items()}

    def put(self, name: str, pem: str, **properties: Any) -> dict[str, Any]:
        """Register or replace a certificate by hand; a replacement is not verified."""
        found = self.certificates().get(name)
        body = {"properties": {"certificate": base64.b64encode(pem.encode()).decode(), **properties}}
        headers = {"If-Match": found["etag"]} if found else {}
        created: dict[str, Any] = self.azure.ask("PUT", f"{self.id}/certificates/{name}", json=body, headers=headers).json()
        return created

    def delete(self, name: str) -> None:
        """Delete a certificate by hand."""
        self.azure.ask("DELETE", f"{self.id}/certificates/{name}", headers={"If-Match": self.certificates()[name]["etag"]})

    def generate(self, name: str) -> None:
        """Request a verification code by hand; the previous one becomes invalid."""
        found = self.certificates()[name]
        self.azure.ask("POST", f"{self.id}/certificates/{name}/generateVerificationCode", headers={"If-Match": found["etag"]})

    def set_properties(self, **properties: Any) -> None:
        """Give the hub these properties and no others, by hand, and wait until it is active."""
        self.azure.ask("PUT", self.id, json={"location": "westus", "sku": {"name": "S1", "capacity": 1}, "properties": properties})
        self.azure.until(lambda: self.azure.ask("GET", self.id).json()["properties"]["state"] == "Active")

    def delete_hub(self) -> None:
        """Delete the hub itself."""
        self.azure.ask("DELETE", self.id)
        self.azure.until(lambda: self.azure.http.get(self.azure.url(self.id), headers=self.azure.token).status_code == 404)


@dataclass
class LocalAzure:
    """The ready file's facts, and a client with a token."""

    ready: dict[str, Any]
    http: httpx.Client
    token: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def log_in(self) -> None:
        """Client credentials, without code of hubtrust: it must not check itself."""
        metadata = self.http.get("/metadata/endpoints", params={"api-version": "2022-09-01"}).json()
        login, audience = metadata["authentication"]["loginEndpoint"].rstrip("/"), metadata["authentication"]["audiences"][0].rstrip("/")
        form = {"grant_type": "client_credentials", "client_id": self.ready["client_id"], "client_secret": self.ready["client_secret"]}
        answer = self.http.post(f"{login}/{self.ready['tenant_id']}/oauth2/v2.0/token", data=form | {"scope": f"{audience}/.default"})
        self.token = {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}

    def url(self, path: str) -> str:
        """The path with the api-version for its kind of resource."""
        version = next((version for kind, version in API.items() if f"/{kind}/" in f"{path}/"), "2021-04-01")
        return f"{path}?api-version={version}"

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **content: Any) -> httpx.Response:
        """Make a call that must succeed."""
        answer = self.http.request(method, self.url(path), headers=self.token | (headers or {}), **content)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """A call to the control port that must succeed; returns its JSON."""
        answer = control(self.ready, method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def grant(self, role: str, scope: str = "") -> None:
        """Give the deployer a role, by the GUID of its definition, at a scope (default: the subscription); it takes effect at once."""
        subscription = f"/subscriptions/{self.ready['subscription_id']}"
        deployer = jwt.decode(self.token["Authorization"].removeprefix("Bearer "), options={"verify_signature": False})["oid"]
        definition = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        properties = {"roleDefinitionId": definition, "principalId": deployer, "principalType": "ServicePrincipal"}
        path = f"{scope or subscription}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        url = f"{path}?api-version=2022-04-01"
        self.http.put(url, headers=self.token, json={"properties": properties}).raise_for_status()

    @staticmethod
    def until(condition: Any) -> None:
        """Wait for a condition; a busy machine may take long."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"local Azure did not reach the expected state within {PATIENCE} s"
            time.sleep(0.02)

    def hub(self, kind: str = "IotHubs") -> Hub:
        """Create a hub or provisioning service in a resource group of its own, and wait until it is active."""
        number = next(self.numbers)
        group = f"/subscriptions/{self.ready['subscription_id']}/resourceGroups/group-{number}"
        self.ask("PUT", group.replace("resourceGroups", "resourcegroups"), json={"location": "westus"})
        path = f"{group}/providers/Microsoft.Devices/{kind}/trial-{number}-{id(self) % 99991}"
        self.ask("PUT", path, json={"location": "westus", "sku": {"name": "S1", "capacity": 1}, "properties": {}})
        self.until(lambda: self.ask("GET", path).json()["properties"].get("state") == "Active")
        return Hub(self, path)

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs in its environment to log in here."""
        return {
            "AZURE_TENANT_ID": self.ready["tenant_id"],
            "AZURE_CLIENT_ID": self.ready["client_id"],
            "AZURE_CLIENT_SECRET": self.ready["client_secret"],
        }


@contextmanager
def local_azure(folder: Path, *flags: str) -> Iterator[LocalAzure]:
    """`python -m sandbox cloud` on free ports, in memory."""
    ready = folder / "ready.json"
    process = subprocess.Popen(
        started_warm([*_COMMAND, *flags, "--ready-file", str(ready), "--data", ":memory:"]),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + PATIENCE
        while not ready.exists():
            assert process.poll() is None, "local Azure did not start"
            assert time.monotonic() < end, f"local Azure was not ready within {PATIENCE} s"
            time.sleep(0.02)
        facts = json.loads(ready.read_text())
        trust = ssl.create_default_context(cafile=facts["ca_file"])
        with httpx.Client(base_url=facts["arm"], verify=trust, trust_env=False, timeout=PATIENCE) as client:
            azure = LocalAzure(facts, client)
            azure.log_in()
            yield azure
    finally:
        process.terminate()
        process.wait(PATIENCE)
