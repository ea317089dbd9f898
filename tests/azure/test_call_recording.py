"""The recording of calls: off by default, each call's form in it, and nothing that a call was about."""

import json
from pathlib import Path

import pytest

from hubtrust.azure.call_recording import VARIABLE, RecordingError, recording
from hubtrust.azure.call_shape import masked_headers, masked_url, shape
from hubtrust.azure.errors import AzureError
from tests.kit.scripted_azure import HUB, scripted, shown

VERSION = "2023-06-30"


def test_off_unless_a_file_is_named() -> None:
    """No variable, no policy; a file that can't be written is told before the first call."""
    assert recording({}) == []
    assert recording({VARIABLE: ""}) == []
    with pytest.raises(RecordingError, match="it can't be written: No such file or directory; name a file"):
        recording({VARIABLE: "/nowhere/calls.jsonl"})


def test_each_attempt_is_recorded_with_its_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt that is retried, one that fails and one without an answer are there, in order; names, etags and tokens are not."""
    file = tmp_path / "calls.jsonl"
    monkeypatch.setenv(VARIABLE, str(file))
    busy = (503, {}, {"error": {"code": "ServerBusy", "message": "of plant-a"}})
    refused = (400, {}, {"code": 400053, "httpStatusCode": "BadRequest", "message": "Proof-Of-Possession failed: plant-a"})
    answer = (200, {"ETag": '"e77"', "Retry-After": "15"}, shown("plant-a", etag="e77"))
    with scripted(busy, answer, (0, {}, None), refused) as azure:
        certificates = azure.certificates()
        assert certificates.get("plant-a")
        with pytest.raises(AzureError, match="400053"):
            certificates.get("plant-a")
    text = file.read_text()
    calls = [json.loads(line) for line in text.splitlines()]
    assert [(call["status"], call["error"]) for call in calls] == [
        (503, "ServerBusy"),
        (200, None),
        (None, "ServiceResponseError"),
        (400, "400053"),
    ]
    assert {(call["method"], call["url"], call["apiVersion"]) for call in calls} == {
        ("GET", "{host}/subscriptions/{…}/resourceGroups/{…}/providers/Microsoft.Devices/IotHubs/{…}/certificates/{…}", VERSION)
    }
    assert calls[1]["headers"] | {"content-type": ""} == {"content-type": "", "etag": "quoted", "retry-after": "seconds"}
    assert calls[1]["answer"]["properties.isVerified"] == ["boolean"]
    assert calls[1]["answer"]["id"] == ["resource id"]
    assert not [word for word in ("plant-a", "e77", "hub-7", "token", "127.0.0.1", "Possession", "AB" * 20) if word in text]


@pytest.mark.parametrize(
    ("url", "form"),
    [
        (f"https://management.azure.com{HUB}?api-version=2023-06-30", f"{{resource-manager}}{HUB}"),
        ("https://plant.azure-devices.net/devices/query?api-version=2021-04-12", "{hub}/devices/query"),
        ("https://plant.azure-devices.net/devices/press-1/modules/devices", "{hub}/devices/{…}/modules/{…}"),
        ("https://global.azure-devices-provisioning.us/enrollmentGroups/certificates", "{provisioning-service}/enrollmentGroups/{…}"),
        ("https://management.azure.com/subscriptions/s/secret-word/x?t=638&c=MII", "{resource-manager}/subscriptions/{…}/{…}/{…}?c&t"),
        ("https://azure-devices.net.evil.example/devices", "{host}/devices"),
        ("https://[", "{address}"),
    ],
)
def test_what_is_kept_of_a_url(url: str, form: str) -> None:
    """Azure's own words, where a name can't stand; everything else is masked."""
    expected = form
    for name in ("/s/", "/g/", "/hub-7"):
        expected = expected.replace(name, "/{…}/" if name.endswith("/") else "/{…}")
    assert masked_url(url)[0] == expected


def test_what_is_kept_of_a_body() -> None:
    """Types and Azure's keys; keys that users choose, and values, are not there."""
    body = {
        "properties": {"created": "Fri, 03 Nov 2023 22:40:32 GMT", "expiry": "2031-01-01T00:00:00Z", "n": 1, "on": True, "off": None},
        "tags": {"plant-line": {"owner": ""}, "$metadata": {"plant-line": []}},
        "value": [{"a": 1}, {"a": "x"}, 3],
        "press-00017": {},
        "9b2e a": "",
    }
    assert shape(json.dumps(body).encode()) == {
        "": ["object"],
        "properties": ["object"],
        "properties.created": ["date of RFC 1123"],
        "properties.expiry": ["date of ISO 8601"],
        "properties.n": ["number"],
        "properties.off": ["null"],
        "properties.on": ["boolean"],
        "tags": ["object"],
        "tags.$metadata": ["object"],
        "tags.$metadata.{key}": ["list"],
        "tags.{key}": ["object"],
        "tags.{key}.{key}": ["empty string"],
        "value": ["list"],
        "value[]": ["number", "object"],
        "value[].a": ["number", "string"],
        "{key}": ["empty string", "object"],
    }
    assert shape(b"") is None
    assert shape(b" ") is None
    assert shape(b"<html>") == shape(b"[" * 100_000) == shape(b"\xff") == "not JSON"


def test_what_is_kept_of_headers() -> None:
    """The form of each value, and only of the headers that are asked for."""
    headers = {"ETag": "AAAA", "If-Match": "*", "Location": "https://h.azure-devices.net/jobs/7", "WWW-Authenticate": 'Bearer realm="t"'}
    headers |= {
        "Content-Type": "application/json; charset=utf-8",
        "Authorization": "Bearer x",
        "Retry-After": "Fri",
        "x-ms-request-id": "7",
    }
    names = ("etag", "if-match", "location", "www-authenticate", "content-type", "retry-after", "x-ms-request-id", "x-none")
    assert masked_headers(headers, names) == {
        "etag": "bare",
        "if-match": "*",
        "location": "{hub}/{…}/{…}",
        "www-authenticate": "Bearer",
        "content-type": "application/json; charset=utf-8",
        "retry-after": "other",
        "x-ms-request-id": "present",
    }
    assert masked_headers({"ETag": 'W/"a"', "Content-Type": "x" * 300}, ("etag", "content-type")) == {
        "etag": "W/quoted",
        "content-type": "{other}",
    }
