"""The certificates of one IoT hub or provisioning service, in Azure Resource Manager.

The operations are those of Azure's generated clients (azure-mgmt-iothub, azure-mgmt-iothubprovisioningservices), which send their requests
through the pipeline of an ``AzureClient``: login, retries and errors are the same everywhere. They are imported by the first call.
"""

import base64
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hubtrust.azure import absence, answer_shapes
from hubtrust.azure.certificate_operations import operations
from hubtrust.azure.client import AzureClient
from hubtrust.azure.errors import BusyError, EtagError, UnreachableError
from hubtrust.azure.json_body import CONTENT
from hubtrust.azure.request_trace import RequestTrace
from hubtrust.azure.service import API_VERSIONS, Service
from hubtrust.azure.service_time import service_time

CERTIFICATE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")  # learn.microsoft.com/rest/api/iothub/certificates
QUOTA = 25  # certificates a hub or service: learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
_HOST_NAMES = {"iothubs": "hostName", "provisioningservices": "serviceOperationsHostName"}
# Since these api-versions a PUT wraps the certificate in `properties`. Before, and in verify always, it is flat.
_WRAPPED_SINCE = {"iothubs": "2021-03-31", "provisioningservices": "2022-02-05"}


def host_name(client: AzureClient, owner: Service) -> str | None:
    """The host name of the hub's or service's own endpoint; None if it, or its resource group, does not exist.

    Raises:
        AzureError: see ``AzureClient.send``; BusyError also where the service has no host name yet.
    """
    properties = absence.read_service(client, owner)
    if properties is None:
        return None
    found = properties.get(_HOST_NAMES[owner.kind])
    if not found:  # it is still being created, which is not the same as being gone
        fact = f"it has no host name yet (its state is {properties.get('state') or 'not known'})"
        raise BusyError(owner.title, fact, "run again when it is Active")
    return str(found)


@dataclass(frozen=True, slots=True)
class RegisteredCertificate:
    """A certificate as the service shows it; ``code`` is set only by the call that requests it, ``date`` is the service's own time.

    ``trace`` is that of the request whose answer this is.
    """

    name: str
    etag: str
    thumbprint: str  # SHA-1, upper-case hex
    verified: bool
    code: str | None
    date: datetime
    text: str | None = None  # PEM; of a provisioning service's certificate Azure shows none when it is read
    trace: RequestTrace | None = None


_WRITERS: dict[str, threading.Lock] = {}
_GUARD = threading.Lock()


def writer(owner: Service) -> threading.Lock:
    """The lock to hold while changing a certificate of ``owner``: one writer a hub in a process, so that our own calls don't conflict."""
    with _GUARD:
        return _WRITERS.setdefault(owner.id.lower(), threading.Lock())


class Certificates:
    """The certificate operations of ``owner``; every change sends the etag that it is based on.

    Every method may raise the errors of ``AzureClient.send``; changes raise EtagError if the certificate has another etag by now.
    """

    def __init__(self, client: AzureClient, owner: Service, *, api_version: str | None = None) -> None:
        self._client, self._owner = client, owner
        version = api_version or API_VERSIONS[owner.kind]
        self._wrapped = version >= _WRAPPED_SINCE[owner.kind]
        self._operations = operations(client, owner, version)

    def get(self, name: str) -> RegisteredCertificate | None:
        """The certificate; None if it, its hub or their resource group does not exist."""
        found: RegisteredCertificate | None = self._operations.get(name, absent_is_fine=True, **self._options(name))
        return found

    def find(self, name: str) -> RegisteredCertificate | None:
        """As ``get``, but that it does not exist is confirmed: over some seconds, and by the list of all certificates.

        Raises:
            UnreachableError: the list has it although Azure says that it does not exist.
        """
        found = self.get(name)
        if found is not None:
            return found
        if self._listed() is None and absence.service_is_gone(self._client, self._owner):
            return None
        if found := absence.found_again(lambda: self.get(name), self._client.limits):
            return found
        listed = self._listed()
        if listed is None and absence.service_is_gone(self._client, self._owner):
            return None
        if listed is not None and name.lower() not in (one.lower() for one in listed):
            return None
        if found := absence.found_again(lambda: self.get(name), self._client.limits):  # the list has it: the 404 was to pass
            return found
        fact = "Azure answers 404 for it, but the hub or service is there and lists it" if listed else "Azure contradicts itself"
        raise UnreachableError(self._what(name), fact, "run again in a few minutes: nothing was changed")

    def names(self) -> list[str]:
        """The names of all certificates."""
        found: list[str] = self._operations.list(**self._list_options())
        return found

    def every(self) -> list[RegisteredCertificate]:
        """All certificates."""
        found: list[RegisteredCertificate] = self._operations.list(**self._list_options() | {"cls": _registered_certificates})
        return found

    def _listed(self) -> list[str] | None:
        """The names of all certificates; None if Azure says that the hub or service does not exist."""
        found: list[str] | None = self._operations.list(absent_is_fine=True, **self._list_options())
        return found

    def _list_options(self) -> dict[str, Any]:
        what = f"the certificates of {self._owner.title}"
        return {"what": what, "expects": answer_shapes.certificates(self._owner), "cls": _names}

    def put(self, name: str, pem: str, *, etag: str | None, attested: bool = False) -> RegisteredCertificate:
        """Register ``pem``, or with ``etag`` replace a certificate; ``attested`` marks it verified without a proof.

        A replacement is unverified, even if the certificate before it was verified.
        """
        content: dict[str, Any] = _certificate(pem) | ({"isVerified": True} if attested else {})
        body = {"properties": content} if self._wrapped else content
        shown: RegisteredCertificate = self._operations.create_or_update(name, body, etag, **self._options(name))
        absence.remember_found(self._owner)
        return shown

    def generate_verification_code(self, name: str, *, etag: str) -> RegisteredCertificate:
        """A new code for the proof of possession; every earlier code is void."""
        options = self._options(name) | {"expects": answer_shapes.certificate(self._owner, name, code=True)}
        shown: RegisteredCertificate = self._operations.generate_verification_code(name, etag, **options)
        return shown

    def verify(self, name: str, proof_pem: str, *, etag: str) -> RegisteredCertificate:
        """Send the proof for the code that came with ``etag``."""
        shown: RegisteredCertificate = self._operations.verify(name, _certificate(proof_pem), etag, **self._options(name))
        return shown

    def delete(self, name: str, *, etag: str) -> None:
        """Remove the certificate; one that does not exist counts as removed, once that is confirmed.

        Raises:
            EtagError: also where Azure answers 404 and the certificate is there; read it again.
        """
        options: dict[str, Any] = {"what": self._what(name), "expects": answer_shapes.nothing, "absent_is_fine": True}
        is_done = self._operations.delete(name, etag, cls=lambda *_: True, **options)
        if not is_done and self.find(name) is not None:
            raise EtagError(self._what(name), "Azure answers 404 to its deletion, but it is there", "run again; each run reads it first")

    def require_deleted(self, name: str) -> None:
        """Ask whether the certificate is gone. Azure answers a deletion with an empty body, and so may anybody in between.

        Raises:
            EtagError: it is there; read it again.
        """
        if self.get(name) is not None:
            raise EtagError(self._what(name), "Azure answers that it is deleted, but it is there", "run again; each run reads it first")

    def _what(self, name: str) -> str:
        return f"certificate '{name}' on {self._owner.title}"

    def _options(self, name: str) -> dict[str, Any]:
        return {"what": self._what(name), "expects": answer_shapes.certificate(self._owner, name), "cls": _registered_certificate}


def _certificate(pem: str) -> dict[str, Any]:
    """The request's body: the service takes the base64 of the PEM text."""
    return {"certificate": base64.b64encode(pem.encode()).decode()}


def _registered_certificate(response: Any, _model: Any, _headers: Any) -> RegisteredCertificate:
    """azure-core's ``cls``: called with the response, whose headers are needed, and whose body is what was expected."""
    return _shown_certificate(response.context[CONTENT], response)


def _registered_certificates(response: Any, _model: Any, _headers: Any) -> list[RegisteredCertificate]:
    """As ``_registered_certificate``, for a list."""
    return [_shown_certificate(one, response) for one in response.context[CONTENT]["value"]]


def _shown_certificate(body: Any, response: Any) -> RegisteredCertificate:
    properties = body["properties"]
    return RegisteredCertificate(
        name=body["name"],
        etag=body["etag"],
        thumbprint=properties["thumbprint"].upper(),
        verified=properties["isVerified"],
        code=properties.get("verificationCode") or None,
        date=service_time(response.http_response.headers) or datetime.now(UTC),
        text=_text(properties.get("certificate")),
        trace=RequestTrace.of(response.http_request.headers, response.http_response.headers),
    )


def _text(shown: object) -> str | None:
    """The PEM text of what Azure shows as `certificate`: the base64 of what was uploaded, which may be base64 itself."""
    if not isinstance(shown, str) or not shown:
        return None
    try:
        text = base64.b64decode(shown, validate=True).decode("ascii")
    except ValueError:
        text = ""
    return text if "-----BEGIN CERTIFICATE-----" in text else f"-----BEGIN CERTIFICATE-----\n{shown}\n-----END CERTIFICATE-----\n"


def _names(response: Any, _model: Any, _headers: Any) -> list[str]:
    """As ``_registered_certificate``, for a list."""
    return [one["name"] for one in response.context[CONTENT]["value"]]
