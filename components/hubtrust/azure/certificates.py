"""The certificates of one IoT hub or provisioning service, in Azure Resource Manager.

The operations are those of Azure's generated clients (azure-mgmt-iothub, azure-mgmt-iothubprovisioningservices), which send their requests
through the pipeline of an ``AzureClient``: login, retries and errors are the same everywhere. They are imported by the first call.
"""

import base64
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from hubtrust.azure import absence, answer_shapes
from hubtrust.azure.client import AzureClient
from hubtrust.azure.error_bodies import PROXY_REMEDY
from hubtrust.azure.errors import BusyError, EtagError, UnreachableError
from hubtrust.azure.json_body import CONTENT
from hubtrust.azure.service import API_VERSIONS, Service
from hubtrust.azure.service_time import service_time

CERTIFICATE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")  # learn.microsoft.com/rest/api/iothub/certificates
QUOTA = 25  # certificates a hub or service: learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
_NOT_FOUND = 404
_HOST_NAMES = {"iothubs": "hostName", "provisioningservices": "serviceOperationsHostName"}
# Since these api-versions a PUT wraps the certificate in `properties`. Before, and in verify always, it is flat.
_WRAPPED_SINCE = {"iothubs": "2021-03-31", "provisioningservices": "2022-02-05"}


def host_name(client: AzureClient, owner: Service) -> str | None:
    """The host name of the hub's or service's own endpoint; None if it, or its resource group, does not exist.

    Raises:
        AzureError: see ``AzureClient.send``; BusyError also where the service has no host name yet.
    """
    query, expects = {"api-version": API_VERSIONS[owner.kind]}, answer_shapes.service(owner)
    answer = client.send("GET", owner.id, what=owner.title, query=query, expects=expects, absent_is_fine=True)
    if answer.status == _NOT_FOUND:
        return None
    properties = answer.body["properties"]
    found = properties.get(_HOST_NAMES[owner.kind])
    if not found:  # it is still being created, which is not the same as being gone
        fact = f"it has no host name yet (its state is {properties.get('state') or 'not known'})"
        raise BusyError(owner.title, fact, "run again when it is Active")
    return str(found)


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
        self._client, self._owner = client, owner
        version = api_version or API_VERSIONS[owner.kind]
        self._wrapped = version >= _WRAPPED_SINCE[owner.kind]
        self._operations = _operations(client, owner, version)

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

        def is_absent() -> bool:
            nonlocal found
            found = self.get(name)
            return found is None

        if not absence.is_still_absent(is_absent):
            return found
        listed = self._listed()
        if listed is None and absence.service_is_gone(self._client, self._owner):
            return None
        if listed is None or name.lower() in (one.lower() for one in listed):
            fact = "Azure answers 404 for it, but the hub or service is there and lists it" if listed else "Azure contradicts itself"
            raise UnreachableError(self._what(name), fact, "run again in a few minutes: nothing was changed")
        return None

    def names(self) -> list[str]:
        """The names of all certificates."""
        found: list[str] = self._operations.list(**self._list_options())
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

    def _what(self, name: str) -> str:
        return f"certificate '{name}' on {self._owner.title}"

    def _options(self, name: str) -> dict[str, Any]:
        return {"what": self._what(name), "expects": answer_shapes.certificate(self._owner, name), "cls": _registered_certificate}


def _certificate(pem: str) -> dict[str, Any]:
    """The request's body: the service takes the base64 of the PEM text."""
    return {"certificate": base64.b64encode(pem.encode()).decode()}


def _registered_certificate(response: Any, _model: Any, _headers: Any) -> RegisteredCertificate:
    """azure-core's ``cls``: called with the response, whose Date header is needed, and whose body is what was expected."""
    body = response.context[CONTENT]
    properties = body["properties"]
    return RegisteredCertificate(
        name=body["name"],
        etag=body["etag"],
        thumbprint=properties["thumbprint"].upper(),
        verified=properties["isVerified"],
        code=properties.get("verificationCode") or None,
        date=service_time(response.http_response.headers) or datetime.now(UTC),
    )


def _names(response: Any, _model: Any, _headers: Any) -> list[str]:
    """As ``_registered_certificate``, for a list."""
    return [one["name"] for one in response.context[CONTENT]["value"]]


def _call(operation: Callable[..., Any], **arguments: Any) -> Any:
    """The result of a generated operation; None for a 404 that ``absent_is_fine`` let through.

    Raises:
        AzureError: see ``AzureClient.send``; UnreachableError also where the client does not know the status of a success, or can't read
            a part of the body that nobody here needs.
    """
    from azure.core.exceptions import DecodeError, DeserializationError, HttpResponseError, ResourceNotFoundError

    try:
        return operation(**arguments)
    except ResourceNotFoundError:
        return None
    except (DecodeError, DeserializationError, HttpResponseError, ValueError, TypeError, AttributeError):
        raise UnreachableError(arguments["what"], "the answer is not one of Azure Resource Manager's", PROXY_REMEDY) from None


class _Operations(Protocol):
    """The certificate operations that both generated clients have, with one signature.

    ``options`` are those of ``AzureClient.send`` and azure-core's ``cls``. A missing certificate is None with ``absent_is_fine``.
    """

    def list(self, **options: Any) -> Any:
        """All certificates."""

    def get(self, name: str, **options: Any) -> Any:
        """One certificate."""

    def create_or_update(self, name: str, body: dict[str, Any], etag: str | None, **options: Any) -> Any:
        """Register or replace one."""

    def delete(self, name: str, etag: str, **options: Any) -> Any:
        """Remove one."""

    def generate_verification_code(self, name: str, etag: str, **options: Any) -> Any:
        """A new code for the proof of possession."""

    def verify(self, name: str, body: dict[str, Any], etag: str, **options: Any) -> Any:
        """Send the proof."""


def _operations(client: AzureClient, owner: Service, api_version: str) -> _Operations:
    """The certificate operations of ``owner``, through ``client``."""
    found = _HubCertificates if owner.kind == "iothubs" else _ProvisioningCertificates
    return found(client, owner, api_version)


class _HubCertificates:
    def __init__(self, client: AzureClient, owner: Service, api_version: str) -> None:
        self._operations = _hub_client(client, owner).certificates
        self._place = {"resource_group_name": owner.group, "resource_name": owner.name, "api_version": api_version}

    def list(self, **options: Any) -> Any:
        return _call(self._operations.list_by_iot_hub, **self._place, **options)

    def get(self, name: str, **options: Any) -> Any:
        return _call(self._operations.get, certificate_name=name, **self._place, **options)

    def create_or_update(self, name: str, body: dict[str, Any], etag: str | None, **options: Any) -> Any:
        sent = {"certificate_name": name, "certificate_description": _encode(body), "if_match": etag}
        return _call(self._operations.create_or_update, **sent, **self._place, **options)

    def delete(self, name: str, etag: str, **options: Any) -> Any:
        return _call(self._operations.delete, certificate_name=name, if_match=etag, **self._place, **options)

    def generate_verification_code(self, name: str, etag: str, **options: Any) -> Any:
        return _call(self._operations.generate_verification_code, certificate_name=name, if_match=etag, **self._place, **options)

    def verify(self, name: str, body: dict[str, Any], etag: str, **options: Any) -> Any:
        sent = {"certificate_name": name, "certificate_verification_body": _encode(body), "if_match": etag}
        return _call(self._operations.verify, **sent, **self._place, **options)


class _ProvisioningCertificates:
    def __init__(self, client: AzureClient, owner: Service, api_version: str) -> None:
        self._operations = _dps_client(client, owner, api_version).dps_certificate
        self._place = {"resource_group_name": owner.group, "provisioning_service_name": owner.name}

    def list(self, **options: Any) -> Any:
        return _call(self._operations.list, **self._place, **options)

    def get(self, name: str, **options: Any) -> Any:
        return _call(self._operations.get, certificate_name=name, **self._place, **options)

    def create_or_update(self, name: str, body: dict[str, Any], etag: str | None, **options: Any) -> Any:
        sent = {"certificate_name": name, "certificate_description": _encode(body)} | ({"headers": {"If-Match": etag}} if etag else {})
        return _call(self._operations.create_or_update, **sent, **self._place, **options)

    def delete(self, name: str, etag: str, **options: Any) -> Any:
        return _call(self._operations.delete, certificate_name=name, **_if_match(etag), **self._place, **options)

    def generate_verification_code(self, name: str, etag: str, **options: Any) -> Any:
        return _call(self._operations.generate_verification_code, certificate_name=name, **_if_match(etag), **self._place, **options)

    def verify(self, name: str, body: dict[str, Any], etag: str, **options: Any) -> Any:
        sent = {"certificate_name": name, "request": _encode(body), **_if_match(etag)}
        return _call(self._operations.verify_certificate, **sent, **self._place, **options)


def _if_match(etag: str) -> dict[str, Any]:
    """If-Match as the service gave the etag: the client (2.1.0) would put it in quotes, which the service does not use."""
    from azure.core import MatchConditions

    return {"etag": etag, "match_condition": MatchConditions.Unconditionally, "headers": {"If-Match": etag}}


def _encode(body: dict[str, Any]) -> bytes:
    """As bytes, which both clients send unchanged: their models know the newest api-version's form only."""
    return json.dumps(body).encode()


def _hub_client(client: AzureClient, owner: Service) -> Any:
    """azure-mgmt-iothub's client for the subscription of ``owner``."""
    from azure.mgmt.iothub import IotHubClient

    credential: Any = client.login  # required and not used: the pipeline brings its own tokens
    options: dict[str, Any] = {"base_url": client.endpoint, "pipeline": client.pipeline, "policies": []}
    return IotHubClient(credential, owner.subscription, API_VERSIONS["iothubs"], **options)


def _dps_client(client: AzureClient, owner: Service, api_version: str) -> Any:
    """azure-mgmt-iothubprovisioningservices' client for the subscription of ``owner``."""
    from azure.core import AzureClouds
    from azure.mgmt.iothubprovisioningservices import IotDpsClient

    credential: Any = client.login  # required and not used: the pipeline brings its own tokens
    options: dict[str, Any] = {"pipeline": client.pipeline, "policies": [], "cloud_setting": AzureClouds.AZURE_PUBLIC_CLOUD}
    return IotDpsClient(credential, owner.subscription, client.endpoint, api_version=api_version, **options)
