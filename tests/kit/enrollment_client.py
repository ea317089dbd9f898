"""A provisioning service with individual enrollments: what an EnrollmentFleet wrote there, and changes made by others."""

import base64
from typing import Any
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives import serialization

from hubtrust.enrollments.fleet_roster import EnrollmentRoster
from tests.kit.device_certificates import Party
from tests.kit.provisioning_client import VERSION, ProvisioningClient


def client_certificate(name: str, **options: Any) -> str:
    """A new certificate of a device, base64 of its DER."""
    certificate = Party(name, authority=False, **options).certificate
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()


class EnrollmentClient(ProvisioningClient):
    """The individual enrollments of one provisioning service, as a fleet has them. Every call must succeed."""

    def ask(self, method: str, path: str, *, version: str = VERSION, **content: Any) -> httpx.Response:
        """Make a call that must succeed."""
        return super().ask(method, path, version=version, **content).raise_for_status()

    @property
    def writes(self) -> int:
        """How many bulk calls there were."""
        return self.calls().count("POST /enrollments")

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
