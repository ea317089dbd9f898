"""What every component with enrollments is given: the provisioning service, and the hubs to which devices go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from hubtrust.authority import CertificateAuthority
from hubtrust.cloud_choice import choose_cloud
from hubtrust.devices.json_values import kind
from hubtrust.hub import TrustedHub
from hubtrust.known_values import is_plain, require_plain
from hubtrust.program_errors import ProgramError
from hubtrust.provisioning_service import ProvisioningService


@dataclass(frozen=True)
class Place:
    """Where enrollments are."""

    inputs: Mapping[str, Any]
    """``service_id``, ``host_name`` and ``cloud`` of the dynamic resource."""
    service: ProvisioningService | None
    """The service, if it is a component of this program."""

    @property
    def plain(self) -> dict[str, Any]:
        """What can be checked here: the id, if it was given."""
        return {"cloud": self.inputs["cloud"]} | ({} if self.service else {"service_id": self.inputs["service_id"]})

    def options(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """After the service's links, certificates and roles; deleted together with it."""
        if self.service is None:
            return pulumi.ResourceOptions(parent=parent)
        return pulumi.ResourceOptions(parent=parent, depends_on=[self.service], deleted_with=self.service.resource)


def place_of(error: type[ProgramError], what: str, service: Any, cloud: pulumi.Input[str] | None) -> Place:
    """The argument ``service``: a ProvisioningService, or the resource id of a service (an Input).

    Raises:
        ProgramError: it is something else.
        CloudChoiceError: azure-native is set to a cloud that there is not.
    """
    if isinstance(service, ProvisioningService):
        of_service = service.cloud if cloud is None else cloud
        return Place({"service_id": service.service_id, "host_name": service.host_name, "cloud": of_service}, service)
    if isinstance(service, pulumi.Resource | None):
        raise error(what, f"its service is {kind(service)}", "give a ProvisioningService, or the resource id of a service")
    chosen = choose_cloud(None, creates_hub=False) if cloud is None else cloud
    return Place({"service_id": service, "host_name": None, "cloud": chosen}, None)


def require_proven(error: type[ProgramError], what: str, authority: CertificateAuthority, service: ProvisioningService) -> None:
    """``authority`` is one of those that are proven at ``service``.

    Raises:
        ProgramError: it is not.
    """
    if authority not in service.authorities:
        fact = f"the authority '{authority.name}' is not proven at its service, so none of its devices could register"
        raise error(what, fact, f"name '{authority.name}' in the service's authorities, or give one of these")


def host_names(error: type[ProgramError], what: str, hubs: object) -> list[Any] | None:
    """The argument ``hubs``, as host names; each may be an Output.

    Raises:
        ProgramError: it is no list of TrustedHub and host names.
    """
    require_plain(error, f"hubs of {what}", hubs if isinstance(hubs, pulumi.Output) else None)
    if hubs is None:
        return None
    if not isinstance(hubs, list | tuple):
        raise error(f"hubs of {what}", f"it is {kind(hubs)}", "give a list of TrustedHub or host names")
    for one in hubs:
        if is_plain(one) and not isinstance(one, TrustedHub | str):
            raise error(f"hubs of {what}", f"one of them is {kind(one)}", "give a list of TrustedHub or host names")
    return [one.host_name if isinstance(one, TrustedHub) else one for one in hubs]
