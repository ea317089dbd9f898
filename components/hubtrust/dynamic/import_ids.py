"""The ids that `pulumi import` takes: what each kind of resource is called in Azure, and how that is read.

An id is the ARM id of the hub or provisioning service, then what is below it: `…/IotHubs/hub-7/devices/press-001`. In another cloud than
the public one, the cloud's name comes first, as in the input `cloud`: `usgovernment/subscriptions/…`. Ids of devices are written as they
are: none has a slash, and nothing in them is an escape.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hubtrust.azure import clouds
from hubtrust.azure.service import service
from hubtrust.devices.id_patterns import expand_all
from hubtrust.reconcile_errors import DeclarationError

_ID = re.compile(
    r"(?P<cloud>.*?)/?(?P<service>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Devices/[^/]+/[^/]+)/(?P<rest>.+)",
    re.IGNORECASE | re.DOTALL,
)
_HUB = "/subscriptions/…/resourceGroups/…/providers/Microsoft.Devices/IotHubs/HUB"
_PROVISIONING = "/subscriptions/…/resourceGroups/…/providers/Microsoft.Devices/provisioningServices/SERVICE"


@dataclass(frozen=True, slots=True)
class ImportForm:
    """The form of one kind's ids: ``collections`` are the fixed parts after the service, each followed by a name."""

    noun: str
    kinds: tuple[str, ...]  # of services: iothubs, provisioningservices
    collections: tuple[str, ...]
    example: str


DEVICE = ImportForm("a device", ("iothubs",), ("devices",), f"{_HUB}/devices/DEVICE")
MODULE = ImportForm("a module", ("iothubs",), ("devices", "modules"), f"{_HUB}/devices/DEVICE/modules/MODULE")
FLEET = ImportForm("a fleet", ("iothubs",), ("devices",), f"{_HUB}/devices/press-{{001..250}} (ids and patterns, with spaces between)")
CERTIFICATE = ImportForm(
    "a certificate",
    ("iothubs", "provisioningservices"),
    ("certificates",),
    f"{_HUB}/certificates/NAME, or …/provisioningServices/SERVICE/…",
)
GROUP = ImportForm("an enrollment group", ("provisioningservices",), ("enrollmentGroups",), f"{_PROVISIONING}/enrollmentGroups/GROUP")
INDIVIDUAL = ImportForm(
    "an individual enrollment", ("provisioningservices",), ("enrollments",), f"{_PROVISIONING}/enrollments/REGISTRATION"
)
ENROLLMENTS = ImportForm(
    "enrollments",
    ("provisioningservices",),
    ("enrollments",),
    f"{_PROVISIONING}/enrollments/press-{{001..250}} (registration ids and patterns, with spaces between)",
)


@dataclass(frozen=True, slots=True)
class ImportId:
    """An id that was read: where it leads, as inputs, and the names below."""

    what: str  # in messages
    place: Mapping[str, Any]  # `hubId` or `serviceId`, and `cloud` unless it is the public one
    names: tuple[str, ...]

    def members(self) -> tuple[str, ...]:
        """The ids that the last name stands for: ids and patterns with spaces between, sorted.

        Raises:
            RosterError: a pattern is invalid.
        """
        return tuple(sorted(expand_all(tuple(self.names[-1].split()))))


def read_import_id(id_: str, form: ImportForm, input_name: str) -> ImportId:
    """``id_``, of the given form; ``input_name`` is the input that has the service's ARM id.

    Raises:
        DeclarationError: it has another form; the error shows the right one.
        CloudError: there is no such cloud.
    """
    found = _ID.fullmatch(id_.strip())
    parts = found["rest"].split("/") if found else []
    names = tuple(parts[1::2])
    fits = tuple(one.lower() for one in parts[::2]) == tuple(one.lower() for one in form.collections)
    if not found or not fits or len(names) != len(form.collections) or not all(one.strip() for one in names):
        raise _refusal(id_, form, f"it is not the id of {form.noun}")
    if (where := service(found["service"])).kind not in form.kinds:
        raise _refusal(id_, form, f"it names {where.title}, which has no such resource")
    cloud = found["cloud"].rstrip("/")
    if cloud:
        clouds.require_name(cloud)
    place = {input_name: where.id, **({"cloud": cloud} if cloud else {})}
    return ImportId(f"{form.noun} of {where.title}", place, names)


def _refusal(id_: str, form: ImportForm, fact: str) -> DeclarationError:
    return DeclarationError(f"import id '{id_}'", fact, f"write it as {form.example}")
