"""Moves a hub's devices, modules and configurations to and from blobs, in the background.

One JSON object a line, as https://learn.microsoft.com/azure/iot-hub/iot-hub-bulk-identity-mgmt shows it. An import reads the lines that an
export writes; what it could not do is in the blob `importErrors.log` of the output container, whose lines are a guess.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from typing import IO, TYPE_CHECKING, Any

from local_azure_iot.blob_container import BlobContainer, ContainerError
from local_azure_iot.hub_registry import (
    authentication,
    bulk,
    configuration_passes,
    configurations,
    entries,
    errors,
    identities,
    job_documents,
    modules,
    registry_jobs,
    scopes,
    twins,
)
from local_azure_iot.microsoft_devices.lifecycle import DEVICE, REGISTRY_JOB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

_CHUNK = 200  # lines in one transaction
_FEW = 10  # configurations in one transaction, after which devices are looked at
_MANY = 1_000_000  # jobs; more than any hub has had
_IN_MEMORY = 1024 * 1024  # bytes; the rest of a blob that is being written is on disk
_WRITER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def begin(azure: Azure, hub_key: str, job: Document) -> None:
    """See to it that a job runs, unless it is over."""
    if job["status"] not in job_documents.OVER:
        name, job_id = f"transfer {entries.store_key(hub_key, job['id'])}", job["id"]
        azure.background.begin(name, lambda: _run(azure, hub_key, job_id), lambda reason: _fail(azure, hub_key, job_id, reason))


def resume(azure: Azure) -> None:
    """Begin again the jobs that a restart ended."""
    for key, job in azure.store.page(REGISTRY_JOB, "", "", _MANY):
        begin(azure, key.rpartition("/")[0], job)


async def _run(azure: Azure, hub_key: str, job_id: str) -> None:
    job = registry_jobs.find(azure, hub_key, job_id)
    if job is None or job["status"] in job_documents.OVER:
        return
    try:
        _update(azure, hub_key, job_id, status="running")
        await (_export if job["type"] == registry_jobs.EXPORT else _import)(azure, hub_key, job)
    except ContainerError as error:
        _fail(azure, hub_key, job_id, str(error))
    else:
        _update(azure, hub_key, job_id, status="completed", progress=100, end=twins.format_time(azure.clock.now()))


def _fail(azure: Azure, hub_key: str, job_id: str, reason: str) -> None:
    _update(azure, hub_key, job_id, status="failed", failure=reason, end=twins.format_time(azure.clock.now()))


def _update(azure: Azure, hub_key: str, job_id: str, **members: Any) -> bool:
    """Change a job that is not over. Whether it goes on."""
    with azure.store.transaction():
        job = registry_jobs.find(azure, hub_key, job_id)
        if job is None or job["status"] in job_documents.OVER:
            return False
        registry_jobs.save(azure, hub_key, {**job, **members})
        return True


async def _export(azure: Azure, hub_key: str, job: Document) -> None:
    container = BlobContainer(job["output"], azure.trusted_file)
    total, done = max(azure.store.count(DEVICE, f"{hub_key}/"), 1), 0
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as blob:
        after = f"{hub_key}/"
        while rows := azure.store.page(DEVICE, f"{hub_key}/", after, _CHUNK):
            for _, device in rows:
                for line in _lines(azure, hub_key, device, keys=not job["withoutKeys"]):
                    blob.write(line)
            after, done = rows[-1][0], done + len(rows)
            if not _update(azure, hub_key, job["id"], progress=min(99 * done // total, 99)):
                return
            await asyncio.sleep(0)
        if not _update(azure, hub_key, job["id"], progress=99):
            return
        await asyncio.to_thread(container.write, job["outputName"], blob)
    if job["configurationsName"]:
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as blob:
            for each in configurations.all_of(azure, hub_key):
                blob.write(_line(configurations.to_json(each, {})))
            await asyncio.to_thread(container.write, job["configurationsName"], blob)


def _lines(azure: Azure, hub_key: str, device: Document, *, keys: bool) -> Iterator[bytes]:
    """A device's line, and those of its modules."""
    yield _line({
        **_identity(device, {"id": device["id"]}, keys=keys),
        "status": device["status"],
        "statusReason": device["reason"] or "",
        **_twin(device),
        "capabilities": {"iotEdge": device["edge"]},
        **({"deviceScope": device["scope"]} if device["scope"] else {}),
        **({"parentScopes": device["parents"]} if device["parents"] else {}),
    })  # fmt: skip
    for module in modules.of_device(azure, hub_key, device["id"]):
        who = {"id": device["id"], "moduleId": module["id"], "managedBy": module["managedBy"]}
        yield _line({**_identity(module, who, keys=keys), **_twin(module)})


def _identity(identity: Document, who: dict[str, Any], *, keys: bool) -> dict[str, Any]:
    auth = identity["auth"] if keys else {**identity["auth"], "keys": [None, None]}
    shown = authentication.to_json(auth) | {"type": auth["type"]}
    return {**who, "eTag": entries.etag(identity), "authentication": shown}


def _twin(identity: Document) -> dict[str, Any]:
    twin = identity["twin"]
    properties = {"desired": twins.properties(twin["desired"]), "reported": twins.properties(twin["reported"])}
    return {"twinETag": twins.etag(twin), "tags": twin["tags"], "properties": properties}


def _line(value: dict[str, Any]) -> bytes:
    return _WRITER.encode(value).encode("utf-8", "backslashreplace") + b"\n"


async def _import(azure: Azure, hub_key: str, job: Document) -> None:
    source, target = (BlobContainer(job[name], azure.trusted_file) for name in ("input", "output"))
    later: list[bytes] = []
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as refused:
        with await asyncio.to_thread(source.read, job["inputName"]) as blob:
            size = max(blob.seek(0, 2), 1)
            blob.seek(0)
            while lines := [line for _, line in zip(range(_CHUNK), blob, strict=False)]:
                with azure.store.transaction():
                    if not _update(azure, hub_key, job["id"], progress=min(99 * blob.tell() // size, 99)):
                        return
                    _import_lines(azure, hub_key, lines, refused, later)
                await asyncio.sleep(0)
        for start in range(0, len(later), _CHUNK):
            with azure.store.transaction():
                if not _update(azure, hub_key, job["id"], progress=99):
                    return
                _import_lines(azure, hub_key, later[start : start + _CHUNK], refused, None)
            await asyncio.sleep(0)
        if job["configurationsName"]:
            with await asyncio.to_thread(source.read, job["configurationsName"]) as blob:
                while lines := [line for _, line in zip(range(_FEW), blob, strict=False)]:
                    with azure.store.transaction():
                        if not _update(azure, hub_key, job["id"], progress=99):
                            return
                        _import_configurations(azure, hub_key, lines, refused)
                    await asyncio.sleep(0)
        if refused.tell():
            await asyncio.to_thread(target.write, job["outputName"], refused)


def _import_lines(azure: Azure, hub_key: str, lines: list[bytes], refused: IO[bytes], later: list[bytes] | None) -> None:
    """Import lines. With ``later``, those whose parent is not there yet are put there."""
    for line in lines:
        item = _object(line, refused)
        if item is not None:
            _import_item(azure, hub_key, item, line, refused, later)


def _import_item(azure: Azure, hub_key: str, item: dict[str, Any], line: bytes, refused: IO[bytes], later: list[bytes] | None) -> None:
    try:
        found = scopes.moved(item, lambda device: identities.find(azure, hub_key, device))
        bulk.apply_item(azure, hub_key, found, default_mode="createOrUpdate")
    except errors.RegistryError as error:
        waits = item.get("deviceScope") or item.get("parentScopes")
        if later is not None and waits:
            later.append(line)
            return
        who = {"deviceId": item.get("id"), "moduleId": item.get("moduleId")}
        refused.write(_line({**who, "errorCode": error.number, "errorStatus": error.message}))


def _import_configurations(azure: Azure, hub_key: str, lines: list[bytes], refused: IO[bytes]) -> None:
    for line in lines:
        item = _object(line, refused)
        if item is None:
            continue
        try:
            known = {each["id"]: each for each in configurations.all_of(azure, hub_key)}
            if found := known.get(str(item.get("id"))):
                configurations.update(azure, hub_key, found, item)
            else:
                configurations.create(azure, hub_key, item, most=configurations.MAX_CONFIGURATIONS)
        except errors.RegistryError as error:
            refused.write(_line({"configurationId": item.get("id"), "errorCode": error.number, "errorStatus": error.message}))
    configuration_passes.begin(azure, hub_key)


def _object(line: bytes, refused: IO[bytes]) -> dict[str, Any] | None:
    """A line's object; None for an empty line, and for another that is no object, which is recorded."""
    text = line.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        item = json.loads(text) if text else None
    except (ValueError, RecursionError):
        item = []
    if item is not None and not isinstance(item, dict):
        refused.write(_line({"deviceId": None, "errorCode": 400006, "errorStatus": f"not a JSON object: {text[:80]!r}"}))
    return item if isinstance(item, dict) else None
