"""The part of ConnectionCheck for a device that has no entry on a hub: it enrols through a provisioning service."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hubtrust.azure import clouds
from hubtrust.azure.absence import read_service
from hubtrust.azure.enrollment_limits import ENROLLMENT_ID, LONGEST_COMMON_NAME
from hubtrust.azure.enrollment_service import EnrollmentService
from hubtrust.azure.errors import BusyError, NotFoundError
from hubtrust.azure.login import login
from hubtrust.azure.registry import Registry
from hubtrust.azure.retry import READ_DEADLINE, READ_DENIED, RetryLimits
from hubtrust.azure.service import Service
from hubtrust.azure_inputs import AzureInputs
from hubtrust.devices.canary import Canary
from hubtrust.devices.enrolled_canary import EnrolledCanary
from hubtrust.devices.registration import Assignment, Registrar
from hubtrust.dynamic.service_endpoint import require_host
from hubtrust.inputs import texts
from hubtrust.process import show_message
from hubtrust.reconcile_errors import DeclarationError

_ID_SCOPE = re.compile(r"[A-Za-z0-9]{1,32}")
_HOSTS = "list the host names of hubs, such as hub-7.azure-devices.net"


def require_id_scope(value: object) -> str:
    """``value`` if it can be an id scope, such as 0ne0012AB34.

    Raises:
        DeclarationError: it can't be one.
    """
    if not isinstance(value, str) or not _ID_SCOPE.fullmatch(value):
        raise DeclarationError("idScope", f"it is {value!r}", "give the output id_scope of ProvisioningService, such as 0ne0012AB34")
    return value


def require_hosts(value: object) -> tuple[str, ...]:
    """``value`` if it is a list of host names that is not empty.

    Raises:
        DeclarationError: it is something else.
    """
    found = texts(value, remedy=_HOSTS)
    if not found:
        raise DeclarationError("assignedHubs", "it is empty", _HOSTS)
    return tuple(map(require_host, found))


def require_registration_id(device_id: str) -> None:
    """A device id that can be a registration id, and the common name of a certificate.

    Raises:
        DeclarationError: it can't.
    """
    if len(device_id) > LONGEST_COMMON_NAME or not ENROLLMENT_ID.fullmatch(device_id):
        remedy = f"use at most {LONGEST_COMMON_NAME} letters, digits and - . _ : of which the last is a letter, a digit or -"
        raise DeclarationError("deviceId", f"'{device_id}' can't be the registration id of a device that enrols", remedy)


@dataclass(frozen=True)
class ServiceRoute:
    """The way of a device through a provisioning service. What is None is asked of Resource Manager."""

    check: AzureInputs
    service_id: Service
    id_scope: str | None
    device_host: str | None
    hubs: frozenset[str]  # host names, lower case
    owner: Mapping[str, str]

    def connect(self, canary: Canary, *, now: datetime) -> Assignment:
        """See ``EnrolledCanary.connect``.

        Raises:
            NotFoundError: there is no such service.
            HubtrustError: see there.
        """
        cloud = clouds.cloud_named(self.check.cloud)
        limits = RetryLimits(self.check.deadline).starting_now()
        found = self._properties()
        host = str(found["serviceOperationsHostName"])
        who = login(cloud, os.environ)
        id_scope = self.id_scope or str(found["idScope"])
        registrar = Registrar(self.service_id.title, self.device_host or str(found["deviceProvisioningHostName"]), id_scope, canary.trust)
        with EnrollmentService(host, cloud, who, limits, show_message) as opened:
            enrolled = EnrolledCanary(
                canary,
                registrar,
                opened,
                self.hubs,
                cloud.hub_suffix,
                lambda hub: Registry(hub, cloud, who, RetryLimits(self.check.deadline), show_message),
                self.owner,
                lambda: str(found["idScope"]),
                show_message,
            )
            return enrolled.connect(now=now, deadline=self.check.deadline)

    def _properties(self) -> Mapping[str, Any]:
        limits = RetryLimits(min(self.check.deadline, READ_DEADLINE), denied=READ_DENIED, not_found=0.0)
        with self.check.resource_manager(limits) as client:
            found = read_service(client, self.service_id)
        if found is None:
            raise NotFoundError(self.service_id.title, "it does not exist", "check its resource id, refresh, then run again")
        missing = [name for name in ("idScope", "serviceOperationsHostName", "deviceProvisioningHostName") if not found.get(name)]
        if missing:
            fact = f"it has no {missing[0]} yet (its state is {found.get('state') or 'not known'})"
            raise BusyError(self.service_id.title, fact, "run again when it is Active")
        return found
