"""Replays a recording against a local Azure, with our subscription, etags and codes in place of the recorded ones."""

import json
import re
from collections.abc import Iterator
from typing import Any

from local_azure_iot.microsoft_devices import lifecycle, shared_access_policies
from local_azure_iot.microsoft_devices.errors import Service
from tests.local_azure.in_process import HUB, InProcess
from tests.local_azure.recordings import Pair, differences, header_differences

_SUBSCRIPTION = re.compile(r"/subscriptions/[^/]+")
_STRING = "HostName={0}.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey=c2VjcmV0"


class Replay:
    """One recording. `send` sends a pair's request and compares the answers; recorded etags are replaced by ours."""

    def __init__(self, azure: InProcess) -> None:
        self._azure = azure
        self._etags: dict[str, str] = {}

    def prepare(self, pair: Pair, *, service: bool = True) -> None:
        """Create what must exist first: the group and, with `service`, the hub or provisioning service."""
        path = self._moved(pair.path)
        group = re.match(r"/subscriptions/[^/]+/resourceGroups/[^/]+", path, re.IGNORECASE)
        if group:
            tags = {"tags": pair.answer["tags"]} if pair.readable and path == group.group() and pair.method == "GET" else {}
            self._azure.must("PUT", f"{group.group()}?api-version=2021-04-01", {"location": "westus", **tags})
        found = re.match(r".*/providers/Microsoft.Devices/(IotHubs|provisioningServices)/[^/]+", path, re.IGNORECASE)
        if found and service:
            self._make(found.group(), pair)

    def _make(self, path: str, pair: Pair) -> None:
        hub = "/iothubs/" in path.lower()
        sent = pair.request if isinstance(pair.request, dict) else {}
        standard = shared_access_policies.after_put(Service.HUB if hub else Service.PROVISIONING, None, None)
        known = {policy["keyName"] for policy in standard}
        listed = re.findall(r'"keyName":"(\w+)".*?"rights":"([\w, ]+)"', pair.text) if "listkeys" in pair.path.lower() else []
        added = [{"keyName": name, "rights": rights} for name, rights in listed if name not in known]
        policies = {"authorizationPolicies": [*standard, *added]} if added else {}
        body = {"location": sent.get("location", "westus"), "sku": {"name": "S1", "capacity": 1}, "properties": policies}
        created = f"{path}?api-version={HUB if hub else '2021-10-15'}"
        self._azure.must("PUT", created, body)
        current = self._azure.must("GET", created)["etag"]
        for etag in (sent.get("etag"), pair.request_headers.get("if-match")):
            if etag:
                self._etags[etag] = current

    def _moved(self, path: str) -> str:
        return _SUBSCRIPTION.sub(f"/subscriptions/{self._azure.subscription}", path)

    def send(self, pair: Pair) -> Iterator[str]:
        """The differences between the recorded answer and ours; none where they are equal."""
        headers = {}
        if etag := pair.request_headers.get("if-match"):
            headers["if_match"] = self._etags.get(etag, etag)
        body = self._in_step(pair.request)
        path = f"{self._moved(pair.path)}?{pair.query}"
        if pair.request is not None:
            headers["content_type"] = pair.request_headers.get("content-type", "application/json")
        if moment := pair.updated:
            self._azure.azure.clock.set(moment, frozen=True)
        ours = self._azure.ask(pair.method, path, body, **headers)
        if ours.status != pair.status:
            yield f"status {pair.status}/{ours.status} {ours.body.decode()[:200]}"
            return
        yield from header_differences(pair, ours.headers)
        if pair.method == "HEAD" or not pair.readable:
            return
        if (pair.text == "null") != (ours.body == b"null") or bool(pair.text) != bool(ours.body):
            yield f"body '{pair.text[:20]}'/'{ours.body.decode()[:20]}'"
            return
        answer = ours.json() if ours.body else None
        self._learn(pair, answer)
        yield from differences(_sorted(pair.answer), _sorted(answer))
        yield from _values(pair.answer, answer)

    def _in_step(self, request: Any) -> Any:
        """The request with our etag in place of the recorded one, and a value of the right form where a secret was redacted."""
        if not isinstance(request, dict):
            return request
        text = json.dumps(request)
        text = re.sub(r'("(?:primary|secondary)Key": )"<redacted>"', r'\1"c2VjcmV0c2VjcmV0c2VjcmV0"', text)
        text = re.sub(r'"connectionString": "<redacted>"', f'"connectionString": "{_STRING.format("linked")}"', text)
        for theirs, ours in self._etags.items():
            text = text.replace(f'"etag": "{theirs}"', f'"etag": "{ours}"')
        return json.loads(text)

    def _learn(self, pair: Pair, answer: Any) -> None:
        for recorded, ours in _items(pair.answer, answer):
            if recorded.get("etag") and ours.get("etag"):
                self._etags[recorded["etag"]] = ours["etag"]
            code = recorded.get("properties", {}).get("verificationCode")
            if code:
                self._give_code(ours["id"], code)

    def _give_code(self, identifier: str, code: str) -> None:
        """Store the recorded code: the recorded proof is for the code that Azure generated, not for ours."""
        store = self._azure.azure.store
        _, _, subscription, _, group, _, _, kind, name, _, certificate = identifier.split("/")
        key = f"AzureCloud/{subscription}/{group}/{kind}/{name}/{certificate}".lower()
        document = store.get(lifecycle.CERTIFICATE, key)
        assert document
        assert re.fullmatch(r"[0-9A-F]{48}", document["code"])
        store.put(lifecycle.CERTIFICATE, key, {**document, "code": code})


def _sorted(answer: Any) -> Any:
    """Lists by name: in the recordings the newest is sometimes first, sometimes last."""
    if isinstance(answer, dict) and isinstance(answer.get("value"), list):
        return {**answer, "value": sorted(answer["value"], key=lambda item: item.get("name") or item.get("keyName"))}
    return answer


def _items(recorded: Any, ours: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    if isinstance(recorded, dict) and isinstance(ours, dict):
        yield recorded, ours
        yield from zip(_sorted(recorded).get("value") or [], _sorted(ours).get("value") or [], strict=False)


# Members whose values must be equal too, because they are not random.
_SAME = (
    "name type subject thumbprint expiry isVerified state provisioningState code reason nameAvailable status rights created updated"
).split()


def _bare(value: Any) -> Any:
    """Azure CLI's recorder replaced its random names by numbers."""
    return re.sub(r"TESTCERT\w+", "TESTCERT", value) if isinstance(value, str) else value


def _values(recorded: Any, ours: Any, where: str = "") -> Iterator[str]:
    for theirs, own in _items(recorded, ours):
        for name in _SAME:
            if (
                isinstance(theirs.get(name), (str, int))
                and isinstance(own.get(name), (str, int))
                and _bare(theirs[name]) != _bare(own[name])
            ):
                yield f"={where}{name} {theirs[name]}/{own[name]}"
        if isinstance(theirs.get("properties"), dict):
            yield from _values(theirs["properties"], own.get("properties"), "properties.")
