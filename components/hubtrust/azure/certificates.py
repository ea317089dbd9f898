"""The certificates of one IoT hub or provisioning service, in Azure Resource Manager."""

import base64
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hubtrust.azure.client import AzureClient, service_time
from hubtrust.azure.management import API_VERSIONS, certificate_operations
from hubtrust.azure.service import Service

CERTIFICATE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")  # learn.microsoft.com/rest/api/iothub/certificates
QUOTA = 25  # certificates a hub or service: learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
# Since these api-versions a PUT wraps the certificate in `properties`. Before, and in verify always, it is flat.
_WRAPPED_SINCE = {"iothubs": "2021-03-31", "provisioningservices": "2022-02-05"}


@dataclass(frozen=True, slots=True)
class RegisteredCertificate:
    """A certificate as the service shows it; ``code`` is set only by the call that requests it, ``date`` is the service's own time."""

    name: str
    etag: str
    thumbprint: str  # SHA-1, upper-case hex
    verified: bool
    code: str | None
    date: datetime


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
        self._owner = owner
        self._wrapped = (api_version or API_VERSIONS[owner.kind]) >= _WRAPPED_SINCE[owner.kind]
        self._operations = certificate_operations(client, owner, api_version)

    def get(self, name: str) -> RegisteredCertificate | None:
        """The certificate; None if it, its hub or their resource group does not exist."""
        found: RegisteredCertificate | None = self._operations.get(name, absent_is_fine=True, **self._options(name))
        return found

    def names(self) -> list[str]:
        """The names of all certificates."""
        found = self._operations.list(what=f"the certificates of {self._owner.title}")
        return [str(one.name) for one in found.value or []]

    def put(self, name: str, pem: str, *, etag: str | None, attested: bool = False) -> RegisteredCertificate:
        """Register ``pem``, or with ``etag`` replace a certificate; ``attested`` marks it verified without a proof.

        A replacement is unverified, even if the certificate before it was verified.
        """
        content: dict[str, Any] = _certificate(pem) | ({"isVerified": True} if attested else {})
        body = {"properties": content} if self._wrapped else content
        shown: RegisteredCertificate = self._operations.create_or_update(name, body, etag, **self._options(name))
        return shown

    def generate_verification_code(self, name: str, *, etag: str) -> RegisteredCertificate:
        """A new code for the proof of possession; every earlier code is void."""
        shown: RegisteredCertificate = self._operations.generate_verification_code(name, etag, **self._options(name))
        return shown

    def verify(self, name: str, proof_pem: str, *, etag: str) -> RegisteredCertificate:
        """Send the proof for the code that came with ``etag``."""
        shown: RegisteredCertificate = self._operations.verify(name, _certificate(proof_pem), etag, **self._options(name))
        return shown

    def delete(self, name: str, *, etag: str) -> None:
        """Remove the certificate; one that does not exist counts as removed."""
        self._operations.delete(name, etag, what=self._what(name), absent_is_fine=True)

    def _what(self, name: str) -> str:
        return f"certificate '{name}' on {self._owner.title}"

    def _options(self, name: str) -> dict[str, Any]:
        return {"what": self._what(name), "cls": _registered}


def _certificate(pem: str) -> dict[str, Any]:
    """The service takes the base64 of the PEM text."""
    return {"certificate": base64.b64encode(pem.encode()).decode()}


def _registered(response: Any, model: Any, _headers: Any) -> RegisteredCertificate:
    """azure-core's ``cls``: called with the response, whose Date header is needed, and the generated client's model of its body."""
    properties = model.properties
    return RegisteredCertificate(
        name=str(model.name or ""),
        etag=str(model.etag or ""),
        thumbprint=str(getattr(properties, "thumbprint", None) or "").upper(),
        verified=getattr(properties, "is_verified", None) is True,
        code=getattr(properties, "verification_code", None) or None,
        date=service_time(response.http_response) or datetime.now(UTC),
    )
