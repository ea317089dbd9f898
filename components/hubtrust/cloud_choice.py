"""The cloud of a program: the one that azure-native is set to, so that one setting is enough for both."""

import os
from collections.abc import Mapping

import pulumi

from hubtrust.azure.clouds import ALIASES, require_name
from hubtrust.known_values import require_plain
from hubtrust.program_errors import ProgramError


class CloudChoiceError(ProgramError):
    """There is no such cloud, or two settings name different ones: the hub would be in one and its certificates in the other."""


def choose_cloud(cloud: str | None, *, creates_hub: bool, environment: Mapping[str, str] = os.environ) -> str:
    """``cloud``, or where it is None azure-native's: `public`, `usgovernment`, `china` or the https URL of a metadata host.

    Args:
        cloud: the program's own setting, if it has one.
        creates_hub: whether azure-native creates the hub: then both must name the same cloud.
        environment: the variables that azure-native reads where the stack's configuration sets nothing.

    Raises:
        CloudChoiceError: there is no such cloud, it is an Output, or the two clouds differ.
    """
    if cloud is not None and not isinstance(cloud, str):
        kind = "an Output" if isinstance(cloud, pulumi.Output) else f"of type {type(cloud).__name__}"
        raise CloudChoiceError("cloud", f"it is {kind}; it decides where everything is", "give a plain text")
    native = _native(environment)
    require_plain(CloudChoiceError, "cloud", cloud)
    with CloudChoiceError.told():
        require_name(native if cloud is None else cloud)
    if cloud is None:
        return native
    if creates_hub and cloud.rstrip("/") != native.rstrip("/"):
        fact = f"it is '{cloud}' and azure-native creates the hub in '{native}'"
        raise CloudChoiceError("cloud", fact, "remove it, and set only azure-native:environment or azure-native:metadataHost")
    return cloud


def _native(environment: Mapping[str, str]) -> str:
    """As azure-native reads it: a metadata host before a name, the stack's configuration before a variable."""
    config = pulumi.Config("azure-native")
    host = _first(config.get("metadataHost"), environment.get("ARM_METADATA_HOSTNAME"))
    if host:
        return host if "://" in host else f"https://{host}"
    name = _first(config.get("environment"), environment.get("ARM_ENVIRONMENT"), environment.get("AZURE_ENVIRONMENT"))
    return ALIASES.get(name.lower(), name)


def _first(*values: str | None) -> str:
    return next((value for value in values if value is not None), "")
