"""A provisioning service with enrollments: what hubtrust wrote there, and changes made by others."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.provisioning_client import ProvisioningClient

GROUPS, INDIVIDUALS = "enrollmentGroups", "enrollments"


@dataclass
class Enrollments:
    """One service through a client of the tests' own, and the log of calls."""

    azure: LocalAzure
    client: ProvisioningClient
    hubs: list[HubClient] = field(default_factory=list)

    @property
    def service(self) -> Hub:
        """The service at Resource Manager."""
        return self.client.service

    def grant(self) -> None:
        """See ``ProvisioningClient``."""
        self.client.grant()

    def clear(self, *faults: str) -> None:
        """See ``ProvisioningClient``."""
        self.client.clear(*faults)

    def calls(self, *, writes: bool = False) -> list[str]:
        """See ``ProvisioningClient``."""
        return self.client.calls(writes=writes)

    def prove(self, name: str, authority: Party, *, verified: bool = True) -> None:
        """Upload a CA, verified or not."""
        self.service.put(name, authority.pem, isVerified=verified)

    def link(self, *hubs: Hub) -> list[str]:
        """Link these hubs; returns their host names."""
        self.hubs = [HubClient(self.azure, hub) for hub in hubs]
        self.client.link(*self.hubs)
        return [hub.host for hub in self.hubs]

    def read(self, id_: str, path: str = GROUPS) -> dict[str, Any]:
        """An enrollment as the service shows it; {} if there is none."""
        answer = self.client.ask("GET", f"/{path}/{quote(id_, safe='')}")
        return {} if answer.status_code == 404 else dict(answer.raise_for_status().json())

    def change(self, id_: str, path: str = GROUPS, *, version: str = "2021-10-01", **members: Any) -> dict[str, Any]:
        """Change members of an enrollment by hand; None removes one."""
        found = self.read(id_, path) | members
        sent = {name: value for name, value in found.items() if value is not None}
        where = f"/{path}/{quote(id_, safe='')}"
        answer = self.client.ask("PUT", where, json=sent, headers={"If-Match": "*"}, version=version)
        return dict(answer.raise_for_status().json())

    def delete(self, id_: str, path: str = GROUPS) -> None:
        """Delete an enrollment by hand."""
        self.client.ask("DELETE", f"/{path}/{quote(id_, safe='')}").raise_for_status()

    def put_by_reference(self, id_: str, *names: str, **members: Any) -> dict[str, Any]:
        """Create a group by references to CAs of the service, by hand."""
        x509 = {"caReferences": dict(zip(("primary", "secondary"), names, strict=False))}
        body = {"enrollmentGroupId": id_, "attestation": {"type": "x509", "x509": x509}, **members}
        return dict(self.client.ask("PUT", f"/{GROUPS}/{id_}", json=body).raise_for_status().json())

    def group(self, **own: Any) -> dict[str, Any]:
        """The inputs of an EnrollmentGroupEntry on this service."""
        given = {"serviceId": self.service.id, "groupId": "presses", "caReferences": ["root"], "deadline": 30.0, **own}
        return {name: value for name, value in given.items() if value is not None}

    def individual(self, party: Party, **own: Any) -> dict[str, Any]:
        """The inputs of an IndividualEnrollmentEntry on this service."""
        given = {"serviceId": self.service.id, "registrationId": party.name, "certificates": [party.pem], "deadline": 30.0, **own}
        return {name: value for name, value in given.items() if value is not None}
