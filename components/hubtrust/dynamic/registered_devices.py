"""The devices that registered with a provisioning service under an authority, and may want to do so again.

A registration does not say which certificate the device had, nor when that ends. So each may be of any generation.
"""

from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar

from hubtrust.azure.enrollment_service import GROUPS, Enrollment, EnrollmentService
from hubtrust.azure.errors import AzureError, NotFoundError
from hubtrust.azure.retry import READ_DEADLINE, READ_DENIED, READ_UNREACHABLE, RetryLimits
from hubtrust.azure.service import Service
from hubtrust.dynamic.service_inputs import ServiceInputs
from hubtrust.enrollments.description import REFERENCES, SIGNING, found_attestation
from hubtrust.many_errors import named
from hubtrust.process import show_message
from hubtrust.reconcile_errors import DependantsError

_MOST_COUNTED = 10_000  # registrations: more pages would tell nothing new


@dataclass(frozen=True)
class Registrations:
    """The registered devices of the enabled groups of ``authority`` on a provisioning service."""

    service_id: Service
    host_name: str | None
    cloud: str
    authority: str
    argument: ClassVar[str] = "drop_generation of ProvisioningService"
    unseen: ClassVar[str] = "{} registrations can't be read"

    def count(self) -> tuple[int, int]:
        """How many devices have registered by these groups, at most 10,000; whoever can't see raises an AzureError.

        Also those whose last attempt failed, or met a disabled group: they were on a hub before perhaps, and register again.
        """
        with enrollments_of(self.service_id, self.host_name, self.cloud) as service:
            groups = [one for one in service.every(GROUPS) if self._is_ours(one)]
            found = (one for group in groups for one in service.registrations(group.id) if one.status != "unassigned")
            return sum(1 for _ in islice(found, _MOST_COUNTED)), 0

    def is_gone(self) -> bool:
        """Whether it is confirmed that the service does not exist.

        Raises:
            RefusedError: it was moved to another resource group.
        """
        return ServiceInputs.read({"serviceId": self.service_id.id, "cloud": self.cloud}).is_gone()

    def fact(self, count: int, of: str) -> str:
        """That so many may depend on ``of``, and on what exactly: connected devices stay connected."""
        most = "at least " if count >= _MOST_COUNTED else ""
        devices = "device has" if count == 1 else "devices have"
        return (
            f"{most}{count:,} {devices} registered by groups of this authority, and Azure does not show which of them have a certificate "
            f"of {of}: without it they stay connected, but can't register again with such a certificate"
        )

    def until(self, *, overlaps: bool) -> str:
        """What to do before the generation may go."""
        moved = "have certificates of the new one and have registered again"
        return f"set caKeepPrevious: true until they {moved}, then" if overlaps else f"wait until they {moved}, then set"

    def _is_ours(self, group: Enrollment) -> bool:
        """Whether it lets devices of this authority in, as far as is known. Names of certificates begin with that of the authority."""
        found = found_attestation(group.record)
        if found is None or group.record.get("provisioningStatus") == "disabled":
            return False
        return found.kind == SIGNING or (found.kind == REFERENCES and any(self._is_name(one) for one in found.held))

    def _is_name(self, certificate_name: str) -> bool:
        return certificate_name.lower().startswith(f"{self.authority}-g".lower())


def enrollments_of(service_id: Service, host_name: str | None, cloud: str) -> EnrollmentService:
    """The enrollments of a service, for a `with`, to ask a question that is not worth a long wait.

    Raises:
        AzureError: the service does not exist, or Resource Manager does not tell its host name.
    """
    given = {"serviceId": service_id.id, "hostName": host_name, "cloud": cloud}
    inputs = ServiceInputs.read({name: value for name, value in given.items() if value is not None})
    inputs = replace(inputs, host_name=inputs.resolve_host_name(denied=READ_DENIED))
    limits = RetryLimits(READ_DEADLINE, denied=READ_DENIED, unreachable=READ_UNREACHABLE)
    return EnrollmentService(report=show_message, **inputs.endpoint_options(reading=True, refreshing=True, limits=limits))


def require_unreferenced(what: str, service_id: Service, certificate_name: str, cloud: str, *, must_see: bool) -> None:
    """Refuse to delete the certificate ``what`` of a provisioning service while an enrollment group refers to it by its name.

    Azure deletes it, and the group admits nobody from then on. ``must_see``: whoever may not read the groups refuses too.

    Raises:
        DependantsError: a group refers to it, or nobody can say.
    """
    try:
        with enrollments_of(service_id, None, cloud) as service:
            groups = referring_groups(service, certificate_name)
    except NotFoundError:
        return  # the service is gone, or goes in this run
    except AzureError as error:
        fact = f"whether an enrollment group refers to it is unknown, because {error.what}: {error.fact}"
        if must_see:
            raise DependantsError(what, fact, error.remedy) from None
        show_message(f"{what}: {fact}; it is deleted, as Azure allows it")
        return
    if groups:
        refers = f"group {named(groups)} refers" if len(groups) == 1 else f"groups {named(groups)} refer"
        fact = f"enrollment {refers} to it, and would admit no device without it, so it is kept"
        raise DependantsError(what, fact, "give the group another certificate where it is declared, or delete it, then run again")


def referring_groups(service: EnrollmentService, certificate_name: str) -> list[str]:
    """The ids of the groups whose CA reference is this certificate of the service."""
    found = ((group.id, found_attestation(group.record)) for group in service.every(GROUPS))
    name = certificate_name.lower()
    return sorted(id_ for id_, held in found if held and held.kind == REFERENCES and name in {one.lower() for one in held.held})
