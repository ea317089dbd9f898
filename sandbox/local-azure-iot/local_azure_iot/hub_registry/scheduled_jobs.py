"""Scheduled jobs: updates of twins and calls of direct methods on many devices, now or later; their documents and JSON.

Sources: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-jobs, https://learn.microsoft.com/azure/iot-hub/query-jobs, Azure's
OpenAPI file and az CLI's extension. What a job does on each device: `job_runs`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import entries, errors, job_errors, method_calls, twins
from local_azure_iot.hub_registry.job_documents import JobDocuments
from local_azure_iot.microsoft_devices.lifecycle import DEVICE_JOB, SCHEDULED_JOB
from local_azure_iot.query_language.query import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

UPDATE, METHOD = "scheduleUpdateTwin", "scheduleDeviceMethod"
_ID = re.compile(r"[A-Za-z0-9\-]{1,64}")
_DEFAULT_SECONDS, _MOST_SECONDS = 3600, 2**31 - 1  # that there is a most is a guess
_JOBS = JobDocuments(SCHEDULED_JOB)
find, require, all_of, save = _JOBS.find, _JOBS.require, _JOBS.all_of, _JOBS.save


def create(azure: Azure, hub_key: str, job_id: str, body: dict[str, Any]) -> Document:
    """Create a job that has yet to run.

    Raises:
        RegistryError: It exists, or a member of the body is invalid.
    """
    if not _ID.fullmatch(job_id):
        raise errors.argument_invalid(f"The job id '{job_id[:65]}' is not valid: 1 to 64 ASCII letters, digits and dashes")
    if find(azure, hub_key, job_id) is not None:
        raise job_errors.job_exists(job_id)
    now = azure.clock.now()
    start, seconds = _start(body.get("startTime"), now), body.get("maxExecutionTimeInSeconds") or _DEFAULT_SECONDS
    if not 0 <= seconds <= _MOST_SECONDS:
        raise errors.argument_invalid(f"maxExecutionTimeInSeconds must be 1 to {_MOST_SECONDS}, not {seconds}")
    job: Document = {
        "id": job_id,
        "type": body.get("type"),
        "condition": _condition(body),
        "update": body.get("updateTwin"),
        "method": body.get("cloudToDeviceMethod"),
        "created": twins.format_time(now),
        "start": start.isoformat(),
        "end": None,
        "seconds": seconds,
        "status": "scheduled" if start > now else "queued",
        "failure": None,
        "counts": {},
    }
    _check_work(job)
    save(azure, hub_key, job)
    return job


def _start(text: str | None, now: datetime) -> datetime:
    if not text:
        return now
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise errors.argument_invalid(f"startTime '{text[:80]}' is not a time in ISO 8601") from None


def _condition(body: dict[str, Any]) -> str:
    from local_azure_iot.query_language import parser

    condition: str = body.get("queryCondition") or ""
    if not condition and (devices := body.get("deviceIds")):  # of the first api-versions
        names = "', '".join(device.replace("'", "''") for device in devices)
        condition = f"deviceId IN ['{names}']"
    try:
        parser.parse_target(condition)
    except QueryError:
        raise errors.query_invalid() from None
    return condition


def _check_work(job: Document) -> None:
    if job["type"] == METHOD:
        method_calls.method_call(job["method"] or {})
    elif job["type"] == UPDATE:
        if job["update"] is None:
            raise errors.argument_invalid("updateTwin is missing")
        twins.update(twins.new_twin(datetime.now(UTC)), job["update"], datetime.now(UTC), replace=False)
    else:
        raise errors.argument_invalid(f"type must be {UPDATE} or {METHOD}; it is {errors.said(job['type'])}")


def cancel(azure: Azure, hub_key: str, job: Document) -> None:
    """Cancel a job that has not begun.

    Raises:
        RegistryError: It runs, or is over.
    """
    if job["status"] not in {"queued", "scheduled"}:
        raise job_errors.not_cancellable(job["id"], job["status"])
    job |= {"status": "cancelled", "end": twins.format_time(azure.clock.now())}
    save(azure, hub_key, job)


def deadline(job: Document) -> datetime:
    """When what is not done by then fails; its start may have been in the past."""
    return datetime.fromisoformat(job["began"]) + timedelta(seconds=job["seconds"])


def to_json(job: Document) -> dict[str, Any]:
    """A job as Azure returns it."""
    body: dict[str, Any] = {
        "jobId": job["id"],
        "queryCondition": job["condition"],
        "createdTime": job["created"],
        "startTime": twins.format_time(datetime.fromisoformat(job["start"])),
        "endTime": job["end"],
        "maxExecutionTimeInSeconds": job["seconds"],
        "type": job["type"],
        "cloudToDeviceMethod": job["method"],
        "updateTwin": job["update"],
        "status": job["status"],
        "failureReason": job["failure"],
    }
    counts = job["counts"]
    if counts:
        names = ("device", "failed", "succeeded", "running", "pending")
        body["deviceJobStatistics"] = {f"{name}Count": counts.get(name, 0) for name in names}
    return {name: value for name, value in body.items() if value is not None}


def part_key(hub_key: str, job_id: str, device: str, module: str) -> str:
    """The store key of what a job does on a device or module."""
    return f"{entries.store_key(hub_key, job_id)}/{device}/{module}"


def parts_of_job(azure: Azure, hub_key: str, job_id: str, after: str, most: int) -> list[tuple[str, dict[str, Any]]]:
    """The keys and JSON of a job's parts, at most so many, after the key ``after``."""
    return azure.store.page(DEVICE_JOB, f"{entries.store_key(hub_key, job_id)}/", after, most)


def parts_of_hub(azure: Azure, hub_key: str, after: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The place and the JSON of each device's part of each job of a hub after the place ``after``: what `devices.jobs` holds."""
    prefix = f"{hub_key}/"
    for key, part in azure.store.documents(DEVICE_JOB, prefix, prefix + after):
        yield key.removeprefix(prefix), part
