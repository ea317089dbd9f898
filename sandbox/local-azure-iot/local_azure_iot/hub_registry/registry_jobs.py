"""Imports and exports of a hub's devices: their documents and JSON. What they do: `registry_transfer`.

Sources: https://learn.microsoft.com/azure/iot-hub/iot-hub-bulk-identity-mgmt and Azure's OpenAPI file.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from local_azure_iot.blob_container import BlobContainer, ContainerError
from local_azure_iot.hub_registry import errors, job_errors, twins
from local_azure_iot.hub_registry.job_documents import OVER, JobDocuments
from local_azure_iot.microsoft_devices.lifecycle import REGISTRY_JOB

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

IMPORT, EXPORT = "import", "export"
_JOBS = JobDocuments(REGISTRY_JOB)
find, require, all_of, save = _JOBS.find, _JOBS.require, _JOBS.all_of, _JOBS.save


def create(azure: Azure, hub_key: str, body: dict[str, Any]) -> Document:
    """Create a job that has yet to run.

    Raises:
        RegistryError: A member of the body is invalid, or it asks for access by the hub's identity.
    """
    kind, how = body.get("type"), body.get("storageAuthenticationType") or "keyBased"
    if kind not in {IMPORT, EXPORT}:
        raise errors.argument_invalid(f"type must be {IMPORT} or {EXPORT}; it is {errors.said(kind)}")
    if how.lower() == "identitybased" or body.get("identity"):
        raise job_errors.identity_not_implemented()
    for member in ("inputBlobContainerUri", "outputBlobContainerUri") if kind == IMPORT else ("outputBlobContainerUri",):
        try:
            BlobContainer(body.get(member) or "").check()
        except ContainerError as error:
            raise job_errors.container_invalid(f"{member}: {error}") from error
    job: Document = {
        "id": str(uuid.uuid4()),
        "type": kind,
        "status": "enqueued",
        "progress": 0,
        "start": twins.format_time(azure.clock.now()),
        "end": None,
        "failure": None,
        "input": body.get("inputBlobContainerUri"),
        "output": body.get("outputBlobContainerUri"),
        "inputName": body.get("inputBlobName") or "devices.txt",
        "outputName": body.get("outputBlobName") or ("devices.txt" if kind == EXPORT else "importErrors.log"),
        "configurationsName": (body.get("configurationsBlobName") or "configurations.txt") if body.get("includeConfigurations") else None,
        "withoutKeys": body.get("excludeKeysInExport") is True,
    }
    save(azure, hub_key, job)
    return job


def cancel(azure: Azure, hub_key: str, job: Document) -> None:
    """Cancel a job. What it has imported stays. A job that is over stays as it is."""
    if job["status"] not in OVER:
        save(azure, hub_key, {**job, "status": "cancelled", "end": twins.format_time(azure.clock.now())})


def to_json(job: Document) -> dict[str, Any]:
    """A job as Azure returns it."""
    body = {
        "jobId": job["id"],
        "startTimeUtc": job["start"],
        "endTimeUtc": job["end"],
        "type": job["type"],
        "status": job["status"],
        "progress": job["progress"],
        "inputBlobContainerUri": job["input"],
        "inputBlobName": job["inputName"] if job["type"] == IMPORT else None,
        "outputBlobContainerUri": job["output"],
        "outputBlobName": job["outputName"],
        "excludeKeysInExport": job["withoutKeys"],
        "storageAuthenticationType": "keyBased",
        "includeConfigurations": job["configurationsName"] is not None,
        "configurationsBlobName": job["configurationsName"],
        "failureReason": job["failure"],
    }
    return {name: value for name, value in body.items() if value is not None}
