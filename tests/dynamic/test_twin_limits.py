"""What a twin can hold is known before anything is sent, and local Azure, which has limits of its own, agrees with every answer."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hubtrust.azure.device_description import DeviceDescription
from hubtrust.devices.description import read_description, require_desired, require_device_id, require_tags
from hubtrust.devices.roster import Roster, RosterError, unpack
from hubtrust.errors import HubtrustError
from hubtrust.reconcile_errors import DeclarationError
from local_azure_iot.hub_registry import twins
from local_azure_iot.hub_registry.errors import RegistryError

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_OWNER = {"stack": "s", "urn": "urn:pulumi:s::p::hubtrust:DeviceFleet::presses"}


def _nested(levels: int, value: Any) -> Any:
    for _ in range(levels):
        value = {"n": value}
    return value


_NAMES = st.text(max_size=3) | st.sampled_from(
    ["a.b", "$a", "#", "a b", "\u00a0", "\u2003x", "\x7f", "\x85", "x" * 1024, "ü" * 513, "\ud800"]
)
_TEXTS = st.text(max_size=5) | st.sampled_from(["x" * 4096, "x" * 4097, "ü" * 2048, "ü" * 2049, "\x00" * 4096, "\udfff", "a\tb"])
_NUMBERS = st.sampled_from([0, 2**52 - 1, 2**52, -(2**52), -(2**52) - 1, 10**400, 1.5, 1e300, -0.0, float("nan"), float("inf")])
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(_NAMES, part, max_size=3) | st.builds(_nested, st.integers(7, 12), part),
    max_leaves=8,
)
_DOCUMENTS = st.dictionaries(_NAMES, _VALUES, max_size=4)


def _is_accepted_here(part: str, document: dict[str, Any]) -> bool:
    try:
        (require_tags if part == "tags" else require_desired)(document)
    except DeclarationError:
        return False
    return True


def _is_accepted_by_azure(part: str, document: dict[str, Any]) -> bool:
    body = {"tags": document} if part == "tags" else {"properties": {"desired": document}}
    try:
        twins.update(twins.new_twin(_NOW), body, _NOW, replace=False)
    except RegistryError:
        return False
    return True


@settings(max_examples=500)
@given(st.sampled_from(["tags", "desired"]), _DOCUMENTS)
@example("tags", {"a": "x" * 4095, "b": "x" * 4095})  # 8 KB exactly
@example("tags", {"a": "x" * 4096, "b": "x" * 4095})
@example("tags", {"a": "\x00\x85" * 1000, "b": "x" * 4096, "c": "x" * 4093})  # control characters are not counted
@example("desired", {str(number): "x" * 4095 for number in range(8)})  # 32 KB exactly
@example("desired", {str(number): "x" * 4095 for number in range(8)} | {"9": True})
@example("tags", {f"{number:04}": 1 for number in range(682)})  # 12 bytes each
@example("tags", {f"{number:04}": 1 for number in range(683)})
@example("tags", _nested(11, 1))  # as documented: ten objects in the tags
@example("tags", _nested(12, 1))
@example("tags", {"a": [[[[[[[[[[1]]]]]]]]]]})
@example("tags", {"a": [None]})
@example("tags", {"a": {"b": None}})
@example("tags", {"a b": None})
def test_local_azure_agrees(part: str, document: dict[str, Any]) -> None:
    """The two share no code: what one accepts the other one does."""
    assert _is_accepted_here(part, document) == _is_accepted_by_azure(part, document)


@given(_DOCUMENTS)
def test_what_is_accepted_is_what_is_sent(document: dict[str, Any]) -> None:
    """A description is what a hub shows after it was written: without null, and with whole numbers as integers."""
    if _is_accepted_here("desired", document):
        held = read_description({"desired": document}).desired
        twin = twins.new_twin(_NOW)
        twins.update(twin, {"properties": {"desired": dict(held)}}, _NOW, replace=False)
        assert twin["desired"]["values"] == held


@pytest.mark.parametrize(
    ("tags", "match"),
    [
        (_nested(12, 1), "tags: it is more than 10 levels deep; nest it less deeply"),
        ({"x" * 1025: 1}, "tags: the name 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…' has 1025 bytes; use at most 1024"),
        ({"a\u00a0b": 1}, r"tags: the name 'a\\xa0b' has the character '\\xa0'"),
        ({"a": 2**52}, "it has an integer of 53 bits; use integers from -4503599627370496 to 4503599627370495, or a text in quotes"),
        ({"a": float("nan")}, "it has nan, which is not a number in JSON"),
        ({None: 1}, "tags: a name in it is null; use texts as names"),
        ({"a": {True: 1}}, "tags: a name in it is true"),
        ({"a": {1, 2}}, "tags: a value in it is of type set; use texts, numbers"),
        ({"a": b"x"}, "tags: a value in it is of type bytes"),
        ({"a": ["x", None]}, "a list in it has null, which Azure does not accept"),
        ({str(number): "x" * 4000 for number in range(3)}, "tags: it has 12003 bytes by Azure's count; use at most 8192"),
    ],
)
def test_each_limit_is_told(tags: Any, match: str) -> None:
    """With the fact, and what Azure's limit is."""
    with pytest.raises(DeclarationError, match=match):
        read_description({"tags": tags})


def test_a_value_that_contains_itself_is_refused() -> None:
    """A program can build one."""
    value: dict[str, Any] = {}
    value["again"] = value
    with pytest.raises(DeclarationError, match="more than 10 levels deep"):
        read_description({"tags": value})


@pytest.mark.parametrize("value", [{1, 2}, b"x", object()])
def test_a_roster_of_descriptions_that_are_no_json_is_refused(value: Any) -> None:
    """A program may build descriptions itself."""
    with pytest.raises(RosterError, match="the fleet: the tags or desired properties of a device have a value that is not JSON"):
        Roster.of([("x", DeviceDescription(tags={"a": value}))])


def test_what_was_recorded_is_read_whatever_it_is() -> None:
    """An earlier version had other limits, and a run that takes a device off must not end because of them."""
    held = DeviceDescription(tags={"a b": 2**60, "c": [None]}, reason="x" * 300)
    packed = Roster.of([("press-1", held)]).pack()
    assert unpack(packed, recorded=True).get("press-1") == held
    with pytest.raises(DeclarationError, match="reason: it has 300 characters"):
        unpack(packed)


@pytest.mark.parametrize("inputs", [None, "x", 5, [], [("status", "disabled")]])
def test_a_description_is_an_object(inputs: Any) -> None:
    """Whatever a program passes."""
    with pytest.raises(DeclarationError, match=r"the device: its description is .*; give an object"):
        read_description(inputs)


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())) | st.binary(max_size=3),
    lambda part: st.lists(part) | st.tuples(part) | st.dictionaries(st.text() | st.integers() | st.none(), part),
    max_leaves=6,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(["status", "reason", "edge", "thumbprints", "tags", "desired"]), _ANY))
def test_any_description_is_read_or_refused(inputs: dict[str, Any]) -> None:
    """No value of any type is a traceback; what is read can be packed and unpacked."""
    try:
        held = read_description(inputs)
    except HubtrustError:
        return
    assert isinstance(Roster.of([("x", held)]).pack(), str)


@given(st.text(st.characters(exclude_categories=()), max_size=130) | st.text("aA.-%/+#\u200e", max_size=130))
def test_local_azure_agrees_on_ids(device_id: str) -> None:
    """But for `.` and `..`, which no URL can name."""
    try:
        accepted = require_device_id(device_id) == device_id
    except DeclarationError:
        accepted = False
    from local_azure_iot.hub_registry.identities import _ID

    assert accepted == bool(_ID.fullmatch(device_id)) or device_id in {".", ".."}


def test_tags_leave_room_for_the_owner() -> None:
    """The tag that names the owner is in the same twin: Azure counts them together."""
    full = DeviceDescription(tags={"a": "x" * 4095, "b": "x" * 4095})
    roster = Roster.of([("press-1", DeviceDescription(tags={"a": 1})), ("press-2", full)])
    with pytest.raises(
        DeclarationError, match=r"device 'press-2': its tags have 8[0-9]{3} bytes by Azure's count, together with the tag 'hub"
    ):
        roster.require_room_for(_OWNER)
    Roster.of([("press-1", DeviceDescription(tags={"a": "x" * 4095, "b": "x" * 3900}))]).require_room_for(_OWNER)
