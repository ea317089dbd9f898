"""The registry's answers compared with recordings of Azure's, request by request."""

import gzip
import json
import re
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
# What differs from answer to answer in an error whose envelope has the older form within it.
MOMENT = re.compile(r'"trackingId":"[0-9a-f]{32}-G:\d+-TimeStamp:[\d/ :]+"|"timestampUtc":"[\d:.T-]+Z"')
VOLATILE = {"etag", "generationId"}
OLD = "2016-12"  # earlier, the api-version 2016-02-03 had other members, and null in place of two absent thumbprints


@cache
def sessions() -> dict[str, list[dict[str, Any]]]:
    """The pairs of each recording."""
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
def test_a_recorded_session(registry: HubClient, session: str) -> None:
    """Status, error name, quoted etag header and body of each answer are the recorded ones."""
    for pair in sessions()[session]:
        place = urlsplit(pair["uri"])
        query = {name: values[0] for name, values in parse_qs(place.query, keep_blank_values=True).items()}
        more = "".join(f"?{name}={value}" for name, value in query.items() if name != "api-version")
        sent = {name: values[0] for name, values in pair["request_headers"].items() if name.lower() in {"if-match", "content-type"}}
        answer = registry.ask(pair["method"], place.path + more, version=query["api-version"], headers=sent, content=pair["request_body"])
        step = f"{pair['method']} {place.path}"
        recorded = {name.lower(): values[0] for name, values in pair["response_headers"].items()}
        assert answer.status_code == pair["status"], step
        assert answer.headers.get("iothub-errorcode") == recorded.get("iothub-errorcode"), step
        assert ("etag" in answer.headers) is ("etag" in recorded), step
        if not pair["response_body"]:
            assert answer.content == b"", step
        elif "iothub-errorcode" in recorded:
            texts = [MOMENT.sub("", body["Message"]) for body in (answer.json(), json.loads(pair["response_body"]))]
            assert texts[0] == texts[1], step
        elif pair["recorded_commit"] >= OLD:
            assert comparable(answer.json()) == comparable(json.loads(pair["response_body"])), step
