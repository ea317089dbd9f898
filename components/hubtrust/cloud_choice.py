"""Which Azure a program is for: the one that azure-native is set to, so that one setting leads all of it to the same cloud."""

import os
from collections.abc import Mapping

import pulumi

from hubtrust.azure.clouds import PUBLIC, require_name
from hubtrust.azure.errors import CloudError
from hubtrust.errors import HubtrustError

# azure-native's own names for the clouds, and go-autorest's older ones, which it takes too.
_NAMES = {
    **dict.fromkeys(("", "public", "azurecloud", "azurepubliccloud"), PUBLIC.name),
    **dict.fromkeys(("usgovernment", "azureusgovernment", "azureusgovernmentcloud"), "usgovernment"),
    **dict.fromkeys(("china", "azurechinacloud"), "china"),
}


class CloudChoiceError(HubtrustError, pulumi.RunError):
    """No such cloud, or two settings that name two: the hub would be made in one and its certificates looked for in the other."""


def chosen(cloud: str | None, *, makes_hub: bool, environment: Mapping[str, str] = os.environ) -> str:
    """``cloud``, or where it is None azure-native's: `public`, `usgovernment`, `china` or the https URL of a metadata host.

    Args:
        cloud: what was said, if anything.
        makes_hub: azure-native is at work too, and both must mean the same cloud.
        environment: the variables that azure-native falls back to.

    Raises:
        CloudChoiceError: there is no such cloud, or they differ.
    """
    native = _native(environment)
    try:
        require_name(native if cloud is None else cloud)
    except CloudError as error:
        raise CloudChoiceError(error.what, error.fact, error.remedy) from None
    if cloud is None:
        return native
    if makes_hub and cloud.rstrip("/") != native.rstrip("/"):
        fact = f"it is '{cloud}' and azure-native makes the hub in '{native}'"
        raise CloudChoiceError("cloud", fact, "leave it out and set azure-native:environment or azure-native:metadataHost alone")
    return cloud


def _native(environment: Mapping[str, str]) -> str:
    """As azure-native reads it: a metadata host before a name, the stack's configuration before a variable."""
    config = pulumi.Config("azure-native")
    host = _first(config.get("metadataHost"), environment.get("ARM_METADATA_HOSTNAME"))
    if host:
        return host if "://" in host else f"https://{host}"
    name = _first(config.get("environment"), environment.get("ARM_ENVIRONMENT"), environment.get("AZURE_ENVIRONMENT"))
    return _NAMES.get(name.lower(), name)


def _first(*values: str | None) -> str:
    return next((value for value in values if value is not None), "")
