"""Who may connect: the CONNECT is refused unless chain, names and credentials are valid; the control port gives the reason."""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.kit.device_certificates import DAY, Party
from tests.kit.hub_client import HubClient, signature
from tests.kit.mqtt_device import API, Device, attempts, connect, until

ACCEPTED, NOT_AUTHORIZED = 0, 5


def _refused(registry: HubClient, identity: Party | None, folder: Path, *above: Party, device: str = "press-001") -> str:
    """The reason of a refusal; the device gets return code 5 and a closed connection."""
    with Device(registry, identity, folder, above=above) as line:
        assert line.connect(device) == NOT_AUTHORIZED
        assert line.receive() is None
    found = attempts(registry, device)[-1]
    assert found["accepted"] is False
    return str(found["reason"])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_full_chain_connects(registry: HubClient, root: Party, tmp_path: Path, version: ssl.TLSVersion) -> None:
    """Leaf and intermediate are sent, the root is on the hub; the registry shows when the device is connected and when it is not."""
    issuing = root.authority_below("Issuing")
    with Device(registry, issuing.device("press-001"), tmp_path, above=(issuing,), version=version) as line:
        assert line.connect("press-001") == ACCEPTED
        assert registry.ask("GET", "/devices/press-001").json()["connectionState"] == "Connected"
        assert registry.ask("GET", "/statistics/service").json() == {"connectedDeviceCount": 1}
    until(lambda: registry.ask("GET", "/twins/press-001").json()["connectionState"] == "Disconnected")
    entry = attempts(registry, "press-001")[0]
    assert (entry["accepted"], entry["subject"], entry["issuer"]) == (True, "CN=press-001", "CN=Issuing")
    assert registry.ask("GET", "/devices/press-001").json()["lastActivityTime"] > "2020"


def test_an_issuing_ca_on_the_hub_is_enough(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """A CA that is verified on the hub need not be sent, nor its issuer; another CA under the same root is not trusted."""
    other, issuing = Party("Other root"), None
    issuing = other.authority_below("Issuing")
    registry.hub.put("issuing", issuing.pem, isVerified=True)
    with Device(registry, issuing.device("press-001"), tmp_path) as line:
        assert line.connect("press-001") == ACCEPTED
    sibling = other.authority_below("Sibling")
    assert "does not end at a certificate verified" in _refused(registry, sibling.device("press-001"), tmp_path, sibling, other)
    assert root.pem != other.pem


@pytest.mark.parametrize(("what", "reason"), [
    ("expired", "has expired"),
    ("not yet", "is not valid yet"),
    ("wrong name", "common name is not the device's id: 'press-002' is not 'press-001'"),
    ("other case", "common name is not the device's id"),
    ("wrong authority", "neither verified here nor among the certificates that were sent"),
    ("same name, other key", "signature"),
    ("no intermediate", "'CN=press-001' was issued by 'CN=Issuing', which is neither"),
    ("path too long", "longer than a CA in it allows"),
    ("no authority", "used as a CA but is not a CA"),
    ("authority without constraints", "used as a CA but is not a CA"),
    ("for servers", "no clientAuth"),
    ("no signing", "no digitalSignature"),
    ("nothing", "no certificate was sent"),
    ("expired intermediate", "has expired"),
])  # fmt: skip
def test_each_flaw_is_refused(registry: HubClient, root: Party, tmp_path: Path, what: str, reason: str) -> None:
    """Return code 5, a closed connection, and the reason in the log."""
    from cryptography.x509.oid import ExtendedKeyUsageOID

    past, future = datetime.now(UTC) - 60 * DAY, datetime.now(UTC) + DAY
    issuing = root.authority_below("Issuing", path_length=0)
    below = issuing.authority_below("Below")
    plain = issuing.device("Plain")
    loose = Party("Loose", root, constraints=False)
    stale = root.authority_below("Stale", start=past)
    twin_root = Party("Trial root")
    cases: dict[str, tuple[Party | None, tuple[Party, ...]]] = {
        "expired": (issuing.device("press-001", start=past), (issuing,)),
        "not yet": (issuing.device("press-001", start=future), (issuing,)),
        "wrong name": (issuing.device("press-002"), (issuing,)),
        "other case": (issuing.device("PRESS-001"), (issuing,)),
        "wrong authority": (Party("Stranger").device("press-001"), ()),
        "same name, other key": (_without_identifier(twin_root), ()),
        "no intermediate": (issuing.device("press-001"), ()),
        "path too long": (below.device("press-001"), (below, issuing)),
        "no authority": (Party("press-001", plain, authority=False), (plain, issuing)),
        "authority without constraints": (loose.device("press-001"), (loose,)),
        "for servers": (issuing.device("press-001", usages=(ExtendedKeyUsageOID.SERVER_AUTH,)), (issuing,)),
        "no signing": (issuing.device("press-001", key_usage=issuing.certificate.extensions[0].value), (issuing,)),
        "nothing": (None, ()),
        "expired intermediate": (stale.device("press-001"), (stale,)),
    }
    identity, above = cases[what]
    assert reason in _refused(registry, identity, tmp_path, *above)


def _without_identifier(issuer: Party) -> Party:
    """A device of a CA with the hub's root's name and another key. With a key identifier, the root would not be tried at all."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    device = issuer.device("press-001")
    old = device.certificate
    builder = x509.CertificateBuilder(
        issuer_name=old.issuer,
        subject_name=old.subject,
        public_key=old.public_key(),
        serial_number=old.serial_number,
        not_valid_before=old.not_valid_before_utc,
        not_valid_after=old.not_valid_after_utc,
    )
    device.certificate = builder.sign(issuer.key, hashes.SHA256())
    return device


def test_only_currently_verified_cas_are_trusted(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """A CA that lost its verification, was deleted, or never was verified is not trusted."""
    device = root.device("press-001")
    with Device(registry, device, tmp_path) as line:
        assert line.connect("press-001") == ACCEPTED
    registry.hub.generate("root")
    assert "no certificate is verified here" in _refused(registry, device, tmp_path)
    registry.hub.put("root", root.pem, isVerified=True)
    with Device(registry, device, tmp_path) as line:
        assert line.connect("press-001") == ACCEPTED
    registry.hub.delete("root")
    assert "no certificate is verified here" in _refused(registry, device, tmp_path)
    other = Party("Other")
    registry.hub.put("other", other.pem)
    assert "no certificate is verified here" in _refused(registry, other.device("press-001"), tmp_path)


def test_each_hub_trusts_its_own_cas_only(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """A hub that trusts another CA refuses the same device and chain."""
    second = HubClient(registry.azure, registry.azure.hub())
    second.hub.put("other", Party("Other").pem, isVerified=True)
    second.put("press-001")
    assert "neither verified here" in _refused(second, root.device("press-001"), tmp_path)
    second.http.close()


def test_dates_are_checked_by_local_azures_clock(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """A certificate that is valid for 30 days connects, and is refused once the clock is 40 days ahead."""
    with Device(registry, root.device("press-001"), tmp_path) as line:
        assert line.connect("press-001") == ACCEPTED
    registry.azure.control("PUT", "/clock", {"advance": 40 * 86400})
    try:
        assert "has expired" in _refused(registry, root.device("press-001"), tmp_path)
    finally:
        registry.azure.control("DELETE", "/clock")


def test_a_device_must_be_registered_and_enabled(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """A device without an entry is refused, and so is a disabled one, with its statusReason."""
    assert "no device 'press-002' is registered" in _refused(registry, root.device("press-002"), tmp_path, device="press-002")
    registry.put("retired", status="disabled", statusReason="worn out")
    assert "device 'retired' is disabled: worn out" in _refused(registry, root.device("retired"), tmp_path, device="retired")


def test_self_signed_by_either_thumbprint(registry: HubClient, tmp_path: Path) -> None:
    """Primary by SHA-1, secondary by SHA-256; another certificate is refused, and so is the right one once it has expired."""
    from cryptography.hazmat.primitives import hashes

    first, second = (Party("whatever", authority=False) for _ in range(2))
    pair = {"primaryThumbprint": first.thumbprint(), "secondaryThumbprint": second.certificate.fingerprint(hashes.SHA256()).hex()}
    registry.put("own", authentication={"type": "selfSigned", "x509Thumbprint": pair})
    for identity in (first, second):
        with Device(registry, identity, tmp_path) as line:
            assert line.connect("own") == ACCEPTED
    assert "not one of the two" in _refused(registry, Party("whatever", authority=False), tmp_path, device="own")
    old = Party("old", authority=False, start=datetime.now(UTC) - 60 * DAY)
    stale = {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": old.thumbprint()}}
    registry.put("stale", authentication=stale)
    assert "has expired" in _refused(registry, old, tmp_path, device="stale")


def test_keys_connect_where_the_hub_allows_them(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """A device's own key or a policy with DeviceConnect; not for a device with a certificate, nor where local authentication is off."""
    keys = registry.put("by-key", authentication={"type": "sas"})["authentication"]["symmetricKey"]

    def code(device: str, password: str) -> int | None:
        with Device(registry, None, tmp_path) as line:
            return line.connect(device, password=password)

    own = signature(f"{registry.host}/devices/by-key", "", keys["secondaryKey"])
    assert code("by-key", own) == ACCEPTED
    assert code("by-key", signature(registry.host, "device", registry.key("device"))) == ACCEPTED
    assert code("by-key", signature(registry.host, "registryRead", registry.key("registryRead"))) == NOT_AUTHORIZED
    assert code("by-key", signature(f"{registry.host}/devices/by-key", "", keys["primaryKey"], seconds=-1)) == NOT_AUTHORIZED
    assert code("by-key", signature(f"{registry.host}/devices/by", "", keys["primaryKey"])) == NOT_AUTHORIZED
    for audience in ("devices/by-key/api-version=2016-11-14", "devices/by-key/?api-version=2021-04-12", "Devices/by-key/"):
        assert code("by-key", signature(f"{registry.host}/{audience}", "", keys["primaryKey"])) == ACCEPTED
    assert code("by-key", signature(f"{registry.host}/devices/by/api-version=2016-11-14", "", keys["primaryKey"])) == NOT_AUTHORIZED
    assert code("by-key", "") == NOT_AUTHORIZED
    assert code("press-001", own) == NOT_AUTHORIZED
    properties = {"disableLocalAuth": True}
    registry.azure.ask("PUT", registry.hub.id, json={"location": "westus", "sku": {"name": "S1", "capacity": 1}, "properties": properties})
    until(lambda: registry.azure.ask("GET", registry.hub.id).json()["properties"]["state"] == "Active")
    assert code("by-key", own) == NOT_AUTHORIZED
    assert "disableLocalAuth" in attempts(registry, "by-key")[-1]["reason"]
    with Device(registry, root.device("press-001"), tmp_path) as line:
        assert line.connect("press-001") == ACCEPTED


@pytest.mark.parametrize(("client", "user", "reason"), [
    ("press-001", "{host}/press-002/?api-version=2021-04-12", "is not the device's id"),
    ("press-001", "other.azure-devices.net/press-001/?api-version=2021-04-12", "does not begin with"),
    ("press-001", "press-001", "does not begin with"),
    ("press-001", "{host}/press-001/?api-version=1999-01-01", "is not known"),
    ("press-001", "{host}/press-001/?api-version=2999-01-01", "is not known"),
    ("press-001", "{host}/press-001/?api-version=2021-02-30", "is not known"),
    ("press-001", "{host}/press-001/?api-version=2021-04-12-beta", "is not known"),
    ("press-001", "{host}/press-001/module/?api-version=2021-04-12", "is not the ids of the device and its module 'press-001/module'"),
    ("press-001/module", "{host}/press-001/module/?api-version=2021-04-12", "no module 'module' is registered on device 'press-001'"),
    ("press-001/a/b", "{host}/press-001/a/b/?api-version=2021-04-12", "more in it than the ids"),
    ("press-001", "{host}/press-001/DeviceClientType=x/api-version=1999-01-01", "is not known"),
    ("press-001/", "{host}/press-001//?api-version=2021-04-12", "does not begin with"),
    ("", "", "does not begin with"),
    ("press-001", "{host}/press-001\n\u202e", r"is not the device's id 'press-001\n\u202e'"),
])  # fmt: skip
def test_names_that_do_not_match(registry: HubClient, root: Party, tmp_path: Path, client: str, user: str, reason: str) -> None:
    """Client id, user name and hub must agree."""
    with Device(registry, root.device("press-001"), tmp_path) as line:
        line.send(connect(client, user.format(host=registry.host)))
        answer = line.receive()
        assert answer
        assert answer.body == bytes((0, NOT_AUTHORIZED))
    assert reason in attempts(registry, client)[-1]["reason"]


@pytest.mark.parametrize(
    "user",
    [
        "{host}/press-001",
        "{host}/press-001/",
        "{host}/press-001/api-version=2016-11-14",
        "{host}/press-001/?api-version=2020-09-30&DeviceClientType=x%2F1",
        "{host}/press-001/?api-version=2017-11-08-preview",
        "{host}/press-001/?api-version=2015-08-15-preview",
        "{host}/press-001/?DeviceClientType=x&api-version=2024-03-31",
        "{host}/press-001/DeviceClientType=x%2F1&api-version=2016-11-14",
        "{host}/press-001/?",
        "{host}/press-001/api-version=2017-06-30/DeviceClientType=Microsoft.Azure.Devices.Client/1.5.1-preview-003",
        "{host}/press-001/?API-version=2021-04-12&DeviceClientType=C/1.0",
    ],
)
def test_user_names_that_clients_send(registry: HubClient, root: Party, tmp_path: Path, user: str) -> None:
    """With and without an api-version, and with a client's own parameters after it."""
    with Device(registry, root.device("press-001"), tmp_path) as line:
        line.send(connect("press-001", user.format(host=registry.host)))
        answer = line.receive()
        assert answer
        assert answer.body == bytes((0, ACCEPTED))


@pytest.mark.parametrize("name", ["", "nobody-has-this-hub.azure-devices.net", "management.azure.com"])
def test_the_tls_server_name_must_be_the_hub(registry: HubClient, root: Party, tmp_path: Path, name: str) -> None:
    """A handshake without a server name (SNI), or with one that is not a hub's, leads to a refusal."""
    with Device(registry, root.device("press-001"), tmp_path, name=name) as line:
        assert line.connect("press-001") == NOT_AUTHORIZED


def test_special_characters_in_an_id_are_literal(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """An id with characters that are special in topics, queries or URLs is taken literally."""
    device = "it's%2F?*(1)=$"
    registry.put(device)
    with Device(registry, root.device(device), tmp_path) as line:
        line.send(connect(device, f"{registry.host}/{device.partition('?')[0]}"))
        answer = line.receive()
        assert answer
        assert answer.body[1] == NOT_AUTHORIZED
    with Device(registry, root.device(device), tmp_path) as line:
        line.send(connect(device, f"{registry.host}/{device}/{API}"))
        answer = line.receive()
        assert answer
        assert answer.body[1] == ACCEPTED
    assert registry.ask("GET", f"/devices/{quote(device, safe='')}").json()["lastActivityTime"] > "2020"
