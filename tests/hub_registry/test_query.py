"""Queries over devices: the language, pages, and an index that lags."""

import pytest

from tests.kit.hub_client import HubClient

_CA = {"type": "certificateAuthority"}


def _fill(registry: HubClient, count: int) -> list[str]:
    names = [f"press-{number:04}" for number in range(count)]
    for start in range(0, count, 100):
        items = [
            {"id": name, "authentication": _CA, "tags": {"line": {"number": int(name[-4:]) % 3}}} for name in names[start : start + 100]
        ]
        registry.bulk(*items).raise_for_status()
    return names


def test_pages_have_the_requested_size(registry: HubClient) -> None:
    """250 devices are 3 pages of 100, the default, and 25 of 10; each device comes once, in the order of the ids."""
    names = _fill(registry, 250)
    for size, pages in ((None, 3), (10, 25), (250, 1), (1000, 1)):
        found = registry.query("SELECT * FROM devices", size)
        assert len(found) == pages
        assert [twin["deviceId"] for page in found for twin in page] == names


@pytest.mark.parametrize(("where", "expected"), [
    ("tags.line.number = 1", ["b"]),
    ("tags.line.number != 1", ["a"]),
    ("tags.line.number IN [0, 1] AND NOT deviceId = 'a'", ["b"]),
    ("tags.line.number NIN [0]", ["b"]),
    ("tags.line.number >= 0 AND tags.line.number < 1.5", ["a", "b"]),
    ("is_defined(tags.line)", ["a", "b"]),
    ("NOT is_defined(tags.line)", ["it's"]),
    ("deviceId IN ['a', 'it''s']", ["a", "it's"]),
    ("devices.status = 'disabled' OR (devices.deviceId = 'a')", ["a", "it's"]),
    ("properties.desired.on = true", ["b"]),
    ("authenticationType = 'certificateAuthority' and connectionState = 'Disconnected'", ["a", "b", "it's"]),
    ("capabilities.iotEdge = false", ["a", "b", "it's"]),
    ("startswith(deviceId, 'it')", ["it's"]),
    ("tags.line.number = '1'", []),
])  # fmt: skip
def test_conditions(registry: HubClient, where: str, expected: list[str]) -> None:
    """What each condition finds; neither a comparison with an absent member nor its negation is true."""
    registry.bulk(
        {"id": "a", "authentication": _CA, "tags": {"line": {"number": 0}}},
        {"id": "b", "authentication": _CA, "tags": {"line": {"number": 1}}, "properties": {"desired": {"on": True}}},
        {"id": "it's", "authentication": _CA, "status": "disabled"},
    ).raise_for_status()
    (found,) = registry.query(f"SELECT * FROM devices WHERE {where}")  # noqa: S608 - no database behind it
    assert [twin["deviceId"] for twin in found] == expected


def test_columns_counts_and_groups(registry: HubClient) -> None:
    """Columns and aggregates are raw items, twins are twins; the header says which."""
    _fill(registry, 7)
    assert registry.query("SELECT COUNT() AS total FROM devices WHERE tags.line.number = 0") == [[{"total": 3}]]
    assert registry.query("SELECT deviceId, tags.line.number AS n FROM devices WHERE deviceId = 'press-0002'") == [
        [{"deviceId": "press-0002", "n": 2}]
    ]
    (groups,) = registry.query("SELECT tags.line.number AS line, COUNT() AS count FROM devices GROUP BY tags.line.number")
    assert groups == [{"line": 0, "count": 3}, {"line": 1, "count": 2}, {"line": 2, "count": 2}]
    assert [len(page) for page in registry.query("SELECT TOP 5 * FROM devices", 2)] == [2, 2, 1]
    for text, kind in (("SELECT * FROM devices", "Twin"), ("SELECT deviceId FROM devices", "Raw")):
        assert registry.ask("POST", "/devices/query", json={"query": text}).headers["x-ms-item-type"] == kind


def test_modules_are_queried_with_their_devices_status(registry: HubClient) -> None:
    """In the order of their places, in pages; a device's query finds none of them."""
    for device, status in (("a", "enabled"), ("b", "enabled")):
        registry.put(device, status=status)
        for module in ("x", "y"):
            body = {"deviceId": device, "moduleId": module, "authentication": _CA}
            registry.ask("PUT", f"/devices/{device}/modules/{module}", json=body).raise_for_status()
            registry.ask("PATCH", f"/twins/{device}/modules/{module}", json={"tags": {"of": device}}).raise_for_status()
    pages = registry.query("SELECT * FROM devices.modules WHERE tags.of = 'b' OR devices.deviceId = 'a'", 3)
    assert [[(twin["deviceId"], twin["moduleId"]) for twin in page] for page in pages] == [
        [("a", "x"), ("a", "y"), ("b", "x")],
        [("b", "y")],
    ]
    assert registry.query("SELECT moduleId FROM devices.modules WHERE status = 'enabled' AND moduleId = 'y'") == [[{"moduleId": "y"}] * 2]
    assert registry.query("SELECT COUNT() AS n FROM devices WHERE is_defined(moduleId)") == [[{"n": 0}]]


@pytest.mark.parametrize("text", [
    "", "SELECT", "SELECT * FROM", "SELECT * FROM jobs", "SELECT * FROM devices WHERE", "SELECT * FROM devices WHERE a == 1",
    "SELECT * FROM devices WHERE (a = 1", "SELECT * FROM devices ORDER BY deviceId", "DELETE FROM devices",
    "SELECT COUNT(), deviceId FROM devices",
    "SELECT * FROM devices WHERE a = 'x", "SELECT * FROM devices WHERE " + "(" * 2000,
])  # fmt: skip
def test_invalid_queries_are_refused(registry: HubClient, text: str) -> None:
    """400 ArgumentInvalid;BadRequest without details, as Azure answers."""
    answer = registry.ask("POST", "/devices/query", json={"query": text})
    assert (answer.status_code, answer.json()["Message"]) == (400, "ErrorCode:ArgumentInvalid;BadRequest")


def test_a_continuation_token_is_for_its_own_query(registry: HubClient) -> None:
    """Another query's token is refused, and so is text that is not a token."""
    _fill(registry, 3)
    first = registry.ask("POST", "/devices/query", json={"query": "SELECT * FROM devices"}, headers={"x-ms-max-item-count": "1"})
    token = first.headers["x-ms-continuation"]
    for query, sent in (("SELECT deviceId FROM devices", token), ("SELECT * FROM devices", "nonsense")):
        assert registry.ask("POST", "/devices/query", json={"query": query}, headers={"x-ms-continuation": sent}).status_code == 400


def test_the_index_may_lag(registry: HubClient) -> None:
    """With the setting, queries see new, changed and deleted devices only once the lag has passed; reads by id are always current."""
    for name in ("changed", "deleted"):
        registry.put(name)
    registry.configure(query_lag_seconds=60)
    try:
        registry.put("new")
        registry.ask("PATCH", "/twins/changed", json={"tags": {"a": 1}}).raise_for_status()
        registry.ask("PATCH", "/twins/changed", json={"tags": {"a": 2}}).raise_for_status()
        registry.ask("DELETE", "/devices/deleted", headers={"If-Match": "*"}).raise_for_status()
        assert [(twin["deviceId"], twin["tags"]) for twin in registry.query("SELECT * FROM devices")[0]] == [
            ("changed", {}),
            ("deleted", {}),
        ]
        assert [each["deviceId"] for each in registry.ask("GET", "/devices").json()] == ["changed", "new"]
        registry.azure.control("PUT", "/clock", {"advance": 61})
        assert [(twin["deviceId"], twin["tags"]) for twin in registry.query("SELECT * FROM devices")[0]] == [
            ("changed", {"a": 2}),
            ("new", {}),
        ]
    finally:
        registry.configure(query_lag_seconds=0)
        registry.azure.control("DELETE", "/clock")
