"""A hub of local Azure that a test has for itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
import urllib.parse
from typing import TYPE_CHECKING, Any

from local_azure_iot.host_names import PUBLIC
from local_azure_iot.testing.azure_client import AzureRefusedError
from local_azure_iot.testing.device import Device

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local_azure_iot.testing.azure_client import AzureClient
    from local_azure_iot.testing.device_ca import DeviceCa

_HUBS, _REGISTRY = "2023-06-30", "2021-04-12"
_PATIENCE_SECONDS = 60
_TOKEN_SECONDS = 3600
_NOT_FOUND = 404


class Hub:
    """An IoT hub that exists and is active."""

    def __init__(self, azure: AzureClient, name: str) -> None:
        self.azure = azure
        self.name = name
        self.id = f"{azure.group}/providers/Microsoft.Devices/IotHubs/{name}"
        self.host_name = f"{name}.{PUBLIC.hub_suffix}"
        self._key = ""

    @classmethod
    def create(cls, azure: AzureClient, name: str | None = None) -> Hub:
        """Create an S1 hub and wait until it is active; without ``name`` it has a random one.

        Raises:
            AzureRefusedError: Local Azure refuses it.
            TimeoutError: It is not active in time.
        """
        hub = cls(azure, name or f"test-{secrets.token_hex(6)}")
        azure.create_group()
        body = {"location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "properties": {}}
        azure.ask("PUT", hub.id, body, version=_HUBS)
        hub._wait_until_active()
        return hub

    def _wait_until_active(self) -> None:
        end = time.monotonic() + _PATIENCE_SECONDS
        while (state := self.azure.ask("GET", self.id, version=_HUBS)["properties"]["state"]) != "Active":
            if time.monotonic() > end:
                raise TimeoutError(
                    f"hub '{self.name}' is still '{state}' after {_PATIENCE_SECONDS} s; local Azure's --operation-seconds says so"
                )
            time.sleep(0.02)

    def delete(self) -> None:
        """Delete the hub with its devices and certificates."""
        self.azure.ask("DELETE", self.id, version=_HUBS)

    @property
    def connection_string(self) -> str:
        """A connection string with all rights (`iothubowner`): for service SDKs."""
        return f"HostName={self.host_name};SharedAccessKeyName=iothubowner;SharedAccessKey={self._owner_key()}"

    def _owner_key(self) -> str:
        if not self._key:
            keys = self.azure.ask("POST", f"{self.id}/IotHubKeys/iothubowner/listkeys", version=_HUBS)
            self._key = str(keys["primaryKey"])
        return self._key

    def trust(self, ca: DeviceCa) -> None:
        """Register the CA, and prove possession of its key as Azure wants it: a certificate with Azure's code as its name.

        Source: learn.microsoft.com/azure/iot-hub/reference-x509-certificates, "Prove possession".

        Raises:
            AzureRefusedError: Azure refuses the CA or the proof.
        """
        path = f"{self.id}/certificates/{ca.certificate_name}"
        uploaded = {"properties": {"certificate": base64.b64encode(ca.certificate_pem.encode()).decode()}}
        self.azure.ask("PUT", path, uploaded, version=_HUBS)
        etag = self.azure.ask("GET", path, version=_HUBS)["etag"]
        asked = self.azure.ask("POST", f"{path}/generateVerificationCode", version=_HUBS, headers={"If-Match": etag})
        proof = ca.proof(asked["properties"]["verificationCode"])
        body = {"certificate": base64.b64encode(proof.encode()).decode()}
        self.azure.ask("POST", f"{path}/verify", body, version=_HUBS, headers={"If-Match": asked["etag"]})

    def distrust(self, ca: DeviceCa) -> None:
        """Remove the CA from the hub."""
        path = f"{self.id}/certificates/{ca.certificate_name}"
        etag = self.azure.ask("GET", path, version=_HUBS)["etag"]
        self.azure.ask("DELETE", path, version=_HUBS, headers={"If-Match": etag})

    def device(self, device_id: str, ca: DeviceCa, folder: Path | None = None) -> Device:
        """Register a device that connects by a certificate of a CA, and issue the certificate.

        Its files are in ``folder`` (default: the CA's). The hub need not trust the CA.

        Raises:
            AzureRefusedError: The id is invalid or taken.
        """
        self.registry("PUT", f"/devices/{urllib.parse.quote(device_id, safe='')}", {
            "deviceId": device_id, "status": "enabled", "authentication": {"type": "certificateAuthority"},
        })  # fmt: skip
        certificate_file, key_file = ca.issue(device_id, folder)
        return Device(self, device_id, certificate_file, key_file)

    def registry(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Call the hub's own service API, such as `GET /twins/press-001`, and return its JSON.

        Raises:
            AzureRefusedError: The hub refuses it.
        """
        signed = {"Authorization": self._signature(), **(headers or {})}
        return self.azure.ask(method, path, body, version=_REGISTRY, headers=signed, host=self.host_name)

    def _signature(self) -> str:
        """A shared access signature (learn.microsoft.com/azure/iot-hub/iot-hub-dev-guide-sas, "SAS token structure")."""
        resource, expiry = urllib.parse.quote(self.host_name, safe=""), int(self.azure.now().timestamp()) + _TOKEN_SECONDS
        digest = hmac.new(base64.b64decode(self._owner_key()), f"{resource}\n{expiry}".encode(), hashlib.sha256).digest()
        signature = urllib.parse.quote(base64.b64encode(digest), safe="")
        return f"SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn=iothubowner"

    def exists(self, device_id: str) -> bool:
        """Whether the hub has this device."""
        try:
            self.registry("GET", f"/devices/{urllib.parse.quote(device_id, safe='')}")
        except AzureRefusedError as error:
            if error.status == _NOT_FOUND:
                return False
            raise
        return True

    def messages(self, device_id: str = "") -> list[dict[str, Any]]:
        """The messages that devices, or this device, sent to this hub, oldest first: `body` (bytes), `properties`, `system`, `module`."""
        found = self._log("/messages", device_id, "payload=1")
        return [{**each, "body": base64.b64decode(each.pop("payload"))} for each in found]

    def send(self, device_id: str, body: bytes, *, properties: Mapping[str, str] | None = None, ack: str = "none") -> str:
        """Send a device a cloud-to-device message; returns its id. ``ack``: which feedback is wanted (none, positive, negative, full).

        Raises:
            AzureRefusedError: There is no such device, or its queue is full.
        """
        message = {"host": self.host_name, "device": device_id, "payload": base64.b64encode(body).decode(), "ack": ack}
        return str(self.azure.control("POST", "/messages", {**message, "properties": dict(properties or {})})["messageId"])

    def call(self, device_id: str, method: str, payload: Any = None, *, module: str = "", seconds: int = 30) -> tuple[int, Any]:
        """Call a direct method of a device that is connected; returns the status and the payload that it answers.

        Raises:
            AzureRefusedError: It is not connected, takes no calls, or does not answer within ``seconds`` (5 to 50).
        """
        path = f"/twins/{urllib.parse.quote(device_id, safe='')}" + (f"/modules/{urllib.parse.quote(module, safe='')}" if module else "")
        body = {"methodName": method, "payload": payload, "responseTimeoutInSeconds": seconds}
        answer = self.registry("POST", f"{path}/methods", body)
        return answer["status"], answer["payload"]

    def connections(self, device_id: str = "") -> list[dict[str, Any]]:
        """The attempts to connect to this hub, oldest first: `accepted`, and the `reason` of a refusal."""
        return self._log("/connections", device_id)

    def why(self, device_id: str) -> dict[str, Any]:
        """Why this device was refused: `answer` in one line, `links` one by one, `broken` the one to mend, `now` whether it is mended."""
        query = urllib.parse.urlencode({"device": device_id, "hub": self.host_name})
        return dict(self.azure.control("GET", f"/why?{query}"))

    def _log(self, path: str, device_id: str, query: str = "") -> list[dict[str, Any]]:
        if device_id:
            query += f"&device={urllib.parse.quote(device_id, safe='')}"
        return [each for each in self.azure.control("GET", f"{path}?{query}") if each["host"] == self.host_name]
