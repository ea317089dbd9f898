"""Check gives what only constructors in Python give: a program in another language gives a roster as an object, and no owner."""

from typing import Any

import pytest
from pulumi.output import Unknown
from pulumi.runtime.proto import provider_pb2

from hubtrust.devices.roster import Roster
from hubtrust.devices.roster_files import from_ids, from_json_lines, from_pattern
from hubtrust.plugin.custom_resources import CustomResources
from hubtrust.plugin.given_values import as_program
from hubtrust.plugin.property_values import from_struct, secret_names, to_struct

HUB = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Devices/IotHubs/plant"
SERVICE = HUB.replace("IotHubs", "provisioningServices")


def _checked(kind: str, secret: tuple[str, ...] = (), **news: Any) -> Any:
    urn = f"urn:pulumi:dev::plant::hubtrust:index:{kind}::presses"
    return CustomResources().Check(provider_pb2.CheckRequest(urn=urn, news=to_struct(news, secret)), None)


def test_a_roster_as_an_object_is_packed() -> None:
    """To the text that a Python program sends, so that a stack may move; a secret in it makes it one."""
    tags = {"line": "1"}
    answer = _checked("DeviceFleet", ("members",), hubId=HUB, members={"pattern": "press-{1..3}", "tags": tags})
    assert not answer.failures
    assert from_struct(answer.inputs)["members"] == from_pattern("press-{1..3}", tags).pack()
    assert secret_names(answer.inputs) == {"members"}


def test_a_roster_that_waits_is_not_known_yet() -> None:
    """A part of it is unknown in a preview: then so is the text."""
    answer = _checked("DeviceFleet", hubId=HUB, members={"ids": ["a", Unknown()]})  # type: ignore[no-untyped-call] # Pulumi's
    assert not answer.failures
    assert isinstance(from_struct(answer.inputs)["members"], Unknown)


@pytest.mark.parametrize(
    ("kind", "members", "said"),
    [
        (
            "DeviceFleet",
            {"ids": ["a"], "pattern": "b"},
            "members: ids and pattern are given; give exactly one of ids, pattern, csv, jsonLines",
        ),
        ("DeviceFleet", {"ids": ["a", "a"]}, "it is declared twice in this fleet"),
        ("EnrollmentFleetEntries", {"list": [{"registrationId": "a"}]}, "certificate"),
        ("EnrollmentFleetEntries", {"file": "a.csv"}, "none of list, csv, jsonLines is given"),
    ],
)
def test_a_wrong_roster_is_a_failure_in_one_line(kind: str, members: dict[str, Any], said: str) -> None:
    """Before anything else is looked at."""
    (failure,) = _checked(kind, hubId=HUB, members=members).failures
    assert said in failure.reason
    assert "\n" not in failure.reason


def test_a_fleet_of_enrollments_has_its_own_name() -> None:
    """As in Python: that of the resource."""
    assert (
        from_struct(_checked("EnrollmentFleetEntries", serviceId=SERVICE, members={"csv": "registrationId,certificate\n"}).inputs)[
            "fleetName"
        ]
        == "presses"
    )


def test_a_canary_that_enrols_has_an_owner() -> None:
    """What it registers is marked with it; one that has an entry registers nothing."""
    checked = {
        name: from_struct(_checked("ConnectionCheck", hubId=HUB, deviceId="a", **more).inputs)
        for name, more in (("enrols", {"serviceId": SERVICE}), ("has an entry", {}))
    }
    assert checked["enrols"]["owner"]["stack"] == "plant/dev"
    assert "owner" not in checked["has an entry"]


_LINES = '{"id": "a", "status": "disabled", "desired": {"x": {}}}\n{"id": "b", "tags": {"line": 5}}\n'


@pytest.mark.parametrize(
    ("roster", "pattern", "members"),
    [
        (from_pattern("a-{1..3}", {"line": 5}), "a-{1..3}", {"pattern": "a-{1..3}", "tags": {"line": 5}}),
        (from_ids(["a", "b,c"]), "a b,c", {"ids": ["a", "b,c"]}),
        (from_json_lines(_LINES, what="lines"), "a b", {"jsonLines": _LINES}),
    ],
)
def test_an_imported_roster_is_as_a_program_has_it(roster: Roster, pattern: str, members: dict[str, Any]) -> None:
    """The shortest form that says all of it; a run of that program sends the same text again."""
    found = as_program("DeviceFleet", f"{HUB}/devices/{pattern}", {"hubId": HUB, "members": roster.pack()})
    assert found["members"] == members
    state = to_struct(found)
    urn = "urn:pulumi:dev::plant::hubtrust:index:DeviceFleet::presses"
    answer = CustomResources().Check(provider_pb2.CheckRequest(urn=urn, olds=state, news=state), None)
    assert not answer.failures
    assert from_struct(answer.inputs)["members"] == roster.pack()
