"""Azure's generated clients for IoT hubs and provisioning services (azure-mgmt-iothub, azure-mgmt-iothubprovisioningservices).

They send their requests through the pipeline of an ``AzureClient``, so that login, retries and errors are the same everywhere. They take
about 0.2 s to import and are imported by the first call to Resource Manager.
"""

import json
from collections.abc import Callable
from typing import Any, Protocol

from hubtrust.azure.client import AzureClient
from hubtrust.azure.errors import BusyError, UnreachableError
from hubtrust.azure.service import Service

API_VERSIONS = {"iothubs": "2023-06-30", "provisioningservices": "2022-12-12"}


def host_name(client: AzureClient, owner: Service) -> str | None:
    """The host name of the hub's or service's own endpoint; None if it, or its resource group, does not exist.

    Raises:
        AzureError: see ``AzureClient.send``; BusyError also where the service has no host name yet.
    """
    options: dict[str, Any] = {"resource_group_name": owner.group, "what": owner.title, "absent_is_fine": True}
    if owner.kind == "iothubs":
        hub = called(_hub_client(client, owner).iot_hub_resource.get, resource_name=owner.name, **options)
        return None if hub is None else _host(owner, hub.properties.host_name, hub.properties.state)
    dps = called(_dps_client(client, owner).iot_dps_resource.get, provisioning_service_name=owner.name, **options)
    return None if dps is None else _host(owner, dps.properties.service_operations_host_name, dps.properties.state)


def _host(owner: Service, found: Any, state: Any) -> str:
    """A service that exists and has no host name yet is not one that is gone."""
    if not found:
        shown = getattr(state, "value", state) or "not known"  # one of the two clients has an enum for it
        raise BusyError(owner.title, f"it has no host name yet (its state is {shown})", "run again when it is Active")
    return str(found)


class CertificateOperations(Protocol):
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


def certificate_operations(client: AzureClient, owner: Service, api_version: str | None = None) -> CertificateOperations:
    """The certificate operations of ``owner``, through ``client``."""
    found = _HubCertificates if owner.kind == "iothubs" else _ProvisioningCertificates
    return found(client, owner, api_version or API_VERSIONS[owner.kind])


def called(operation: Callable[..., Any], **arguments: Any) -> Any:
    """The result of a generated operation; None for a 404 that ``absent_is_fine`` let through.

    Raises:
        AzureError: see ``AzureClient.send``; UnreachableError also for a success whose body is not the service's.
    """
    from azure.core.exceptions import DecodeError, DeserializationError, ResourceNotFoundError

    try:
        return operation(**arguments)
    except ResourceNotFoundError:
        return None
    except (DecodeError, DeserializationError, ValueError):
        fact = "the answer is not one of Azure Resource Manager's"
        raise UnreachableError(arguments["what"], fact, "check the proxy (HTTPS_PROXY) and the cloud's endpoint, then run again") from None


class _HubCertificates:
    def __init__(self, client: AzureClient, owner: Service, api_version: str) -> None:
        self._operations = _hub_client(client, owner).certificates
        self._place = {"resource_group_name": owner.group, "resource_name": owner.name, "api_version": api_version}

    def list(self, **options: Any) -> Any:
        return called(self._operations.list_by_iot_hub, **self._place, **options)

    def get(self, name: str, **options: Any) -> Any:
        return called(self._operations.get, certificate_name=name, **self._place, **options)

    def create_or_update(self, name: str, body: dict[str, Any], etag: str | None, **options: Any) -> Any:
        sent = {"certificate_name": name, "certificate_description": _encoded(body), "if_match": etag}
        return called(self._operations.create_or_update, **sent, **self._place, **options)

    def delete(self, name: str, etag: str, **options: Any) -> Any:
        return called(self._operations.delete, certificate_name=name, if_match=etag, **self._place, **options)

    def generate_verification_code(self, name: str, etag: str, **options: Any) -> Any:
        return called(self._operations.generate_verification_code, certificate_name=name, if_match=etag, **self._place, **options)

    def verify(self, name: str, body: dict[str, Any], etag: str, **options: Any) -> Any:
        sent = {"certificate_name": name, "certificate_verification_body": _encoded(body), "if_match": etag}
        return called(self._operations.verify, **sent, **self._place, **options)


class _ProvisioningCertificates:
    def __init__(self, client: AzureClient, owner: Service, api_version: str) -> None:
        self._operations = _dps_client(client, owner, api_version).dps_certificate
        self._place = {"resource_group_name": owner.group, "provisioning_service_name": owner.name}

    def list(self, **options: Any) -> Any:
        return called(self._operations.list, **self._place, **options)

    def get(self, name: str, **options: Any) -> Any:
        return called(self._operations.get, certificate_name=name, **self._place, **options)

    def create_or_update(self, name: str, body: dict[str, Any], etag: str | None, **options: Any) -> Any:
        sent = {"certificate_name": name, "certificate_description": _encoded(body)} | ({"headers": {"If-Match": etag}} if etag else {})
        return called(self._operations.create_or_update, **sent, **self._place, **options)

    def delete(self, name: str, etag: str, **options: Any) -> Any:
        return called(self._operations.delete, certificate_name=name, **_if_match(etag), **self._place, **options)

    def generate_verification_code(self, name: str, etag: str, **options: Any) -> Any:
        return called(self._operations.generate_verification_code, certificate_name=name, **_if_match(etag), **self._place, **options)

    def verify(self, name: str, body: dict[str, Any], etag: str, **options: Any) -> Any:
        sent = {"certificate_name": name, "request": _encoded(body), **_if_match(etag)}
        return called(self._operations.verify_certificate, **sent, **self._place, **options)


def _if_match(etag: str) -> dict[str, Any]:
    """If-Match as the service gave the etag: the client (2.1.0) would put it in quotes, which the service does not use."""
    from azure.core import MatchConditions

    return {"etag": etag, "match_condition": MatchConditions.Unconditionally, "headers": {"If-Match": etag}}


def _encoded(body: dict[str, Any]) -> bytes:
    """As bytes, which both clients send unchanged: their models know the newest api-version's form only."""
    return json.dumps(body).encode()


def _hub_client(client: AzureClient, owner: Service) -> Any:
    from azure.mgmt.iothub.v2023_06_30 import IotHubClient

    credential: Any = client.login  # required and not used: the pipeline brings its own tokens
    return IotHubClient(credential, owner.subscription, client.endpoint, pipeline=client.pipeline, policies=[])


def _dps_client(client: AzureClient, owner: Service, api_version: str = API_VERSIONS["provisioningservices"]) -> Any:
    from azure.core import AzureClouds
    from azure.mgmt.iothubprovisioningservices import IotDpsClient

    credential: Any = client.login  # required and not used: the pipeline brings its own tokens
    options: dict[str, Any] = {"pipeline": client.pipeline, "policies": [], "cloud_setting": AzureClouds.AZURE_PUBLIC_CLOUD}
    return IotDpsClient(credential, owner.subscription, client.endpoint, api_version=api_version, **options)
