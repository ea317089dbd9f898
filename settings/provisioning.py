"""The keys that describe the provisioning service, and the groups of devices that enrol themselves there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from hubtrust.azure import provisioning_limits
from hubtrust.azure.enrollment_limits import ENROLLMENT_ID, LONGEST_ID
from hubtrust.azure.errors import RefusedError
from hubtrust.azure.service import service
from hubtrust.devices.description import require_device_id
from hubtrust.operators import Operator

from .configuration import Problem, checked_by, names_for
from .hub import HubConfig
from .hub_access import ip_rule, twice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hubtrust import HubArgs, ProvisioningServiceArgs

_KIND = "provisioningservices"


def _provisioning_service(text: str) -> str:
    found = service(text)
    if found.kind != _KIND:
        remedy = "give /subscriptions/…/resourceGroups/…/providers/Microsoft.Devices/provisioningServices/…"
        raise RefusedError(f"resource id '{text}'", "it is the id of an IoT hub, not of a provisioning service", remedy)
    return found.id


def _group_id(text: str) -> str:
    if len(text) > LONGEST_ID or not ENROLLMENT_ID.fullmatch(text):
        remedy = f"use 1 to {LONGEST_ID} letters, digits and - . _ :, with a letter, digit or - at the end"
        raise RefusedError(f"enrollment group '{text}'", "a provisioning service does not accept this id", remedy)
    return text


_Groups = tuple[Annotated[str, checked_by(_group_id)], ...]


class ProvisioningConfig(HubConfig):
    """Which provisioning service there is, which devices enrol there, and what the hub must be like for it."""

    provisioning: bool = False
    existing_dps: Annotated[str, checked_by(_provisioning_service)] = ""
    dps_name: Annotated[str, checked_by(provisioning_limits.service_name)] = ""
    dps_allocation: Literal["", "hashed", "geoLatency", "static"] = ""
    dps_operators: tuple[Annotated[str, checked_by(Operator.read)], ...] = ()
    dps_public_network_access: Literal["", "Enabled", "Disabled"] = ""
    dps_ip_rules: tuple[Annotated[str, checked_by(ip_rule)], ...] = ()
    enrollment_groups: _Groups = ()
    disabled_enrollment_groups: _Groups = ()
    adopt_enrollments: Annotated[_Groups, names_for("adoptEnrollments", "presses")] = ()
    reprovision: Literal["", "migrate", "reset", "never"] = ""
    enrollment_canary: Annotated[str, checked_by(require_device_id)] = ""

    def provisioning_problems(self) -> Iterator[Problem]:
        """Keys of the provisioning service that contradict each other."""
        if self.provisioning and self.existing_dps:
            remedy = "set provisioning for a service that this stack creates, or existingDps for a service of somebody else"
            yield Problem.of(f"provisioning and existingDps are both set; {remedy}", "provisioning", "existing_dps")
        if self.links_by_key and self.local_auth == "false":
            fact = "localAuth is false, but provisioning is true, and its service is linked to the hub by a shared access key"
            remedy = "leave localAuth out: then services may use keys, and devices and modules may not"
            yield Problem.of(f"{fact}; {remedy}", "local_auth", "provisioning")
        names = {
            "enrollment_groups": self.enrollment_groups,
            "disabled_enrollment_groups": self.disabled_enrollment_groups,
            "dps_ip_rules": [ip_rule(rule)[0] for rule in self.dps_ip_rules],
        }
        for key, every in names.items():
            if (name := twice(every)) is not None:
                yield Problem.of(f"two items are called '{name}'; remove one", key)
        known = {group.lower() for group in self.enrollment_groups}
        if len(known) > 1:
            fact = f"enrollmentGroups has {len(known)}, and all of them would have the stack's CA: Azure lets a certificate be in one entry"
            yield Problem.of(f"{fact}, and uses the first that it finds; keep one", "enrollment_groups")
        for key, told in (("disabled_enrollment_groups", "disabledEnrollmentGroups"), ("adopt_enrollments", "adoptEnrollments")):
            for group in getattr(self, key):
                if group.lower() not in known:
                    line = f"{told} has '{group}', which is not in enrollmentGroups; add it there, or remove it"
                    yield Problem.of(line, key, "enrollment_groups")

    @property
    def provisions(self) -> bool:
        """Whether devices enrol themselves, at a provisioning service of this stack or at one of somebody else."""
        return self.provisioning or bool(self.existing_dps)

    @property
    def links_by_key(self) -> bool:
        """Whether the hub must take keys from services, because a provisioning service of this stack is linked to it by one."""
        return self.provisioning and not self.existing_hub

    @property
    def hub(self) -> HubArgs | str:
        """The hub, which takes keys from services if a service is linked to it by one; from devices and modules only with `localAuth`."""
        found = super().hub
        if not self.links_by_key or isinstance(found, str):
            return found
        no_keys = self.local_auth != "true"
        return replace(found, disable_local_auth=False, disable_device_sas=no_keys, disable_module_sas=no_keys)

    def disables(self, group: str) -> bool:
        """Whether the enrollment group of this id is revoked. The service does not tell letter cases apart."""
        return group.lower() in {each.lower() for each in self.disabled_enrollment_groups}

    def adopts_enrollment(self, group: str) -> bool:
        """Whether the enrollment group of this id may be taken over."""
        return group.lower() in {each.lower() for each in self.adopt_enrollments}

    def provisioning_service(self, resource_group: Any) -> ProvisioningServiceArgs | str:
        """The provisioning service: what it is like, in its hub's group, if this stack manages it; or the id of an existing one."""
        if self.existing_dps:
            return self.existing_dps
        from hubtrust import ProvisioningServiceArgs  # loads azure-native's classes for it, which other stacks don't need

        return ProvisioningServiceArgs(
            name=self.dps_name or None,
            resource_group=None if self.existing_hub else resource_group,  # that of somebody else's hub is theirs
            tags=self.tag_values or None,
            protect=self.protect,
            allocation_policy=self.dps_allocation[:1].upper() + self.dps_allocation[1:] or None,
            public_network_access=self.dps_public_network_access or None,
            ip_filter_rules=_filter_rules(self.dps_ip_rules),
        )


def _filter_rules(rules: Sequence[str]) -> Any:
    """Azure takes the first rule that has the address, and lets in what no rule has; None if there are no rules."""
    if not rules:
        return None
    accepted = [{"filter_name": name, "ip_mask": mask, "action": "Accept", "target": "all"} for name, mask in map(ip_rule, rules)]
    return [*accepted, {"filter_name": "all others", "ip_mask": "0.0.0.0/0", "action": "Reject", "target": "all"}]
