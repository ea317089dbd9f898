"""`/metadata/endpoints`: where a client that knows one address finds the others.

Shapes: one object at api-version 2015-01-01 (the oldest, few members) and 2022-09-01 (what azure-native and go-azure-sdk read);
a list of the clouds at 2019-05-01 and 2020-06-01 (what az CLI reads from ARM_CLOUD_METADATA_URL).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot import host_names
from local_azure_iot.resource_manager import errors
from local_azure_iot.routing import Evidence, Route
from local_azure_iot.wire import Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request

VERSIONS = ("2015-01-01", "2018-05-01", "2019-05-01", "2020-06-01", "2022-09-01")
_LISTS = ("2019-05-01", "2020-06-01")


def endpoints(_azure: Azure, request: Request) -> Reply:
    """The cloud's endpoints, without a token."""
    version = request.api_version
    if not version:
        raise errors.api_version_missing()
    if version not in VERSIONS:
        raise errors.api_version_invalid(version, VERSIONS)
    here = request.base_url if request.destination.endpoint is host_names.Endpoint.LOOPBACK else ""
    cloud = request.destination.cloud
    if version in _LISTS:
        others = [each for each in host_names.CLOUDS if each is not cloud]
        return Reply(body=[_cloud(cloud, here), *(_cloud(each, "") for each in others)])
    if version in {"2015-01-01", "2018-05-01"}:
        full = _cloud(cloud, here)
        authentication = {key: full["authentication"][key] for key in ("loginEndpoint", "audiences")}
        body = {
            "galleryEndpoint": full["gallery"],
            "graphEndpoint": full["graph"],
            "portalEndpoint": full["portal"],
            "graphAudience": full["graphAudience"],
        }
        return Reply(body={**body, "authentication": authentication})
    return Reply(body=_cloud(cloud, here))


def _cloud(cloud: host_names.AzureCloud, here: str) -> dict[str, Any]:
    login = here or f"https://{cloud.login[0]}"
    return {
        "portal": cloud.portal,
        "authentication": {
            "loginEndpoint": f"{login}/",
            "audiences": [cloud.audiences[0], f"https://{cloud.arm}/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "media": f"https://rest.media.{cloud.storage_suffix}",
        "graphAudience": cloud.graph,
        "graph": cloud.graph,
        "microsoftGraphResourceId": cloud.graph,
        "name": cloud.name,
        "suffixes": {
            "storage": cloud.storage_suffix,
            "keyVaultDns": cloud.key_vault_suffix,
            "iotHub": cloud.hub_suffix,
            "iotDps": cloud.provisioning_suffix,
        },
        "batch": "",
        "resourceManager": here or f"https://{cloud.arm}/",
        "activeDirectoryDataLake": "",
        "vmImageAliasDoc": "",
        "sqlManagement": "",
        "gallery": f"https://gallery.{cloud.arm.partition('.')[2]}/",
    }


ROUTES = [
    Route(
        operation="Metadata endpoints",
        method="GET",
        path="/metadata/endpoints",
        handler=endpoints,
        evidence=Evidence.DOCUMENTED,
        note="; ".join(VERSIONS),
    )
]
