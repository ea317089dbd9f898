"""Queries over devices: the language, pages, and an index that lags."""

import httpx
import pytest

from tests.kit.hub_client import HubClient

_CA = {"type": "certificateAuthority"}


def _fill(door: HubClient, count: int) -> list[str]:
    names = [f"press-{number:04}" for number in range(count)]
    for start in range(0, count, 100):
        items = [
            {"id": name, "authentication": _CA, "tags": {"line": {"number": int(name[-4:]) % 3}}} for name in names[start : start + 100]
        ]
        door.bulk(*items).raise_for_status()
    return names


def test_pages_hold_what_was_asked_and_lead_on(door: HubClient) -> None:
    """250 devices are 3 pages of 100, the default, and 25 of 10; each device comes once, in the order of the ids."""
    names = _fill(door, 250)
    for size, pages in ((None, 3), (10, 25), (250, 1), (1000, 1)):
        found = door.query("SELECT * FROM devices", size)
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
def test_conditions(door: HubClient, where: str, expected: list[str]) -> None:
    """What a condition finds; a comparison with something absent is never true, nor is its opposite."""
    door.bulk(
        {"id": "a", "authentication": _CA, "tags": {"line": {"number": 0}}},
        {"id": "b", "authentication": _CA, "tags": {"line": {"number": 1}}, "properties": {"desired": {"on": True}}},
        {"id": "it's", "authentication": _CA, "status": "disabled"},
    ).raise_for_status()
    (found,) = door.query(f"SELECT * FROM devices WHERE {where}")  # noqa: S608 - no database behind it
    assert [twin["deviceId"] for twin in found] == expected


def test_columns_counts_and_groups(door: HubClient) -> None:
    """Columns and aggregates are raw items, twins are twins; the header says which."""
    _fill(door, 7)
    assert door.query("SELECT COUNT() AS total FROM devices WHERE tags.line.number = 0") == [[{"total": 3}]]
    assert door.query("SELECT deviceId, tags.line.number AS n FROM devices WHERE deviceId = 'press-0002'") == [
        [{"deviceId": "press-0002", "n": 2}]
    ]
    (groups,) = door.query("SELECT tags.line.number AS line, COUNT() AS count FROM devices GROUP BY tags.line.number")
    assert groups == [{"line": 0, "count": 3}, {"line": 1, "count": 2}, {"line": 2, "count": 2}]
    assert [len(page) for page in door.query("SELECT TOP 5 * FROM devices", 2)] == [2, 2, 1]
    for text, kind in (("SELECT * FROM devices", "Twin"), ("SELECT deviceId FROM devices", "Raw")):
        assert door.ask("POST", "/devices/query", json={"query": text}).headers["x-ms-item-type"] == kind


@pytest.mark.parametrize("text", [
    "", "SELECT", "SELECT * FROM", "SELECT * FROM jobs", "SELECT * FROM devices WHERE", "SELECT * FROM devices WHERE a == 1",
    "SELECT * FROM devices WHERE (a = 1", "SELECT * FROM devices ORDER BY deviceId", "DELETE FROM devices",
    "SELECT COUNT(), deviceId FROM devices",
    "SELECT * FROM devices WHERE a = 'x", "SELECT * FROM devices WHERE " + "(" * 2000,
])  # fmt: skip
def test_what_is_not_in_the_language(door: HubClient, text: str) -> None:
    """400 ArgumentInvalid;BadRequest, as bare as Azure's."""
    answer = door.ask("POST", "/devices/query", json={"query": text})
    assert (answer.status_code, answer.json()["Message"]) == (400, "ErrorCode:ArgumentInvalid;BadRequest")


def test_a_token_holds_for_its_own_query_only(door: HubClient) -> None:
    """And text that is no token is refused too."""
    _fill(door, 3)
    first = door.ask("POST", "/devices/query", json={"query": "SELECT * FROM devices"}, headers={"x-ms-max-item-count": "1"})
    token = first.headers["x-ms-continuation"]
    for query, sent in (("SELECT deviceId FROM devices", token), ("SELECT * FROM devices", "nonsense")):
        assert door.ask("POST", "/devices/query", json={"query": query}, headers={"x-ms-continuation": sent}).status_code == 400


def test_the_index_may_lag(door: HubClient) -> None:
    """With the dial, queries see new, changed and deleted devices only once the lag has passed; the registry itself is never behind."""
    for name in ("changed", "deleted"):
        door.put(name)
    door.dial(query_lag_seconds=60)
    try:
        door.put("new")
        door.ask("PATCH", "/twins/changed", json={"tags": {"a": 1}}).raise_for_status()
        door.ask("PATCH", "/twins/changed", json={"tags": {"a": 2}}).raise_for_status()
        door.ask("DELETE", "/devices/deleted", headers={"If-Match": "*"}).raise_for_status()
        assert [(twin["deviceId"], twin["tags"]) for twin in door.query("SELECT * FROM devices")[0]] == [("changed", {}), ("deleted", {})]
        assert [each["deviceId"] for each in door.ask("GET", "/devices").json()] == ["changed", "new"]
        httpx.put(f"{door.azure.ready['control']}/clock", json={"advance": 61}, trust_env=False).raise_for_status()
        assert [(twin["deviceId"], twin["tags"]) for twin in door.query("SELECT * FROM devices")[0]] == [("changed", {"a": 2}), ("new", {})]
    finally:
        door.dial(query_lag_seconds=0)
        httpx.delete(f"{door.azure.ready['control']}/clock", trust_env=False).raise_for_status()
