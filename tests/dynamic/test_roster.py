"""A fleet's members: patterns and lists of ids, their digest, and the size and safety of their packed form."""

import base64
import contextlib
import json
import random
import string
import uuid
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubtrust.azure.device_description import DeviceDescription, Twin
from hubtrust.devices.description import Scope, read_description
from hubtrust.devices.id_patterns import as_setting, compact, expand
from hubtrust.devices.roster import Roster, RosterError, unpack
from hubtrust.devices.roster_files import from_ids, from_pattern
from hubtrust.errors import HubtrustError

_LEGAL = string.ascii_letters + string.digits + "-.%_*?!(),:=@$'"


@given(st.lists(st.text(_LEGAL, min_size=1, max_size=20).filter(lambda one: one not in {".", ".."}), unique=True), st.integers(0, 9))
def test_packing_loses_nothing(ids: list[str], every: int) -> None:
    """Packing and unpacking returns the same ids and descriptions, in the order of ids, with the same digest."""
    odd = DeviceDescription(enabled=False, reason="spare", tags={"bin": 7}, edge=True)
    roster = Roster.of((one, odd if every and place % every == 0 else DeviceDescription()) for place, one in enumerate(ids))
    again = unpack(roster.pack())
    assert dict(again) == dict(roster)
    assert (again.ids, again.digest, again.enabled) == (tuple(sorted(ids)), roster.digest, roster.enabled)


@given(st.sets(st.one_of(st.text(_LEGAL, min_size=1, max_size=8), st.from_regex(r"\A[ab]-[0-9]{1,3}[xy]?\Z"))))
def test_ids_are_written_as_patterns(ids: set[str]) -> None:
    """The patterns stand for exactly these ids, each once."""
    patterns = compact(ids)
    written = [device_id for pattern in patterns for device_id in expand(pattern)]
    assert sorted(written) == sorted(ids)
    assert len(patterns) <= len(ids)


def test_a_message_names_the_shortest_patterns() -> None:
    """As it is written in the settings; too many of them are counted, and two are examples."""
    ids = [f"press-{number:03}" for number in range(1, 121)] + ["lathe-1"]
    assert as_setting("adoptDevices", ids) == 'set adoptDevices: ["lathe-1", "press-{001..120}"]'
    assert compact(["p6", "p7", "p08"]) == ["p08", "p6", "p7"]
    assert compact(["p7", "p8", "p9", "p10", "p11", "q1", "q2"]) == ["p{7..11}", "q1", "q2"]
    many = [f"press-{number}" for number in range(1, 99, 3)]
    remedy = 'set adoptDevices to a list of their 33 ids, as patterns where possible: adoptDevices: ["press-1", "press-10", …]'
    assert as_setting("adoptDevices", many) == remedy


def _draw() -> random.Random:
    return random.Random(7)  # noqa: S311 - ids that can be drawn again, no secrets


def _uuids(count: int) -> Roster:
    draw = _draw()
    return from_ids(str(uuid.UUID(int=draw.getrandbits(128), version=4)) for _ in range(count))


@pytest.mark.parametrize(
    ("bytes_a_device", "create_roster"),
    [
        (0.1, lambda: from_pattern("press-{00001..10000}")),
        (10, lambda: from_ids(f"SN{number:010d}" for number in _draw().sample(range(10**10), 10_000))),
        (30, lambda: _uuids(10_000)),
    ],
    ids=["pattern", "serial numbers", "UUIDs"],
)
def test_a_packed_list_is_small(bytes_a_device: float, create_roster: Callable[[], Roster]) -> None:
    """Characters in the state for each device: hardly any for a pattern, under 10 for serial numbers, under 30 for UUIDs."""
    roster = create_roster()
    assert len(roster.pack()) / len(roster) < bytes_a_device


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("press-{001..003}", ["press-001", "press-002", "press-003"]),
        ("{8..11}", ["10", "11", "8", "9"]),
        ("hall-{1..2}-press-{01..02}", ["hall-1-press-01", "hall-1-press-02", "hall-2-press-01", "hall-2-press-02"]),
        ("press-001", ["press-001"]),
        ("{0..10}", [str(number) for number in (0, 1, 10, 2, 3, 4, 5, 6, 7, 8, 9)]),
    ],
)
def test_a_pattern_is_expanded(pattern: str, ids: list[str]) -> None:
    """Ranges keep their leading zeros, and several give every combination."""
    assert list(from_pattern(pattern, {"plant": "A"})) == [(one, DeviceDescription(tags={"plant": "A"})) for one in ids]


@pytest.mark.parametrize(
    ("pattern", "match"),
    [
        ("press-{9..1}", r"the pattern 'press-\{9..1\}': 9..1 is not a valid range; write it as press-\{001..025\}"),
        ("press-{01..100}", "01..100 is not a valid range"),
        ("press-{1..}", "it has a brace that is not part of a range"),
        ("press-{a..c}", "it has a brace that is not part of a range"),
        ("press-{1..1000001}", "it stands for 1,000,001 devices, but a hub holds at most 1,000,000; use several hubs"),
        ("press {1..2}", "device 'press 1': its id has the character ' '"),
        ("press-{\u0661..\u0663}", "it has a brace that is not part of a range"),
        ("press-{1.." + "9" * 5000 + "}", "ids of it have more than 128 characters"),
        ("{1..9}" * 20_000, "ids of it have more than 128 characters; write a shorter one"),
        ("{1..2}" * 100, "but a hub holds at most 1,000,000; use several hubs"),
        ("{1..1}" * 200, "ids of it have more than 128 characters"),
        ("x" * 1_000_000, "ids of it have more than 128 characters"),
        ("press-\u200e1", r"its id has the character '\\u200e'"),
    ],
)
def test_an_invalid_pattern_is_refused(pattern: str, match: str) -> None:
    """The error shows how to write a pattern."""
    with pytest.raises(RosterError, match=match):
        from_pattern(pattern)


def test_a_million_and_one_devices_are_refused() -> None:
    """A list is refused as soon as it has one device too many."""
    with pytest.raises(RosterError, match="the fleet: it has more than 1,000,000 devices, the most that a hub holds; spread it"):
        from_ids(str(number) for number in range(1_000_001))


def test_a_duplicate_is_named() -> None:
    """An error in a list of ids names the device, because there are no lines."""
    with pytest.raises(RosterError, match="device 'a': it is declared twice in this fleet; leave one out"):
        from_ids(["a", "A", "a"])


@pytest.mark.parametrize(
    "change",
    [
        {"status": "disabled"},
        {"reason": "x"},
        {"edge": True},
        {"thumbprints": ["AB" * 20]},
        {"tags": {"a": 2}},
        {"desired": {"b": {"c": 2}}},
    ],
)
def test_every_declared_property_is_in_the_digest(change: dict[str, Any]) -> None:
    """A difference in one property of one device changes the fleet's digest, and the device's line."""
    plain = {"tags": {"a": 1}, "desired": {"b": {"c": 1}}}
    one, other = read_description(plain), read_description({**plain, **change})
    fleets = [Roster.of({"x": read_description(plain), "y": changed}.items()) for changed in (one, other)]
    assert fleets[0].digest != fleets[1].digest
    assert fleets[0].scope.line(one) != fleets[0].scope.line(other)


def test_what_others_write_is_not_in_the_digest() -> None:
    """A tag that is not declared is ignored; another type of authentication is a difference."""
    scope, held = Scope(["a"], []), DeviceDescription(tags={"a": 1, "theirs": 2}, desired={"theirs": 3})
    assert scope.line(held) == scope.line(DeviceDescription(tags={"a": 1.0}))
    twins = [Twin("x", held, kind, "", "") for kind in ("certificateAuthority", "sas")]
    assert scope.found_line(twins[0]) == scope.line(held) != scope.found_line(twins[1])


_EDGES = st.none() | st.booleans() | st.integers(-1, 2) | st.just(10**30) | st.text(max_size=2) | st.just([])


@given(st.recursive(_EDGES, lambda part: st.lists(part, max_size=4) | st.dictionaries(st.sampled_from("ids common own".split()), part)))
def test_whatever_is_packed_is_read_or_refused(head: object) -> None:
    """A state may have been edited: no content of a packed list is a traceback."""
    packed = "1." + base64.b64encode(zlib.compress(json.dumps(head).encode() + b"\n\x01\x02")).decode()
    with contextlib.suppress(HubtrustError):
        unpack(packed)


@pytest.mark.parametrize("ids", ["press-1", b"press-2", None, 7])
def test_a_single_id_is_no_list(ids: Any) -> None:
    """Its letters would be devices."""
    with pytest.raises(RosterError, match=r"ids: it is .*; give a list of texts, or use from_pattern"):
        from_ids(ids)


@pytest.mark.parametrize(("given_id", "fact"), [(None, "null"), (7, "a number"), (True, "true"), ({}, "an object")])
def test_an_id_is_a_text(given_id: Any, fact: str) -> None:
    """Nothing is turned into one: None would be the device `None`."""
    with pytest.raises(RosterError, match=f"the device: its id is {fact}; give a text, in quotes"):
        from_ids([given_id])


@pytest.mark.parametrize("device_id", [".", ".."])
def test_an_id_that_a_url_loses_is_refused(device_id: str) -> None:
    """A request for it would be one for something else."""
    with pytest.raises(RosterError, match="no request can name this id: URLs drop it"):
        from_ids([device_id])


@pytest.mark.parametrize("text", ["", "2.abc", "1.", "1.####", "1.eJwrAQAAcAB1"])
def test_an_invalid_packed_list_is_refused(text: str) -> None:
    """A packed list of another version, or text that is not a packed list, is refused."""
    with pytest.raises(RosterError, match="members: it is not a packed list of devices"):
        unpack(text)
