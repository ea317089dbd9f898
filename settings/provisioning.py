"""The keys that describe the provisioning service, and the groups of devices that enrol themselves there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from hubtrust import HubtrustError
from hubtrust.azure import enrollment_limits
from hubtrust.azure.errors import RefusedError
from hubtrust.azure.service import service
from hubtrust.devices.description import require_device_id
from hubtrust.operators import Operator

from .configuration import Configured, Problem, checked_by, names_for
from .hub_access import ip_rule, twice

if TYPE_CHECKING:
    from collections.abc import Iterator

_KIND = "provisioningservices"


def _provisioning_service(text: str) -> str:
    found = service(text)
    if found.kind != _KIND:
        remedy = "give /subscriptions/…/resourceGroups/…/providers/Microsoft.Devices/provisioningServices/…"
        raise RefusedError(f"resource id '{text}'", "it is the id of an IoT hub, not of a provisioning service", remedy)
    return found.id


_Group = Annotated[str, checked_by(enrollment_limits.enrollment_id)]


class ProvisioningConfig(Configured):
    """Which provisioning service there is, and which devices enrol there."""

    provisioning: bool = False
    existing_dps: Annotated[str, checked_by(_provisioning_service)] = ""
    dps_name: Annotated[str, checked_by(enrollment_limits.service_name)] = ""
    dps_allocation: Literal["", "hashed", "geoLatency", "static"] = ""
    dps_operators: tuple[Annotated[str, checked_by(Operator.read)], ...] = ()
    dps_public_network_access: Literal["", "Enabled", "Disabled"] = ""
    dps_ip_rules: tuple[Annotated[str, checked_by(ip_rule)], ...] = ()
    enrollment_groups: tuple[_Group, ...] = ()
    disabled_enrollment_groups: tuple[_Group, ...] = ()
    adopt_enrollments: Annotated[tuple[_Group, ...], names_for("adoptEnrollments", "presses")] = ()
    reprovision: Literal["", "migrate", "reset", "never"] = ""
    enrollment_canary: Annotated[str, checked_by(require_device_id)] = ""

    def provisioning_problems(self) -> Iterator[Problem]:
        """Keys of the provisioning service that contradict each other."""
        if self.provisioning and self.existing_dps:
            remedy = "set existingDps for a service that somebody else manages, or provisioning for one that this stack makes"
            yield Problem.of(f"provisioning and existingDps are both set; {remedy}", "provisioning", "existing_dps")
        for key in ("enrollment_groups", "disabled_enrollment_groups"):
            if (name := twice(getattr(self, key))) is not None:
                yield Problem.of(f"two items are called '{name}'; remove one", key)
        if (name := twice([ip_rule(rule)[0] for rule in self.dps_ip_rules])) is not None:
            yield Problem.of(f"two items are called '{name}'; remove one", "dps_ip_rules")
        known = {group.lower() for group in self.enrollment_groups}
        for key, what in (("disabled_enrollment_groups", "disabledEnrollmentGroups"), ("adopt_enrollments", "adoptEnrollments")):
            for group in getattr(self, key):
                if group.lower() not in known:
                    line = f"{what} has '{group}', which is not in enrollmentGroups; add it there, or remove it"
                    yield Problem.of(line, key, "enrollment_groups")

    @property
    def provisions(self) -> bool:
        """Whether devices enrol themselves, at a provisioning service of this stack or at another one."""
        return self.provisioning or bool(self.existing_dps)

    def group(self, group: str) -> dict[str, Any]:
        """What an enrollment group of the settings has besides its CA, as arguments of ``EnrollmentGroup``."""
        return {}
