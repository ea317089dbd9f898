"""What a scheduled job does on each of its devices, in the background."""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import (
    entries,
    errors,
    identities,
    job_documents,
    method_calls,
    modules,
    query_scans,
    scheduled_jobs,
    twins,
)
from local_azure_iot.microsoft_devices.lifecycle import DEVICE_JOB, SCHEDULED_JOB

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

    Target = tuple[str, str]  # the ids of a device and of its module; no module: the empty string

_CALLED, _UPDATED = 100, 50  # calls at once; devices that are updated in one transaction
_GATHERED = 200  # devices that are looked at in one transaction, for whether they are targets
_MANY = 1_000_000  # jobs; more than any hub has had
_LOOK_SECONDS = 0.1  # how often a job that is to start later looks at the clock, which a test may set


def begin(azure: Azure, hub_key: str, job: Document) -> None:
    """See to it that a job runs when it is due, unless it is over."""
    if job["status"] not in job_documents.OVER:
        name, job_id = f"job {entries.store_key(hub_key, job['id'])}", job["id"]
        azure.background.begin(name, lambda: _run(azure, hub_key, job_id), lambda reason: _fail(azure, hub_key, job_id, reason))


def resume(azure: Azure) -> None:
    """Go on with the jobs that a restart ended, or that are to start later."""
    for key, job in azure.store.page(SCHEDULED_JOB, "", "", _MANY):
        begin(azure, key.rpartition("/")[0], job)


async def _run(azure: Azure, hub_key: str, job_id: str) -> None:
    if not await _due(azure, hub_key, job_id):
        return
    try:
        with azure.store.transaction():
            job = _started(azure, hub_key, job_id)
        while job["gathered"] is not None:
            with azure.store.transaction():
                job = _gathered(azure, hub_key, job_id)
            await asyncio.sleep(0)
        after, most = "", _UPDATED if job["type"] == scheduled_jobs.UPDATE else _CALLED
        while parts := scheduled_jobs.parts_of_job(azure, hub_key, job_id, after, most):
            after = parts[-1][0]
            targets = [(part["deviceId"], part.get("moduleId", "")) for _, part in parts if part["status"] == "pending"]
            await _do(azure, hub_key, job, targets)
            await asyncio.sleep(0)
        _end(azure, hub_key, job, "failed" if 0 < job["counts"]["device"] == job["counts"]["failed"] else "completed", None)
    except errors.RegistryError as error:
        _fail(azure, hub_key, job_id, error.message)


async def _do(azure: Azure, hub_key: str, job: Document, targets: list[Target]) -> None:
    """Do a job's work on some devices, and record it: with an update in one transaction, so that none is made twice."""
    if job["type"] == scheduled_jobs.UPDATE:
        with azure.store.transaction():
            _record(azure, hub_key, job, {target: _updated(azure, hub_key, job, target) for target in targets})
        return
    results = await asyncio.gather(*(_called(azure, hub_key, job, target) for target in targets))
    with azure.store.transaction():
        _record(azure, hub_key, job, dict(zip(targets, results, strict=True)))


async def _due(azure: Azure, hub_key: str, job_id: str) -> bool:
    """Wait until a job is to start. Whether it is: not if it was cancelled meanwhile, or its hub deleted."""
    while True:
        job = scheduled_jobs.find(azure, hub_key, job_id)
        if job is None or job["status"] in job_documents.OVER:
            return False
        remaining = (datetime.fromisoformat(job["start"]) - azure.clock.now()).total_seconds()
        if remaining <= 0:
            return True
        await asyncio.sleep(min(remaining, _LOOK_SECONDS))


def _started(azure: Azure, hub_key: str, job_id: str) -> Document:
    """The job as it runs: anew, or where a restart ended it."""
    job = scheduled_jobs.require(azure, hub_key, job_id)
    if job["status"] == "running":
        job.setdefault("gathered", None)
        return job
    job |= {
        "began": azure.clock.now().isoformat(),
        "status": "running",
        "counts": {"device": 0, "failed": 0, "succeeded": 0, "running": 0, "pending": 0},
        "gathered": "",  # where its targets have been looked for; None: everywhere
    }
    scheduled_jobs.save(azure, hub_key, job)
    return job


def _gathered(azure: Azure, hub_key: str, job_id: str) -> Document:
    """The job with its next targets: those that meet its condition as it comes to them."""
    from local_azure_iot.query_language import parser

    job = scheduled_jobs.require(azure, hub_key, job_id)
    query = parser.parse_target(job["condition"])
    found = list(itertools.islice(query_scans.documents(azure, hub_key, query.source, job["gathered"]), _GATHERED))
    for twin in (twin for _, twin in found if query.selects(twin)):
        _put_part(azure, hub_key, job, (twin["deviceId"], twin.get("moduleId", "")), {"status": "pending"})
        job["counts"]["device"] += 1
        job["counts"]["pending"] += 1
    job["gathered"] = found[-1][0] if len(found) == _GATHERED else None
    scheduled_jobs.save(azure, hub_key, job)
    return job


def _updated(azure: Azure, hub_key: str, job: Document, target: Target) -> dict[str, Any]:
    try:
        _require_time(azure, job)
        device = identities.require(azure, hub_key, target[0])
        if target[1]:
            modules.change_twin(azure, hub_key, modules.require(azure, hub_key, *target), job["update"], replace=False)
        else:
            identities.change_twin(azure, hub_key, device, job["update"])
    except errors.RegistryError as error:
        return _failure(error)
    return {"status": "completed", "outcome": {"deviceMethodResponse": None}}


async def _called(azure: Azure, hub_key: str, job: Document, target: Target) -> dict[str, Any]:
    try:
        _require_time(azure, job)
        status, payload = await method_calls.method_call(job["method"]).of(azure, hub_key, *target)
    except errors.RegistryError as error:
        return _failure(error)
    return {"status": "completed", "outcome": {"deviceMethodResponse": {"status": status, "payload": payload}}}


def _require_time(azure: Azure, job: Document) -> None:
    if azure.clock.now() > scheduled_jobs.deadline(job):
        raise errors.RegistryError(400, 400025, "RequestTimedOut", "The job's maxExecutionTimeInSeconds was over before its turn came.")


def _failure(error: errors.RegistryError) -> dict[str, Any]:
    return {"status": "failed", "error": {"code": error.name, "description": error.message}}


def _record(azure: Azure, hub_key: str, job: Document, results: dict[Target, dict[str, Any]]) -> None:
    """Write what became of some devices, and the job's counts."""
    if scheduled_jobs.find(azure, hub_key, job["id"]) is None:
        return  # its hub was deleted meanwhile
    for target, result in results.items():
        _put_part(azure, hub_key, job, target, {**result, "endTimeUtc": twins.format_time(azure.clock.now())})
        job["counts"]["failed" if result["status"] == "failed" else "succeeded"] += 1
        job["counts"]["pending"] -= 1
    scheduled_jobs.save(azure, hub_key, job)


def _put_part(azure: Azure, hub_key: str, job: Document, target: Target, result: dict[str, Any]) -> None:
    device, module = target
    part = {
        "deviceId": device,
        **({"moduleId": module} if module else {}),
        "jobId": job["id"],
        "jobType": job["type"],
        "startTimeUtc": twins.format_time(datetime.fromisoformat(job["start"])),
        "createdDateTimeUtc": job["created"],
        "lastUpdatedDateTimeUtc": twins.format_time(azure.clock.now()),
        **result,
    }
    azure.store.put(DEVICE_JOB, scheduled_jobs.part_key(hub_key, job["id"], device, module), part)


def _fail(azure: Azure, hub_key: str, job_id: str, reason: str) -> None:
    if found := scheduled_jobs.find(azure, hub_key, job_id):  # None: its hub was deleted meanwhile
        _end(azure, hub_key, found, "failed", reason)


def _end(azure: Azure, hub_key: str, job: Document, status: str, failure: str | None) -> None:
    with azure.store.transaction():
        if scheduled_jobs.find(azure, hub_key, job["id"]) is not None:
            scheduled_jobs.save(azure, hub_key, {**job, "status": status, "failure": failure, "end": twins.format_time(azure.clock.now())})
