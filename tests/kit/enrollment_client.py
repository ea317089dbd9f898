"""A provisioning service with enrollments: what hubtrust wrote there, changes made by others, and the log of calls."""

import base64
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives import serialization

from hubtrust.enrollments.fleet_roster import EnrollmentRoster
from tests.kit.device_certificates import Party
from tests.kit.hub_client import signature
from tests.kit.local_azure import Hub, LocalAzure

DATA_CONTRIBUTOR = "dfce44e4-17b7-4bd1-a6d1-04996ec95633"  # Device Provisioning Service Data Contributor
_VERSION = "2021-10-01"


def client_certificate(name: str, **options: Any) -> str:
    """A new certificate of a device, base64 of its DER."""
    certificate = Party(name, authority=False, **options).certificate
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()


@dataclass
class EnrollmentClient:
    """One provisioning service, by the key of its first policy."""

    azure: LocalAzure
    service: Hub
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        """Open a client through the proxy."""
        ready = self.azure.ready
        trust = ssl.create_default_context(cafile=ready["ca_file"])
        keys = self.azure.ask("POST", f"{self.service.id}/listkeys").json()["value"]
        signed = signature(self.host, keys[0]["keyName"], keys[0]["primaryKey"], seconds=3600)
        headers = {"Authorization": signed}
        self.http = httpx.Client(
            base_url=f"https://{self.host}", proxy=ready["proxy"], verify=trust, trust_env=False, timeout=60, headers=headers
        )

    @property
    def host(self) -> str:
        """The host name of its service API."""
        return f"{self.service.id.rpartition('/')[2]}.azure-devices-provisioning.net"

    def grant(self) -> None:
        """Give the sandbox's deployer the data role on this service."""
        self.azure.grant(DATA_CONTRIBUTOR, self.service.id)

    def clear(self, *faults: str, **settings: Any) -> None:
        """Clear the log, and set these faults (on this service only) and settings."""
        self.azure.control("DELETE", "/faults")
        self.azure.control("PATCH", "/settings", settings)
        for fault in faults:
            self.azure.control("POST", "/faults", {"spec": f"{fault}:host={self.host}"})
        self.azure.control("DELETE", "/requests")

    def calls(self) -> list[str]:
        """The calls that the product made to this service, such as `POST /enrollments`."""
        found = self.azure.control("GET", "/requests")
        return [f"{call['method']} {call['path']}" for call in found if call["host"] == self.host]

    @property
    def writes(self) -> int:
        """How many bulk calls there were."""
        return self.calls().count("POST /enrollments")

    def ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        """A call that must succeed."""
        return self.http.request(method, path, params={"api-version": _VERSION}, **content).raise_for_status()

    def every(self) -> dict[str, dict[str, Any]]:
        """Every individual enrollment, by its registration id."""
        rows: list[dict[str, Any]] = []
        headers = {"x-ms-max-item-count": "1000"}
        while True:
            answer = self.ask("POST", "/enrollments/query", json={"query": "SELECT *"}, headers=headers)
            rows += answer.json()
            if not (continuation := answer.headers.get("x-ms-continuation")):
                return {row["registrationId"]: row for row in rows}
            headers = {**headers, "x-ms-continuation": continuation}

    def get(self, id_: str) -> dict[str, Any]:
        """One enrollment."""
        found: dict[str, Any] = self.ask("GET", f"/enrollments/{quote(id_)}").json()
        return found

    def put(self, id_: str, certificate: str, **members: Any) -> dict[str, Any]:
        """Create an enrollment, or replace it."""
        x509 = {"clientCertificates": {"primary": {"certificate": certificate}}}
        body = {"registrationId": id_, "attestation": {"type": "x509", "x509": x509}, **members}
        headers = {"If-Match": "*"} if id_ in self.every() else {}
        found: dict[str, Any] = self.ask("PUT", f"/enrollments/{quote(id_)}", json=body, headers=headers).json()
        return found

    def change(self, id_: str, **members: Any) -> None:
        """Change members of an enrollment by hand, as `az iot dps enrollment update` does."""
        body = {**self.get(id_), **members}
        self.ask("PUT", f"/enrollments/{quote(id_)}", json=body, headers={"If-Match": "*"})

    def delete(self, *ids: str) -> None:
        """Delete enrollments by hand."""
        for one in ids:
            self.ask("DELETE", f"/enrollments/{quote(one)}")

    def fleet(self, roster: EnrollmentRoster, **more: Any) -> dict[str, Any]:
        """The inputs of an EnrollmentFleet on this service."""
        return {"serviceId": self.service.id, "hostName": self.host, "fleetName": "presses", "members": roster.pack(), **more}
