"""A job that ends by an error inside local Azure: whoever waits for it is told."""

import asyncio
from typing import Any

import pytest

from local_azure_iot.hub_registry import job_runs, registry_transfer
from tests.kit.hub_client import signature
from tests.local_azure.in_process import in_process

UPDATE = {"type": "scheduleUpdateTwin", "updateTwin": {"etag": "*", "tags": {"line": 7}}, "queryCondition": "*"}
EXPORT = {"type": "export", "outputBlobContainerUri": "https://blobs.example/devices?sv=2021-04-10&sig=c2ln"}


@pytest.mark.parametrize(
    ("part", "method", "path", "body"),
    [((job_runs, "_started"), "PUT", "/jobs/v2/j", UPDATE), ((registry_transfer, "_export"), "POST", "/jobs/create", EXPORT)],
    ids=["scheduled", "transfer"],
)
def test_an_error_inside_ends_the_job(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, part: tuple[Any, str], method: str, path: str, body: dict[str, Any]
) -> None:
    """It failed, with a line that names the log, where the error stands."""

    def broken(*_: Any) -> None:
        raise LookupError("a fault of ours")

    monkeypatch.setattr(*part, broken)
    with in_process() as azure:
        hub = azure.hub()
        host, version = f"{hub.rpartition('/')[2]}.azure-devices.net", "api-version=2021-04-12"
        key = azure.must("POST", f"{hub}/listkeys?api-version=2023-06-30")["value"][0]["primaryKey"]
        signed = {"host": host, "authorization": signature(host, "iothubowner", key)}
        job = azure.must(method, f"{path}?{version}", body, **signed)
        place = path if method == "PUT" else f"/jobs/{job['jobId']}"
        for _ in range(9):  # turns of the event loop, in which the job runs and ends
            azure.loop.run_until_complete(asyncio.sleep(0))
        found = azure.must("GET", f"{place}?{version}", **signed)
    assert found["status"] == "failed"
    assert found["failureReason"] == "an error inside local Azure (LookupError); its log says more"
    assert "a fault of ours" in caplog.text
