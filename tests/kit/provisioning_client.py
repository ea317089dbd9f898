"""A provisioning service as its operator sees it: by its host name, through the proxy, with a shared access signature."""

import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient, signature
from tests.kit.local_azure import Hub, LocalAzure

DATA_CONTRIBUTOR = "dfce44e4-17b7-4bd1-a6d1-04996ec95633"  # Device Provisioning Service Data Contributor
VERSION = "2021-10-01"
GLOBAL = "global.azure-devices-provisioning.net"
_OWNER = "provisioningserviceowner"
_LIFETIME = 3600  # seconds of the signature: a client may serve all tests of a file


@dataclass
class ProvisioningClient:
    """One provisioning service: its service API, its linked hubs, its CAs."""

    azure: LocalAzure
    service: Hub
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        """Open a client through the proxy."""
        trust = ssl.create_default_context(cafile=self.azure.ready["ca_file"])
        self.http = httpx.Client(
            base_url=f"https://{self.host}", proxy=self.azure.ready["proxy"], verify=trust, trust_env=False, timeout=60
        )
        policies = self.azure.ask("POST", f"{self.service.id}/listkeys").json()["value"]
        key = str(next(each["primaryKey"] for each in policies if each["keyName"] == _OWNER))
        self.authorization = signature(self.host, _OWNER, key, seconds=_LIFETIME)
        self.id_scope = str(self.azure.ask("GET", self.service.id).json()["properties"]["idScope"])

    @property
    def host(self) -> str:
        """The service's own host name."""
        return f"{self.service.id.rpartition('/')[2]}.azure-devices-provisioning.net"

    def grant(self) -> None:
        """Give the sandbox's deployer the data role on this service."""
        self.azure.grant(DATA_CONTRIBUTOR, self.service.id)

    def clear(self, *faults: str) -> None:
        """Clear the log, and set these faults, on this service only."""
        self.azure.control("DELETE", "/faults")
        for fault in faults:
            self.azure.control("POST", "/faults", {"spec": f"{fault}:host={self.host}"})
        self.azure.control("DELETE", "/requests")

    def calls(self, *, writes: bool = False) -> list[str]:
        """The calls that the product made at the service's endpoint: `PUT /enrollmentGroups/presses`, and so on."""
        found = self.azure.control("GET", "/requests" + ("?mutating=1" if writes else ""))
        return [f"{call['method']} {call['path']}" for call in found if call["host"] == self.host]

    def ask(self, method: str, path: str, *, version: str = VERSION, **content: Any) -> httpx.Response:
        """Make a call; `path` has no api-version."""
        headers = {"Authorization": self.authorization} | (content.pop("headers", None) or {})
        return self.http.request(method, path, params={"api-version": version}, headers=headers, **content)

    def link(self, *hubs: HubClient) -> None:
        """Link these hubs, by their keys, and no others."""
        linked = [{"connectionString": hub.connection_string(), "location": "westus"} for hub in hubs]
        body = {"location": "westus", "sku": {"name": "S1", "capacity": 1}, "properties": {"iotHubs": linked}}
        self.azure.ask("PUT", self.service.id, json=body)
        self.azure.until(lambda: self.azure.ask("GET", self.service.id).json()["properties"].get("state") == "Active")

    def put_group(self, name: str, authority: Party, **members: Any) -> dict[str, Any]:
        """Create a group whose devices have certificates below this CA, by the CA's certificate itself."""
        x509 = {"signingCertificates": {"primary": {"certificate": authority.pem}}}
        body = {"enrollmentGroupId": name, "attestation": {"type": "x509", "x509": x509}} | members
        created: dict[str, Any] = self.ask("PUT", f"/enrollmentGroups/{quote(name, safe='')}", json=body).raise_for_status().json()
        return created

    def put_enrollment(self, registration_id: str, identity: Party, **members: Any) -> dict[str, Any]:
        """Create the enrollment of one device, by its certificate."""
        x509 = {"clientCertificates": {"primary": {"certificate": identity.pem}}}
        body = {"registrationId": registration_id, "attestation": {"type": "x509", "x509": x509}} | members
        path = f"/enrollments/{quote(registration_id, safe='')}"
        created: dict[str, Any] = self.ask("PUT", path, json=body).raise_for_status().json()
        return created

    def put_enrollment_with_key(self, registration_id: str, **members: Any) -> str:
        """Create the enrollment of one device that has a symmetric key; returns the key."""
        body = {"registrationId": registration_id, "attestation": {"type": "symmetricKey", "symmetricKey": {}}} | members
        created = self.ask("PUT", f"/enrollments/{quote(registration_id, safe='')}", json=body).raise_for_status().json()
        return str(created["attestation"]["symmetricKey"]["primaryKey"])
