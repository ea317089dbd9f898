"""Documents of inventories for tests of the report: with names that are markup, and of a very large stack."""

from datetime import UTC, datetime, timedelta
from typing import Any

from docs.trust_map_picture import example

NOW = datetime(2026, 11, 30, 10, 39, tzinfo=UTC)
NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>]]>\u202e&amp;"


def hostile() -> dict[str, Any]:
    """The example, in which every text that somebody else may write is markup, quotes and marks of writing direction."""
    changed: dict[str, Any] = _with_nasty(example(NOW))
    return changed | {"unseen": [{"what": NASTY, "why": NASTY}], "evidence": {"size": 1, "rootHash": NASTY, "verdict": NASTY}}


def _with_nasty(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _with_nasty(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_nasty(each, name) for each in value]
    if name == "subject":
        return f"CN={NASTY},O=x"
    others = {
        "stack",
        "name",
        "host",
        "deviceId",
        "what",
        "action",
        "message",
        "resource",
        "policy",
        "certificateName",
        "keyCustody",
        "keyAlgorithm",
    }
    return NASTY if name in others and isinstance(value, str) else value


def large(hubs: int = 300, devices: int = 100_000) -> dict[str, Any]:
    """300 hubs, 500 authorities, 100,000 devices with certificates, 1,000 findings and things that could not be seen."""
    document = example(NOW)
    authority, service = document["authorities"][1], document["services"][0]
    document["authorities"] = [
        {**authority, "id": f"{n:064X}", "sha256": f"{n:064X}", "subject": f"CN=Press Issuing CA {n},O=Contoso"} for n in range(500)
    ]
    document["services"] = [
        {
            **service,
            "id": f"{service['id']}-{n}",
            "name": f"press-{n}",
            "trusts": [{**service["trusts"][0], "certificate": f"{(n + m) % 500:064X}"} for m in range(3)],
            "enrollments": [{"id": f"group-{n}", "kind": "group", "status": "enabled", "authorities": [f"{n:064X}"], "count": 1}] * 4,
            "devices": {
                "count": devices // hubs,
                "enabled": devices // hubs,
                "disabled": 0,
                "byCertificate": {"selfSigned": devices // hubs},
            },
        }
        for n in range(hubs)
    ]
    ends = [(NOW + timedelta(days=n)).date().isoformat() for n in range(366)]
    document["deviceCertificates"] = {
        "count": devices,
        "earliestEnd": f"{ends[0]}T00:00:00Z",
        "endsBy": [{"date": each, "count": devices // 366} for each in ends],
        "named": [{**document["deviceCertificates"]["named"][0], "deviceId": f"press-{n:06}"} for n in range(200)],
    }
    document["findings"] = document["findings"] * 500
    document["unseen"] = [{"what": f"device press-{n}", "why": "the last refresh could not read it"} for n in range(1000)]
    return document
