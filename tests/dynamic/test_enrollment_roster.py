"""Rosters of individual enrollments: lists, mappings, JSON Lines and CSV with the devices' certificates, packed for the state."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from hubtrust.devices.roster import RosterError
from hubtrust.enrollments.fleet_files import enrollments_from_csv, enrollments_from_file, enrollments_from_json_lines, enrollments_from_list
from hubtrust.enrollments.fleet_roster import EnrollmentRoster, unpack
from tests.kit.device_certificates import Party
from tests.kit.enrollment_client import client_certificate

PRESS, LATHE = Party("press-1", authority=False), Party("lathe-1", authority=False)


def der(party: Party) -> str:
    """Its certificate, base64 of its DER."""
    return base64.b64encode(base64.b64decode("".join(party.pem.splitlines()[1:-1]))).decode()


def same(one: EnrollmentRoster, other: EnrollmentRoster) -> bool:
    """Both declare the same."""
    return (one.ids, one.digest, one.enabled) == (other.ids, other.digest, other.enabled)


def test_every_format_gives_the_same(tmp_path: Path) -> None:
    """PEM and base64 of DER; a list, a mapping, lines, one list of JSON, and CSV with PEM in quotes."""
    rows: list[dict[str, Any]] = [
        {
            "registrationId": "press-1",
            "certificate": PRESS.pem,
            "hubs": ["a.azure-devices.net", "b.azure-devices.net"],
            "tags": {"plant": "A"},
        },
        {"registrationId": "lathe-1", "certificate": der(LATHE), "deviceId": "Lathe", "status": "disabled", "edge": True},
    ]
    wanted = enrollments_from_list(rows)
    assert wanted.ids == ("lathe-1", "press-1")
    assert (wanted.enabled, wanted.disabled) == (1, ["lathe-1"])
    assert wanted.get("PRESS-1") == wanted.get("press-1")
    by_id = {one["registrationId"]: {name: value for name, value in one.items() if name != "registrationId"} for one in rows}
    assert same(enrollments_from_list(by_id), wanted)
    lines = "\n".join(map(json.dumps, rows))
    assert same(enrollments_from_json_lines(lines, what="lines"), wanted)
    assert same(enrollments_from_json_lines(json.dumps(rows), what="list"), wanted)
    table = (
        "registrationId;certificate;deviceId;status;edge;hubs;tag.plant\n"
        f'press-1;"{PRESS.pem}";;;;a.azure-devices.net b.azure-devices.net;A\n'
        f"lathe-1;{der(LATHE)};Lathe;Disabled;TRUE;;\n"
    )
    assert same(enrollments_from_csv(table, what="table"), wanted)
    for name, text in (("fleet.jsonl", lines), ("fleet.csv", table)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert same(enrollments_from_file(tmp_path / name), wanted)


def test_packing_keeps_all_of_it() -> None:
    """With certificates and without; two certificates, terms of its own, another device id."""
    second = client_certificate("press-1")
    given = enrollments_from_list(
        [
            {"registrationId": "press-1", "certificate": PRESS.pem, "secondaryCertificate": second, "allocation": "geolatency"},
            {"registrationId": "lathe-1", "certificate": LATHE.pem, "deviceId": "x", "reprovision": "never", "desired": {"n": 1.0}},
        ],
        {"plant": "A"},
    )
    whole, recorded = unpack(given.pack()), unpack(given.record(), recorded=True)
    assert same(whole, given)
    assert same(recorded, given)
    assert whole.attestations == given.attestations
    assert [one.sent for one in recorded.attestations.values()] == [(), ()]
    assert whole.get("press-1").terms.allocation == "geoLatency"  # type: ignore[union-attr] # it is there
    assert "BEGIN" not in given.pack()


def test_one_form_is_not_taken_for_the_other() -> None:
    """An input without certificates could create nothing."""
    given = enrollments_from_list([{"registrationId": "press-1", "certificate": PRESS.pem}])
    for packed, recorded in ((given.record(), False), (given.pack(), True)):
        with pytest.raises(RosterError, match="it is not a packed list of enrollments of this version"):
            unpack(packed, recorded=recorded)


@pytest.mark.parametrize("packed", ["", "1.x", "c1.!", "c1.eJwDAAAAAAE=", "t1." + base64.b64encode(b"no zlib").decode()])
def test_what_is_not_packed_is_refused(packed: str) -> None:
    """With an error of ours."""
    with pytest.raises(RosterError, match="it is not a packed list of enrollments"):
        unpack(packed)


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ({"registrationId": "press-2", "certificate": PRESS.pem}, "its common name is 'press-1', and the registrationId is 'press-2'"),
        ({"registrationId": "press-1"}, "certificate: it is missing"),
        ({"certificate": PRESS.pem}, "its registrationId is null"),
        ({"registrationId": "press 1", "certificate": PRESS.pem}, "its registrationId has the character ' '"),
        ({"registrationId": "press.", "certificate": PRESS.pem}, "its registrationId ends with '.'"),
        ({"registrationId": "x" * 65, "certificate": PRESS.pem}, "its registrationId has 65 characters"),
        ({"registrationId": "press-1", "certificate": PRESS.pem + LATHE.pem}, "it contains 2 certificates"),
        ({"registrationId": "press-1", "certificate": "AAAA"}, "certificate: "),
        ({"registrationId": "press-1", "certificate": 7}, "certificate: it is a number"),
        ({"registrationId": "press-1", "certificate": PRESS.pem, "hubs": "a.azure-devices.net"}, "hubs: it is 'a.azure-devices.net'"),
        ({"registrationId": "press-1", "certificate": PRESS.pem, "hubs": ["a b"]}, "hubs: 'a b' is not a hub's host name"),
        ({"registrationId": "press-1", "certificate": PRESS.pem, "allocation": "custom"}, "allocation: it is 'custom'"),
        ({"registrationId": "press-1", "certificate": PRESS.pem, "edge": "yes"}, "edge: it is 'yes'"),
        ({"registrationId": "press-1", "certificate": PRESS.pem, "status": "off"}, "status: it is 'off'"),
        ({"registrationId": "press-1", "certificate": PRESS.pem, "tags": {"a.b": 1}}, "tags: the name 'a.b' has the character '.'"),
        ({"registrationId": "press-1", "certificate": PRESS.pem, "desired": {"count": 1}}, "desired: 'count' is a name that Azure uses"),
        ({"registrationId": "press-1", "certificate": PRESS.pem, "deviceId": "a b"}, "its id has the character ' '"),
        ({"registrationId": "press-1", "certificate": PRESS.pem, "information": []}, "information: it is a list"),
        ({"id": "press-1", "certificate": PRESS.pem}, "there is no field 'id'"),
        (7, "it is a number"),
    ],
    ids=lambda value: None if not isinstance(value, str) else value[:30],
)
def test_a_line_that_is_invalid_is_named(line: Any, fact: str) -> None:
    """By its number, with what is wrong."""
    text = "\n\n" + json.dumps(line)
    with pytest.raises(RosterError) as error:
        enrollments_from_json_lines(text, what="the file")
    assert str(error.value).startswith("the file: 1 invalid line: line 3: ")
    assert fact in str(error.value)


def test_names_of_others_are_understood() -> None:
    """The error says which field is meant."""
    understood = {
        "id": "registrationId",
        "primaryCertificate": "certificate",
        "iotHubs": "hubs",
        "provisioningStatus": "status",
    }
    for written, meant in understood.items():
        with pytest.raises(RosterError, match=f"write it as '{meant}'"):
            enrollments_from_json_lines(json.dumps({written: "x"}), what="the file")
    with pytest.raises(RosterError, match="write it as 'registrationId'"):
        enrollments_from_csv("id,certificate\n", what="the file")


def test_an_id_or_a_certificate_is_there_once() -> None:
    """An id has no case; a second entry with the same certificate names the first."""
    twice = [{"registrationId": one, "certificate": PRESS.pem} for one in ("press-1", "PRESS-1")]
    with pytest.raises(RosterError, match=r"entry 2: enrollment 'PRESS-1': it is already in entry 1"):
        enrollments_from_list(twice)
    one = enrollments_from_list(twice[:1]).get("press-1")
    assert one
    with pytest.raises(RosterError, match="its certificate is that of enrollment 'press-1' too"):
        EnrollmentRoster.of([("press-1", one), ("press-2", one)])
    with pytest.raises(RosterError, match="a registration id has no case"):
        EnrollmentRoster.of([("press-1", one), ("PRESS-1", one)])


def test_a_private_key_in_a_file_is_refused_and_not_shown(tmp_path: Path) -> None:
    """A file that has the key beside the certificate."""
    _, key = PRESS.files(tmp_path)
    text = key.read_text()
    with pytest.raises(RosterError, match="it contains a private key") as error:
        enrollments_from_list([{"registrationId": "press-1", "certificate": PRESS.pem + text}])
    assert text.splitlines()[1][:20] not in str(error.value)


def test_only_the_first_twenty_are_named() -> None:
    """And how many more there are."""
    with pytest.raises(RosterError, match=r"30 invalid lines, the first 20: line 1: .*; and 10 more"):
        enrollments_from_json_lines("\n".join(['{"registrationId": "a"}'] * 30), what="the file")
