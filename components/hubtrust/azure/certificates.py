"""The certificates of one IoT hub or provisioning service, behind Azure Resource Manager.

Straight on azure-core, not on azure-mgmt-iothub: hubs and provisioning services share one wire here where the generated clients are two,
the answer's date is needed (proofs are dated by the service's own clock), and one place decides what is tried again.
"""

import base64
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hubtrust.azure.client import Answer, Door
from hubtrust.azure.errors import RefusedError

_RESOURCE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.Devices/(?P<kind>IotHubs|provisioningServices)/(?P<name>[^/]+)",
    re.IGNORECASE,
)
CERTIFICATE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")  # learn.microsoft.com/rest/api/iothub/certificates
QUOTA = 25  # certificates a hub or service: learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
_API_VERSIONS = {"iothubs": "2023-06-30", "provisioningservices": "2022-12-12"}
# From here on a PUT wraps the certificate in `properties`; before, and for verify always, it is flat.
_WRAPPED_SINCE = {"iothubs": "2021-03-31", "provisioningservices": "2022-02-05"}
_KINDS = {"iothubs": "IoT hub", "provisioningservices": "provisioning service"}


@dataclass(frozen=True, slots=True)
class Service:
    """An IoT hub or a provisioning service, by its ARM id."""

    id: str
    kind: str  # lower case: iothubs or provisioningservices
    name: str
    group: str  # the resource group

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"{_KINDS[self.kind]} '{self.name}'"


def service(resource_id: str) -> Service:
    """The hub or service that ``resource_id`` names.

    Raises:
        RefusedError: it is the id of something else, or of nothing.
    """
    found = _RESOURCE.fullmatch(resource_id.rstrip("/"))
    if not found:
        remedy = "give /subscriptions/…/resourceGroups/…/providers/Microsoft.Devices/IotHubs/… or …/provisioningServices/…"
        raise RefusedError(f"resource id '{resource_id}'", "it names no IoT hub and no provisioning service", remedy)
    return Service(resource_id.rstrip("/"), found["kind"].lower(), found["name"], found["group"])


def host_name(door: Door, owner: Service) -> str | None:
    """Where the hub's or service's own door is; None when it, or its resource group, is not there.

    Raises:
        AzureError: see ``Door.send``.
    """
    answer = door.send("GET", owner.id, what=owner.title, query={"api-version": _API_VERSIONS[owner.kind]}, absent_is_fine=True)
    properties = answer.body.get("properties") or {}
    return None if answer.status == 404 else str(properties.get("hostName") or properties.get("serviceOperationsHostName"))  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class RegisteredCertificate:
    """A certificate as the service shows it; ``code`` only straight after it was asked for, ``date`` is the service's time of answering."""

    name: str
    etag: str
    thumbprint: str  # SHA-1, upper-case hex
    verified: bool
    code: str | None
    date: datetime


_WRITERS: dict[str, threading.Lock] = {}
_GUARD = threading.Lock()


def writer(owner: Service) -> threading.Lock:
    """Held while a certificate of ``owner`` is changed: one writer a hub in a process, so that we don't meet our own 409 and 412."""
    with _GUARD:
        return _WRITERS.setdefault(owner.id.lower(), threading.Lock())


class Certificates:
    """The certificate operations of ``owner``; every change sends the etag it was based on.

    Every method may raise the errors of ``Door.send``; those that change something raise EtagError when the etag is no longer true.
    """

    def __init__(self, door: Door, owner: Service, *, api_version: str | None = None) -> None:
        self._door = door
        self._owner = owner
        self._api_version = api_version or _API_VERSIONS[owner.kind]

    def get(self, name: str) -> RegisteredCertificate | None:
        """The certificate; None when it, its hub or their resource group is not there."""
        answer = self._send("GET", name, absent_is_fine=True)
        return None if answer.status == 404 else _registered(answer)  # noqa: PLR2004

    def names(self) -> list[str]:
        """The names of all certificates here."""
        return [str(one.get("name")) for one in self._send("GET", "").body.get("value") or []]

    def put(self, name: str, pem: str, *, etag: str | None, attested: bool = False) -> RegisteredCertificate:
        """Register ``pem``, or with ``etag`` replace what is there; ``attested`` calls it verified without any proof.

        A replacement is unverified again, whatever it was before.
        """
        content: dict[str, Any] = {"certificate": _encoded(pem)} | ({"isVerified": True} if attested else {})
        wrapped = self._api_version >= _WRAPPED_SINCE[self._owner.kind]
        return _registered(self._send("PUT", name, etag=etag, body={"properties": content} if wrapped else content))

    def generate_verification_code(self, name: str, *, etag: str) -> RegisteredCertificate:
        """A fresh code to prove possession with; every earlier one is void."""
        return _registered(self._send("POST", name, "/generateVerificationCode", etag=etag))

    def verify(self, name: str, proof_pem: str, *, etag: str) -> RegisteredCertificate:
        """Hand in the proof for the code that came with ``etag``."""
        return _registered(self._send("POST", name, "/verify", etag=etag, body={"certificate": _encoded(proof_pem)}))

    def delete(self, name: str, *, etag: str) -> None:
        """Remove it; that it is gone already is as good."""
        self._send("DELETE", name, etag=etag, absent_is_fine=True)

    def _send(self, method: str, name: str, verb: str = "", **options: Any) -> Answer:
        path = f"{self._owner.id}/certificates" + (f"/{name}{verb}" if name else "")
        what = f"certificate '{name}' on {self._owner.title}" if name else f"the certificates of {self._owner.title}"
        return self._door.send(method, path, what=what, query={"api-version": self._api_version}, **options)


def _encoded(pem: str) -> str:
    """Base64 of the PEM text: the encoding that az CLI sends today and every api-version takes."""
    return base64.b64encode(pem.encode()).decode()


def _registered(answer: Answer) -> RegisteredCertificate:
    properties = answer.body.get("properties") or {}
    return RegisteredCertificate(
        name=str(answer.body.get("name") or ""),
        etag=str(answer.body.get("etag") or ""),
        thumbprint=str(properties.get("thumbprint") or "").upper(),
        verified=properties.get("isVerified") is True,
        code=properties.get("verificationCode") or None,
        date=answer.date or datetime.now(UTC),
    )
