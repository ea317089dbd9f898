"""The hubs that are linked to a provisioning service, and whether a link lets the service write to its hub's registry.

A link by key has the hub's connection string: its policy must still have that key, with RegistryWrite and ServiceConnect
(https://learn.microsoft.com/azure/iot-dps/how-to-manage-linked-iot-hubs). A link by identity needs a role at the hub; which one is a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot import host_names
from local_azure_iot.hub_registry import access, errors
from local_azure_iot.login.tokens import Caller
from local_azure_iot.microsoft_devices import lifecycle, linked_hubs
from local_azure_iot.provisioning.errors import of_hub
from local_azure_iot.provisioning.refusals import HUB_REFUSED, FailedError
from local_azure_iot.resource_manager import access as roles

if TYPE_CHECKING:
    from local_azure_iot.hub_registry.errors import RegistryError
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.microsoft_devices.linked_hubs import Link
    from local_azure_iot.store import Document

_NEEDED = frozenset({"RegistryWrite", "ServiceConnect"})
_ACTION = "Microsoft.Devices/IotHubs/devices/write"


def host(link: Link) -> str:
    """The hub's host name, in lower case."""
    return str(link["name"]).lower()


def find(service: Document, hub_host: str) -> Link | None:
    """The service's link to a hub, or None."""
    return next((each for each in service["hubs"] if host(each) == hub_host.lower()), None)


def find_hub(azure: Azure, link: Link) -> tuple[str, Document] | None:
    """The store key of the linked hub, and the hub itself; None: it is gone, or not there yet."""
    destination = host_names.destination(host(link))
    if destination is None or destination.endpoint is not host_names.Endpoint.HUB:
        return None
    found = lifecycle.find_by_name(azure, destination.cloud.name, lifecycle.HUB, destination.name)
    return found if found and lifecycle.state(found[1])[0] != "Activating" else None


def open_hub(azure: Azure, service: Document, link: Link) -> tuple[str, Document]:
    """The store key of the linked hub, and the hub itself, which lets the service in.

    Raises:
        FailedError: The hub is gone, or refuses the service.
    """
    found = find_hub(azure, link)
    if found is None:
        raise refused(azure, errors.hub_not_found(), f"the linked hub '{host(link)}' does not exist any more")
    flaw = _flaw(azure, service, link, found[1])
    if flaw:
        raise refused(azure, errors.unauthorized(), f"the link to '{host(link)}' is not good: {flaw}")
    return found


def refused(azure: Azure, error: RegistryError, reason: str) -> FailedError:
    """What a registration says where a hub answered with an error: the hub's own JSON."""
    return FailedError(HUB_REFUSED, of_hub(error, azure.clock.now()), reason)


def _flaw(azure: Azure, service: Document, link: Link, hub: Document) -> str:
    kind = linked_hubs.kind(link)
    if kind != linked_hubs.BY_KEY:
        return _flaw_of_identity(azure, service, link, hub, kind)
    parts = dict(part.split("=", 1) for part in str(link.get("connectionString") or "").split(";") if "=" in part)
    name = parts.get("SharedAccessKeyName", "")
    if not access.accepts_signatures(hub):
        return "the hub takes no keys (disableLocalAuth)"
    policy = access.policy_rights(hub, name)
    if policy is None:
        return f"the hub has no policy '{name}'"
    rights, keys = policy
    if parts.get("SharedAccessKey") not in keys:
        return f"the key of the policy '{name}' is another one now"
    missing = _NEEDED - rights
    return f"the policy '{name}' lacks {' and '.join(sorted(missing))}" if missing else ""


def _flaw_of_identity(azure: Azure, service: Document, link: Link, hub: Document, kind: str) -> str:
    identity = service.get("identity") or {}
    if kind == linked_hubs.BY_SYSTEM_IDENTITY:
        what, principal = "the service's own identity", identity.get("principalId")
    else:
        wanted = str(link.get("selectedUserAssignedIdentityResourceId") or "")
        assigned = {name.lower(): each or {} for name, each in (identity.get("userAssignedIdentities") or {}).items()}
        what, principal = f"the identity '{wanted}'", assigned.get(wanted.lower(), {}).get("principalId")
    if not principal:
        return f"the service does not have {what}"
    caller = Caller(str(principal), "", azure.tokens.tenant_id)
    if azure.settings.role_checks and not roles.allowed(azure, caller, _ACTION, lifecycle.identifier(hub, lifecycle.HUB), data=True):
        return f"{what} ({principal}) has no role at the hub with the data action {_ACTION}, such as IoT Hub Registry Contributor"
    return ""
