"""Resource providers: which exist, and whether a subscription has registered them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.resource_manager import errors, regions

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure

_REGISTRATION = "provider-registration"
_TYPES = {
    "Microsoft.Devices": (
        "IotHubs",
        "ProvisioningServices",
        "checkNameAvailability",
        "checkProvisioningServiceNameAvailability",
        "operationResults",
        "operations",
        "usages",
    ),
    "Microsoft.KeyVault": ("vaults", "deletedVaults", "locations/deletedVaults", "checkNameAvailability", "locations/operationResults"),
    "Microsoft.Authorization": ("roleAssignments", "roleDefinitions"),
    "Microsoft.Resources": ("resourceGroups", "subscriptions"),
}
NAMESPACES = tuple(_TYPES)
API_VERSIONS: dict[str, set[str]] = {}  # of each resource type, in lower case: `arm` adds those of its routes


def namespace(name: str) -> str:
    """The namespace as Azure writes it, whatever the case of `name`.

    Raises:
        ArmError: The provider does not exist here.
    """
    for known in NAMESPACES:
        if known.lower() == name.lower():
            return known
    raise errors.provider_not_found(name)


def registered(azure: Azure, subscription: str, provider: str) -> bool:
    """Whether the subscription may use a provider. Every provider is registered until a request unregisters it."""
    found = azure.store.get(_REGISTRATION, _store_key(subscription, provider))
    return found is None or found["state"] == "Registered"


def register(azure: Azure, subscription: str, provider: str) -> None:
    """Register a provider, at once."""
    azure.store.put(_REGISTRATION, _store_key(subscription, provider), {"state": "Registered"})


def unregister(azure: Azure, subscription: str, provider: str) -> None:
    """Unregister a provider, at once."""
    azure.store.put(_REGISTRATION, _store_key(subscription, provider), {"state": "NotRegistered"})


def to_json(azure: Azure, subscription: str, provider: str) -> dict[str, Any]:
    """A provider as ARM returns it."""
    types = [
        {
            "resourceType": name,
            "locations": list(regions.DISPLAY_BY_NAME.values()),
            "apiVersions": sorted(API_VERSIONS.get(f"{provider}/{name}".lower(), ()), reverse=True),
        }
        for name in _TYPES[provider]
    ]
    return {
        "id": f"/subscriptions/{subscription}/providers/{provider}",
        "namespace": provider,
        "resourceTypes": types,
        "registrationState": "Registered" if registered(azure, subscription, provider) else "NotRegistered",
        "registrationPolicy": "RegistrationRequired",
    }


def _store_key(subscription: str, provider: str) -> str:
    return f"{subscription}/{provider}".lower()
