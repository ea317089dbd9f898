"""A provisioning service in this process, with linked hubs, enrollments, and devices that register over HTTPS."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from local_azure_iot.hub_registry import identities
from local_azure_iot.microsoft_devices import lifecycle
from tests.kit.device_certificates import Party
from tests.local_azure.in_process import ROLES, Answer, InProcess, version
from tests.local_azure.makers import uploaded
from tests.provisioning.service import Service

GLOBAL = "global.azure-devices-provisioning.net"
DEVICE_VERSION = "2019-03-31"
_PATIENCE = 20.0  # seconds


@dataclass
class Enrolling:
    """One service with its operator, its hubs and its devices. Names of hubs are short here; in the cloud they are unique."""

    service: Service
    ending: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    @property
    def azure(self) -> InProcess:
        """The local Azure that it is in."""
        return self.service.azure

    @property
    def group(self) -> str:
        """The path of its resource group."""
        return self.service.path.partition("/providers/")[0]

    @property
    def scope(self) -> str:
        """The id scope."""
        path = self.service.path
        return str(self.azure.must("GET", f"{path}?api-version={version(path)}")["properties"]["idScope"])

    def host(self, hub: str) -> str:
        """The host name of a hub."""
        return f"{hub}-{self.ending}.azure-devices.net"

    def path(self, hub: str) -> str:
        """The path of a hub at Resource Manager."""
        return f"{self.group}/providers/Microsoft.Devices/IotHubs/{hub}-{self.ending}"

    def hub(self, name: str, **body: Any) -> str:
        """Create a hub, or change it; returns its connection string, with the owner's key."""
        path = self.path(name)
        self.azure.must("PUT", f"{path}?api-version={version(path)}", {"location": "westus", "sku": {"name": "S1", "capacity": 1}} | body)
        return self.connection_string(name)

    def connection_string(self, hub: str, policy: str = "iothubowner") -> str:
        """A connection string of a hub, by one of its policies."""
        path = self.path(hub)
        key = self.azure.must("POST", f"{path}/IotHubKeys/{policy}/listkeys?api-version={version(path)}")["primaryKey"]
        return f"HostName={self.host(hub)};SharedAccessKeyName={policy};SharedAccessKey={key}"

    def link(self, *links: dict[str, Any] | str, identity: dict[str, Any] | None = None, api_version: str = "", **properties: Any) -> None:
        """Link these hubs and no others: by connection string, or as the service's JSON has it."""
        hubs = [{"connectionString": each, "location": "westus"} if isinstance(each, str) else each for each in links]
        body = {"location": "westus", "sku": {"name": "S1", "capacity": 1}, "properties": {"iotHubs": hubs, **properties}}
        path = self.service.path
        asked = f"{path}?api-version={api_version or version(path)}"
        self.azure.must("PUT", asked, body | ({"identity": identity} if identity else {}))

    def assign_role(self, principal: str, role: str, scope: str) -> None:
        """Give a principal a role, by the role's id."""
        definition = f"/subscriptions/{self.azure.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        body = {"properties": {"roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal"}}
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        self.azure.must("PUT", f"{path}?api-version={ROLES}", body)

    def trust(self, name: str, authority: Party, *, verified: bool = True) -> None:
        """Register a CA with the service."""
        path = self.service.path
        self.azure.must("PUT", f"{path}/certificates/{name}?api-version={version(path)}", uploaded(authority.pem, isVerified=verified))

    def operate(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A call of the service API that has to succeed; returns its JSON."""
        return self.service.must(method, path, body, **headers)

    def put_group(self, name: str, attestation: dict[str, Any], *, replace: bool = False, **members: Any) -> Any:
        """Create an enrollment group, or replace it."""
        body = {"enrollmentGroupId": name, "attestation": attestation, **members}
        return self.operate("PUT", f"/enrollmentGroups/{name}", body, **({"if_match": "*"} if replace else {}))

    def put_individual(self, name: str, attestation: dict[str, Any], *, replace: bool = False, **members: Any) -> Any:
        """Create an individual enrollment, or replace it."""
        body = {"registrationId": name, "attestation": attestation, **members}
        return self.operate("PUT", f"/enrollments/{name}", body, **({"if_match": "*"} if replace else {}))

    def call(self, method: str, registration_id: str, rest: str, chain: list[Party], body: Any = None, **options: Any) -> Answer:
        """A device's request; ``rest`` comes behind its id. ``host`` and ``scope`` are the usual ones, unless they are given."""
        scope, host = options.pop("scope", None) or self.scope, options.pop("host", GLOBAL)
        path = f"/{scope}/registrations/{quote(registration_id)}{rest}?api-version={options.pop('version', DEVICE_VERSION)}"
        sent = [each.certificate for each in chain]
        sending = self.azure.send_as(sent, method, path, body, host=host, token="", headers=options)
        return self.azure.loop.run_until_complete(sending)

    def register(self, chain: list[Party], registration_id: str = "", **options: Any) -> Answer:
        """Ask to be registered."""
        name = registration_id or chain[0].name
        return self.call("PUT", name, "/register", chain, options.pop("body", {"registrationId": name}), **options)

    def poll(self, chain: list[Party], operation: str, registration_id: str = "", **options: Any) -> Answer:
        """Ask how far it is."""
        return self.call("GET", registration_id or chain[0].name, f"/operations/{operation}", chain, **options)

    def outcome(self, chain: list[Party], registration_id: str = "", **options: Any) -> dict[str, Any]:
        """Register, and ask until it is known what became of it: the body of the last answer."""
        answer = self.register(chain, registration_id, **dict(options))
        options.pop("body", None)
        deadline = time.monotonic() + _PATIENCE
        while answer.status == 202:
            assert time.monotonic() < deadline, answer.body
            answer = self.poll(chain, answer.json()["operationId"], registration_id, **dict(options))
        found: dict[str, Any] = answer.json()
        return found

    def assigned(self, chain: list[Party], registration_id: str = "", **options: Any) -> dict[str, Any]:
        """Register, which has to succeed: the registration's state."""
        found = self.outcome(chain, registration_id, **options)
        assert found["status"] == "assigned", found
        state: dict[str, Any] = found["registrationState"]
        return state

    def hub_key(self, hub: str) -> str:
        """A hub's key in the store."""
        found = lifecycle.find_by_name(self.azure.azure, "AzureCloud", lifecycle.HUB, f"{hub}-{self.ending}")
        assert found
        return found[0]

    def finish(self, operation: str) -> None:
        """Wait until a registration that is under way has ended."""
        (work,) = self.azure.azure.background.running(f"registration {operation}")
        self.azure.loop.run_until_complete(asyncio.wait_for(work, _PATIENCE))

    def device(self, hub: str, device_id: str) -> dict[str, Any] | None:
        """The device as its hub stores it."""
        return identities.find(self.azure.azure, self.hub_key(hub), device_id)

    def reason(self) -> str:
        """What the control port's log says of the last registration."""
        return self.azure.azure.registrations.entries[-1].reason


def by_reference(primary: str, secondary: str | None = None) -> dict[str, Any]:
    """An attestation by names of the service's CAs."""
    return {"type": "x509", "x509": {"caReferences": {"primary": primary, "secondary": secondary}}}


def by_signing(primary: Party, secondary: Party | None = None) -> dict[str, Any]:
    """An attestation by CA certificates."""
    return {"type": "x509", "x509": {"signingCertificates": _slots(primary, secondary)}}


def by_certificate(primary: Party, secondary: Party | None = None) -> dict[str, Any]:
    """An attestation by a device's own certificates."""
    return {"type": "x509", "x509": {"clientCertificates": _slots(primary, secondary)}}


def _slots(primary: Party, secondary: Party | None) -> dict[str, Any]:
    return {"primary": {"certificate": primary.pem}} | ({"secondary": {"certificate": secondary.pem}} if secondary else {})
