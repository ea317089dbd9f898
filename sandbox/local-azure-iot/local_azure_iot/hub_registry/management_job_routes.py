"""Operations on a hub's imports and exports at Resource Manager."""

from __future__ import annotations

import email.utils
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import errors, registry_jobs, registry_transfer
from local_azure_iot.microsoft_devices import errors as devices
from local_azure_iot.microsoft_devices import hubs, lifecycle
from local_azure_iot.microsoft_devices.versions import HUB_VERSIONS
from local_azure_iot.resource_manager import errors as arm
from local_azure_iot.resource_manager.request_ids import resource_id
from local_azure_iot.routing import Evidence, table
from local_azure_iot.wire import Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request

_CONTAINER = {"authenticationType": str, "identity": dict, "includeConfigurations": bool, "configurationsBlobName": str}
_EXPORT = _CONTAINER | {"exportBlobContainerUri": str, "excludeKeys": bool, "exportBlobName": str}
_IMPORT = _CONTAINER | {"inputBlobContainerUri": str, "outputBlobContainerUri": str, "inputBlobName": str, "outputBlobName": str}


def export_devices(azure: Azure, request: Request) -> Reply:
    """Begin an export of the hub's devices."""
    body = request.json_object(_EXPORT)
    asked = {"outputBlobContainerUri": body.get("exportBlobContainerUri"), "outputBlobName": body.get("exportBlobName")}
    return _begin(azure, request, body, {**asked, "type": registry_jobs.EXPORT, "excludeKeysInExport": body.get("excludeKeys")})


def import_devices(azure: Azure, request: Request) -> Reply:
    """Begin an import of devices into the hub."""
    body = request.json_object(_IMPORT)
    return _begin(azure, request, body, {**body, "type": registry_jobs.IMPORT})


def _begin(azure: Azure, request: Request, body: dict[str, Any], asked: dict[str, Any]) -> Reply:
    hub_key = _hub_key(azure, request)
    shared = {name: body.get(name) for name in ("identity", "includeConfigurations", "configurationsBlobName")}
    try:
        job = registry_jobs.create(azure, hub_key, {**asked, **shared, "storageAuthenticationType": body.get("authenticationType")})
    except errors.RegistryError as error:  # in the words of the hub's own endpoint, and in the envelope of this one
        if error.status == 501:  # noqa: PLR2004 - access by the hub's identity
            raise arm.identity_based_access() from error
        raise devices.DevicesError(error.status, error.number, error.message, devices.Service.HUB) from error
    registry_transfer.begin(azure, hub_key, job)
    return Reply(body=_json(job))


def list_jobs(azure: Azure, request: Request) -> Reply:
    """The imports and exports of the hub."""
    return Reply(body={"value": [_json(job) for job in registry_jobs.all_of(azure, _hub_key(azure, request))]})


def get_job(azure: Azure, request: Request) -> Reply:
    """An import or export of the hub."""
    hub_key = _hub_key(azure, request)
    job = registry_jobs.find(azure, hub_key, request.parameters["job"])
    if job is None:
        raise devices.job_not_found(request.parameters["job"])
    registry_transfer.begin(azure, hub_key, job)
    return Reply(body=_json(job))


def _hub_key(azure: Azure, request: Request) -> str:
    hubs.require(azure, resource_id(request))
    return lifecycle.store_key(resource_id(request), lifecycle.HUB)


def _json(job: dict[str, Any]) -> dict[str, Any]:
    times = {name: _rfc_1123(job[member]) for name, member in (("startTimeUtc", "start"), ("endTimeUtc", "end"))}
    body = {"jobId": job["id"], **times, "type": job["type"], "status": job["status"], "failureReason": job["failure"]}
    return {**body, "statusMessage": None, "parentJobId": None}


def _rfc_1123(text: str | None) -> str | None:
    return email.utils.format_datetime(datetime.fromisoformat(text), usegmt=True) if text else None


_ONE = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Devices/IotHubs/{name}"
_ACTION, _DOCUMENTED = "Microsoft.Devices/IotHubs", Evidence.DOCUMENTED
_IDENTITY = "with a SAS token in the URI; access by the hub's identity is answered 501"
ROUTES = table(
    (
        ("IotHubResource_ListJobs", "GET", f"{_ONE}/jobs", list_jobs, _DOCUMENTED, f"{_ACTION}/jobs/read"),
        ("IotHubResource_GetJob", "GET", f"{_ONE}/jobs/{{job}}", get_job, Evidence.RECORDED, f"{_ACTION}/jobs/read"),
        (
            "IotHubResource_ExportDevices", "POST", f"{_ONE}/exportDevices", export_devices, _DOCUMENTED,
            f"{_ACTION}/exportDevices/action", _IDENTITY,
        ),
        (
            "IotHubResource_ImportDevices", "POST", f"{_ONE}/importDevices", import_devices, _DOCUMENTED,
            f"{_ACTION}/importDevices/action", _IDENTITY,
        ),
    ),
    versions=HUB_VERSIONS,
    resource_type="Microsoft.Devices/IotHubs",
)  # fmt: skip
