"""The registry against recordings of Azure's own, request by request, where they hold."""

import gzip
import json
from collections import defaultdict
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.kit.hub_client import HubClient
from tests.kit.repository import SHARED

RECORDED = SHARED / "azure-traffic" / "hub_data_plane.jsonl.gz"
pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not RECORDED.exists(), reason=f"no recorded traffic at {RECORDED.parent.name}/{RECORDED.name}"),
]
# What is not replayed, by what its path holds: local Azure takes messages by MQTT alone.
NOT_HERE = "/messages/"
VOLATILE = {"etag", "generationId"}
OLD = "2016-12"  # before it the api-version of 2016-02-03 had other members, and null in place of two absent thumbprints


@cache
def sessions() -> dict[str, list[dict[str, Any]]]:
    """The recorded pairs, by the recording that they are of."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with gzip.open(RECORDED, "rt") as lines:
        for pair in map(json.loads, lines):
            found[f"{pair['recorded_commit']}-{pair['blob']}"].append(pair)
    return found


def ids() -> list[str]:
    return sorted(sessions()) if RECORDED.exists() else []


def comparable(body: Any) -> Any:
    """Without what differs from run to run: etags, generations, keys, and the order of lists, which Azure keeps by partition."""
    if isinstance(body, list):
        return sorted((comparable(each) for each in body), key=lambda device: device["deviceId"])
    shown = {name: value for name, value in body.items() if name not in VOLATILE | {"capabilities"}}
    if "symmetricKey" in shown.get("authentication", {}):
        keys = shown["authentication"]["symmetricKey"]
        shown["authentication"] = shown["authentication"] | {"symmetricKey": {name: bool(value) for name, value in keys.items()}}
    return shown


@pytest.mark.parametrize("session", ids())
def test_a_recorded_session(door: HubClient, session: str) -> None:
    """Status, error name, quoted etag header and body of each answer are the recorded ones."""
    for pair in sessions()[session]:
        place = urlsplit(pair["uri"])
        if NOT_HERE in place.path:
            continue
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        more = f"?top={query['top']}" if "top" in query else ""
        sent = {name: values[0] for name, values in pair["request_headers"].items() if name.lower() in {"if-match", "content-type"}}
        answer = door.ask(pair["method"], place.path + more, version=query["api-version"], headers=sent, content=pair["request_body"])
        told = f"{pair['method']} {place.path}"
        recorded = {name.lower(): values[0] for name, values in pair["response_headers"].items()}
        assert answer.status_code == pair["status"], told
        assert answer.headers.get("iothub-errorcode") == recorded.get("iothub-errorcode"), told
        assert ("etag" in answer.headers) is ("etag" in recorded), told
        if not pair["response_body"]:
            assert answer.content == b"", told
        elif "iothub-errorcode" in recorded:
            assert answer.json()["Message"] == json.loads(pair["response_body"])["Message"], told
        elif pair["recorded_commit"] >= OLD:
            assert comparable(answer.json()) == comparable(json.loads(pair["response_body"])), told
