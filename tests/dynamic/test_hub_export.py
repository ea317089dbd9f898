"""What a hub writes of its devices is a roster: an export of its registry, the answer to a query, an identity. Keys stay out of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from hubtrust.azure.device_description import OWNER_TAG, DeviceDescription
from hubtrust.devices.roster import RosterError
from hubtrust.devices.roster_files import from_file, from_json_lines
from tests.kit.device_registry import DeviceRegistry
from tests.kit.repository import SHARED

_KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAwMDE="
_OWN, _OTHER = "AB" * 20, "CD" * 20
_BY_CA = {
    "symmetricKey": {"primaryKey": None, "secondaryKey": None},
    "x509Thumbprint": {"primaryThumbprint": None, "secondaryThumbprint": None},
    "type": "certificateAuthority",
}
_EXPORTED = {
    "id": "oven-01",
    "eTag": "MQ==",
    "importMode": "createOrUpdate",
    "status": "disabled",
    "statusReason": "in repair",
    "authentication": _BY_CA,
    "twinETag": "AAAAAAAAAAE=",
    "tags": {"hall": "3", OWNER_TAG: {"stack": "s", "urn": "u"}},
    "properties": {
        "desired": {"speed": 2, "$metadata": {"$lastUpdated": "2026-01-01T00:00:00Z"}, "$version": 4},
        "reported": {"x": [None]},
    },
    "capabilities": {"iotEdge": True},
    "deviceScope": "ms-azure-iot-edge://oven-01-1",
    "parentScopes": [],
    "managedBy": None,
}
_READ = DeviceDescription(enabled=False, reason="in repair", edge=True, tags={"hall": "3"}, desired={"speed": 2})


def _device(**changes: Any) -> DeviceDescription:
    """How a line of the export with ``changes`` is read."""
    return dict(from_json_lines(json.dumps(_EXPORTED | changes), what="f"))["oven-01"]


def test_an_export_is_a_roster() -> None:
    """Everything that is declared of a device is read; the owner's tag and what is the hub's own are left out."""
    assert _device() == _READ


def test_words_of_azure_are_read_in_any_case() -> None:
    """As Azure reads them: tools write them with a capital letter."""
    assert _device(status="Disabled", authentication={**_BY_CA, "type": "CertificateAuthority"}, importMode="CreateOrUpdate") == _READ


@pytest.mark.parametrize("gone", ["eTag", "importMode", "twinETag", "capabilities", "properties", "tags", "statusReason", "parentScopes"])
def test_an_export_may_lack_what_is_not_needed(gone: str) -> None:
    """A person may have shortened it, and older exports have fewer fields."""
    shorter = {name: value for name, value in _EXPORTED.items() if name != gone}
    assert len(from_json_lines(json.dumps(shorter), what="f")) == 1


def test_fields_that_the_hub_alone_may_write_are_passed_over() -> None:
    """Later versions of Azure write more of them. Without an etag a person wrote the line, and an unknown name is a mistake."""
    assert _device(newInAzure={"a": 1}) == _READ
    with pytest.raises(RosterError, match="there is no field 'newInAzure'"):
        from_json_lines('{"id": "x", "newInAzure": 1}', what="f")


def test_what_a_query_shows_is_a_roster() -> None:
    """`az iot hub query` and `az iot hub device-identity list` write a list of twins."""
    twin = {
        "deviceId": "oven-01",
        "etag": "AAAAAAAAAAE=",
        "deviceEtag": "MQ==",
        "status": "enabled",
        "version": 3,
        "modelId": "",
        "authenticationType": "selfSigned",
        "x509Thumbprint": {"primaryThumbprint": _OWN, "secondaryThumbprint": None},
        "connectionState": "Disconnected",
        "lastActivityTime": "0001-01-01T00:00:00Z",
        "cloudToDeviceMessageCount": 0,
        "tags": {"hall": "3"},
        "properties": {"desired": {"$version": 1}},
        "capabilities": {"iotEdge": False},
    }
    other = {**twin, "deviceId": "oven-02", "authenticationType": "certificateAuthority", "x509Thumbprint": {"primaryThumbprint": None}}
    assert dict(from_json_lines(json.dumps([twin, other], indent=2), what="f")) == {
        "oven-01": DeviceDescription(thumbprints=(_OWN,), tags={"hall": "3"}),
        "oven-02": DeviceDescription(tags={"hall": "3"}),
    }


@pytest.mark.parametrize(
    ("authentication", "thumbprints"),
    [
        (_BY_CA, ()),
        ({"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": _OWN, "secondaryThumbprint": _OTHER}}, (_OWN, _OTHER)),
        ({"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "", "secondaryThumbprint": _OTHER}}, (_OTHER,)),
        ({"x509Thumbprint": {"primaryThumbprint": _OWN}}, (_OWN,)),
    ],
)
def test_authentication_with_certificates_is_read(authentication: Any, thumbprints: tuple[str, ...]) -> None:
    """By a CA, or by one or two thumbprints; without a type Azure takes thumbprints as self-signed."""
    assert _device(authentication=authentication).thumbprints == thumbprints


@pytest.mark.parametrize(
    ("authentication", "fact"),
    [
        (
            {"type": "sas", "symmetricKey": {"primaryKey": _KEY, "secondaryKey": _KEY}},
            "its type is sas: the device authenticates with a symm",
        ),
        ({"symmetricKey": {"primaryKey": _KEY, "secondaryKey": _KEY}}, "it has no type, and Azure treats that as sas"),
        ({"type": "SAS"}, "its type is SAS: the device authenticates with a symmetric key"),
        ({"type": "none"}, "its type is none: the device authenticates in no way"),
        ({"type": _KEY}, "its type is a text that is not known here"),
        ({"type": 5}, "its type is a number that is not known here"),
        ({"type": "selfSigned"}, "its type is selfSigned, and it has no thumbprint"),
        ({**_BY_CA, "x509Thumbprint": {"primaryThumbprint": _OWN}}, "its type is certificateAuthority, and it has thumbprints too"),
        ({"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": _KEY}}, "thumbprints: 'c2VjcmV0…' is not a thumbprint"),
        ({"type": "selfSigned", "x509Thumbprint": _KEY}, "x509Thumbprint: it is a text"),
        ({"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": 1}}, "thumbprints: one of them is a number"),
        (f"SharedAccessKey={_KEY}", "authentication: it is a text, so how the device authenticates is unknown"),
        (None, "authentication: it is null"),
    ],
)
def test_another_authentication_is_refused_and_no_key_is_shown(authentication: Any, fact: str) -> None:
    """A fleet's devices have certificates: with the type changed in silence such a device could not connect any more."""
    with pytest.raises(RosterError) as caught:
        _device(authentication=authentication)
    assert fact in str(caught.value)
    assert "c2VjcmV0LXN" not in str(caught.value)


def test_a_key_is_not_kept() -> None:
    """A device with a certificate may still have keys in an export; they are not in the roster."""
    held = from_json_lines(json.dumps({**_EXPORTED, "authentication": {**_BY_CA, "symmetricKey": {"primaryKey": _KEY}}}), what="f")
    assert _KEY not in repr(held)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"id": None}, "its id is null"),
        ({"deviceId": "oven-02"}, "its id and its deviceId differ"),
        ({"edge": True}, "it has both 'edge' and 'eTag', and only a hub's export has the latter; use the fields of one form"),
        ({"moduleId": "camera"}, "it is module 'camera' of a device; leave out lines of modules"),
        ({"moduleId": 5}, "it is a module whose name is a number"),
        (
            {"importMode": "delete"},
            "importMode: it is 'delete', which does not say what the device is to be; leave out the lines of devices",
        ),
        ({"importMode": "updateTwin"}, "importMode: it is 'updateTwin'"),
        ({"importMode": 1}, "importMode: it is a number"),
        ({"status": 1}, "status: it is a number"),
        ({"statusReason": {}}, "reason: it is an object"),
        ({"tags": "x"}, "tags: it is a text"),
        ({"properties": []}, "properties: it is a list"),
        ({"properties": {"desired": "x"}}, "desired: it is a text"),
        ({"properties": {"desired": {"$odd": 1}}}, r"desired: the name '\$odd' has the character"),
        ({"capabilities": True}, "capabilities: it is true"),
        ({"capabilities": {"iotEdge": 1}}, "edge: it is a number"),
    ],
)
def test_types_in_an_export_are_strict(changes: dict[str, Any], match: str) -> None:
    """As in all JSON."""
    with pytest.raises(RosterError, match=match):
        _device(**changes)


@pytest.mark.parametrize("missing", ["id", "deviceId"])
def test_an_exported_line_has_an_id(missing: str) -> None:
    """Under either name."""
    with pytest.raises(RosterError, match="it has neither id nor deviceId"):
        from_json_lines(json.dumps({name: value for name, value in _EXPORTED.items() if name not in {"id", missing}}), what="f")


@pytest.mark.parametrize("module", ["$edgeAgent", "$edgeHub"])
def test_modules_of_azure_itself_are_passed_over(module: str) -> None:
    """They come with every IoT Edge device."""
    text = "\n".join(json.dumps(one) for one in (_EXPORTED, {**_EXPORTED, "moduleId": module}))
    assert from_json_lines(text, what="f").ids == ("oven-01",)


def test_what_a_hub_answers_is_a_roster(registry: DeviceRegistry) -> None:
    """Identities and twins as local Azure, which was compared with recordings, writes them."""
    registry.client.put("oven-01", authentication={"type": "certificateAuthority"}, status="disabled", statusReason="in repair")
    registry.client.put("oven-02", authentication={"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": _OWN}})
    registry.client.ask("PATCH", "/twins/oven-01", json={"tags": {"hall": "3"}, "properties": {"desired": {"speed": 2}}}).raise_for_status()
    identities = [registry.client.ask("GET", f"/devices/oven-0{number}").json() for number in (1, 2)]
    twins = [registry.client.ask("GET", f"/twins/oven-0{number}").json() for number in (1, 2)]
    second = DeviceDescription(thumbprints=(_OWN,))
    first = DeviceDescription(enabled=False, reason="in repair")
    assert dict(from_json_lines(json.dumps(identities), what="f")) == {"oven-01": first, "oven-02": second}
    both = DeviceDescription(enabled=False, reason="in repair", tags={"hall": "3"}, desired={"speed": 2})
    assert dict(from_json_lines(json.dumps(twins), what="f")) == {"oven-01": both, "oven-02": second}


@pytest.mark.skipif(not (SHARED / "cases").is_dir(), reason=f"{SHARED / 'cases'} is not there")
def test_the_shared_export_is_read() -> None:
    """One line that was reported as refused."""
    assert dict(from_file(SHARED / "cases" / "C12-hub-export-devices.jsonl")) == {"oven-01": DeviceDescription(tags={"hall": "3"})}


def test_a_parent_in_an_export_is_not_lost_in_silence(tmp_path: Path) -> None:
    """A fleet declares no parents: the line of a device that has one is refused. An edge device's own scope is no parent."""
    place = tmp_path / "devices.txt"
    edge = {"id": "gate-way", "eTag": "Mg==", "deviceScope": "ms-azure-iot-edge://gate-way-638700000000000000", "parentScopes": []}
    place.write_text(json.dumps(edge))
    assert from_file(place).ids == ("gate-way",)
    for members in ({"deviceScope": edge["deviceScope"]}, {"parentScopes": [edge["deviceScope"]]}):
        place.write_text(json.dumps({"id": "leaf", "eTag": "Mg==", **members}))
        match = (
            "line 1: the line: it is below an IoT Edge device, and a fleet declares no parents; leave out deviceScope and parentScopes: "
        )
        with pytest.raises(RosterError, match=match):
            from_file(place)
