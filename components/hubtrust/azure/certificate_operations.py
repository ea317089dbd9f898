"""The certificate operations of Azure's generated clients, azure-mgmt-iothub and azure-mgmt-iothubprovisioningservices, in one form.

The clients send their requests through the pipeline of an ``AzureClient``. They are imported by the first call.
"""

import json
from collections.abc import Callable
from typing import Any, Protocol

from hubtrust.azure.client import AzureClient
from hubtrust.azure.error_bodies import PROXY_REMEDY
from hubtrust.azure.errors import UnreachableError
from hubtrust.azure.generated_models import complete
from hubtrust.azure.service import API_VERSIONS, Service


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


class Operations(Protocol):
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


def operations(client: AzureClient, owner: Service, api_version: str) -> Operations:
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

    complete("azure.mgmt.iothubprovisioningservices")
    credential: Any = client.login  # required and not used: the pipeline brings its own tokens
    options: dict[str, Any] = {"pipeline": client.pipeline, "policies": [], "cloud_setting": AzureClouds.AZURE_PUBLIC_CLOUD}
    return IotDpsClient(credential, owner.subscription, client.endpoint, api_version=api_version, **options)
