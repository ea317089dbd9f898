"""Operations on jobs: scheduled updates and methods, imports and exports of devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import errors, job_runs, registry_jobs, registry_transfer, scheduled_jobs, tier
from local_azure_iot.hub_registry.query_routes import page_size
from local_azure_iot.hub_registry.route_table import HubTable
from local_azure_iot.hub_registry.throttle import Operation
from local_azure_iot.routing import Evidence
from local_azure_iot.wire import NO_BODY, Reply, whole_number

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request

_SCHEDULED = {
    "jobId": str,
    "type": str,
    "cloudToDeviceMethod": dict,
    "updateTwin": {"tags": dict, "properties": {"desired": dict}},
    "queryCondition": str,
    "deviceIds": [str],
    "startTime": str,
    "maxExecutionTimeInSeconds": int,
}
_TRANSFER = {
    "type": str,
    "inputBlobContainerUri": str,
    "inputBlobName": str,
    "outputBlobContainerUri": str,
    "outputBlobName": str,
    "excludeKeysInExport": bool,
    "storageAuthenticationType": str,
    "identity": dict,
    "includeConfigurations": bool,
    "configurationsBlobName": str,
}


def put_scheduled(azure: Azure, request: Request) -> Reply:
    """Schedule a job: 200; 409 where there is one with the id."""
    hub_key, body = _hub_key(azure, request), request.json_object(_SCHEDULED)
    if body.get("jobId", request.parameters["job"]) != request.parameters["job"]:
        raise errors.argument_invalid(f"jobId '{body['jobId']}' in the body is not '{request.parameters['job']}' of the path")
    job = scheduled_jobs.create(azure, hub_key, request.parameters["job"], body)
    job_runs.begin(azure, hub_key, job)
    return Reply(body=scheduled_jobs.to_json(job))


def get_scheduled(azure: Azure, request: Request) -> Reply:
    """A scheduled job. An import or export is shown as unknown: az CLI's extension then asks for it as such."""
    hub_key, job_id = _hub_key(azure, request), request.parameters["job"]
    if scheduled_jobs.find(azure, hub_key, job_id) is None and registry_jobs.find(azure, hub_key, job_id) is not None:
        return Reply(body={"jobId": job_id, "type": "unknown", "status": "unknown"})
    job = scheduled_jobs.require(azure, hub_key, job_id)
    job_runs.begin(azure, hub_key, job)
    return Reply(body=scheduled_jobs.to_json(job))


def cancel_scheduled(azure: Azure, request: Request) -> Reply:
    """Cancel a job that has not begun."""
    hub_key = _hub_key(azure, request)
    job = scheduled_jobs.require(azure, hub_key, request.parameters["job"])
    scheduled_jobs.cancel(azure, hub_key, job)
    return Reply(body=scheduled_jobs.to_json(job))


def query_scheduled(azure: Azure, request: Request) -> Reply:
    """The scheduled jobs of a type and status, in pages."""
    hub_key, size = _hub_key(azure, request), page_size(request)
    kind, status = (request.query.get(name, "").lower() for name in ("jobtype", "jobstatus"))
    found = [
        job for job in scheduled_jobs.all_of(azure, hub_key) if kind in {"", job["type"].lower()} and status in {"", job["status"].lower()}
    ]
    start = whole_number(request.header("x-ms-continuation") or "0")
    if start is None:
        raise errors.argument_invalid("the continuation token is invalid")
    headers = {"x-ms-item-type": "JobResponse"} | ({"x-ms-continuation": str(start + size)} if len(found) > start + size else {})
    return Reply(body=[scheduled_jobs.to_json(job) for job in found[start : start + size]], headers=headers)


def create_transfer(azure: Azure, request: Request) -> Reply:
    """Begin an import or export of devices."""
    hub_key = request.parameters["hub_key"]
    job = registry_jobs.create(azure, hub_key, request.json_object(_TRANSFER))
    registry_transfer.begin(azure, hub_key, job)
    return Reply(body=registry_jobs.to_json(job))


def list_transfers(azure: Azure, request: Request) -> Reply:
    """The imports and exports of a hub."""
    return Reply(body=[registry_jobs.to_json(job) for job in registry_jobs.all_of(azure, request.parameters["hub_key"])])


def get_transfer(azure: Azure, request: Request) -> Reply:
    """An import or export."""
    hub_key = request.parameters["hub_key"]
    job = registry_jobs.require(azure, hub_key, request.parameters["job"])
    registry_transfer.begin(azure, hub_key, job)
    return Reply(body=registry_jobs.to_json(job))


def cancel_transfer(azure: Azure, request: Request) -> Reply:
    """Cancel an import or export: 204."""
    hub_key = request.parameters["hub_key"]
    registry_jobs.cancel(azure, hub_key, registry_jobs.require(azure, hub_key, request.parameters["job"]))
    return Reply(status=204, body=NO_BODY)


def _hub_key(azure: Azure, request: Request) -> str:
    hub_key: str = request.parameters["hub_key"]
    tier.require_standard(azure, hub_key)
    return hub_key


_TABLE = HubTable()
ROUTES, RIGHTS = _TABLE.routes, _TABLE.rights
_DOCUMENTED: Any = Evidence.DOCUMENTED
_READ, _WRITE, _DELETE = (
    (right, Operation.JOB, f"jobs/{action}")
    for right, action in (("RegistryRead", "read"), ("RegistryWrite", "write"), ("RegistryWrite", "delete"))
)
_RUN = "guesses: the job fails where all its devices do; codes of errors; any number of jobs at once"
_TABLE.add("Jobs_QueryScheduledJobs", "GET /jobs/v2/query", query_scheduled, *_READ, _DOCUMENTED)
_TABLE.add("Jobs_GetScheduledJob", "GET /jobs/v2/{job}", get_scheduled, *_READ, _DOCUMENTED)
_TABLE.add("Jobs_CreateScheduledJob", "PUT /jobs/v2/{job}", put_scheduled, *_WRITE, _DOCUMENTED, _RUN)
_TABLE.add(
    "Jobs_CancelScheduledJob",
    "POST /jobs/v2/{job}/cancel",
    cancel_scheduled,
    *_DELETE,
    _DOCUMENTED,
    "guess: a job that runs is not cancelled, 400",
)
_TABLE.add(
    "Jobs_CreateImportExportJob", "POST /jobs/create", create_transfer, *_WRITE, _DOCUMENTED,
    "with a SAS token in the URI; access by the hub's identity is answered 501; guess: the lines of importErrors.log",
)  # fmt: skip
_TABLE.add("Jobs_GetImportExportJobs", "GET /jobs", list_transfers, *_READ, _DOCUMENTED)
_TABLE.add("Jobs_GetImportExportJob", "GET /jobs/{job}", get_transfer, *_READ, _DOCUMENTED)
_TABLE.add(
    "Jobs_CancelImportExportJob", "DELETE /jobs/{job}", cancel_transfer, *_DELETE, Evidence.RECORDED, "recorded: a job that does not exist"
)
