"""ConnectionCheck over gRPC: a device connects, or the error names the broken link."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hubtrust.dynamic.connection_check import ConnectionCheckProvider
from local_azure_iot import installation
from tests.kit.authorities import Forged, pem_of, private_pem
from tests.kit.device_registry import DeviceRegistry
from tests.kit.local_azure import LocalAzure
from tests.kit.provider_process import CallFailedError, Provider, ProviderProcess
from tests.kit.root_authority import RootAuthority


@pytest.fixture
def checks(named_process: ProviderProcess) -> Provider:
    return named_process.of(ConnectionCheckProvider)


@pytest.fixture
def authority(registry: DeviceRegistry) -> RootAuthority:
    """An authority that the hub trusts; the hub has the device press-001."""
    created = RootAuthority()
    registry.client.hub.put("plant-a", created.pem, isVerified=True)
    registry.client.put("press-001")
    return created


def trusted(authority: RootAuthority, **changes: Any) -> list[dict[str, Any]]:
    return [{"name": "plant-a", "thumbprint": authority.thumbprint, "state": "verified", "verified": True, **changes}]


def declared(registry: DeviceRegistry, authority: RootAuthority, **changes: Any) -> dict[str, Any]:
    news = {
        "hubId": registry.client.hub.id,
        "hostName": registry.client.host,
        "deviceId": "press-001",
        "chain": authority.pem,
        "signer": {"custody": "state", "privateKey": authority.private_pem},
        "trust": trusted(authority),
        "device": "etag-1",
        "deadline": 1,
    }
    return {name: value for name, value in (news | changes).items() if value is not None}


def test_a_device_connects_and_sends_a_message(
    checks: Provider, registry: DeviceRegistry, authority: RootAuthority, named_process: ProviderProcess
) -> None:
    """A real session through the proxy; the path from leaf to root is an output; the canary's key is in no message."""
    created = checks.create(declared(registry, authority))
    assert (created.outs["state"], created.outs["certificationPath"]) == ("connected", "press-001 < Plant A")
    assert "reason" not in created.outs
    (session,) = registry.sessions()
    assert (session["device"], session["qos"], session["topic"]) == ("press-001", 1, "devices/press-001/messages/events/")
    assert not [mark for mark in ("PRIVATE KEY", *authority.private_pem.splitlines()[1:-1]) if mark in named_process.traffic[-1]]


def test_the_check_runs_again_after_a_change(checks: Provider, registry: DeviceRegistry, authority: RootAuthority) -> None:
    """No change, no session; a changed hub, chain, trust or device: a new session, as an update. A refresh connects nothing."""
    news = declared(registry, authority)
    created = checks.create(news)
    assert checks.diff(created, news).changes is False
    refreshed = checks.read(created)
    assert refreshed is not None
    assert (refreshed.outs, len(registry.sessions())) == (created.outs, 1)
    for change in (
        {"device": "etag-2"},
        {"trust": trusted(authority, name="b")},
        {"trust": trusted(authority, etag="another one")},
        {"chain": RootAuthority().pem},
        {"hostName": "hub-b.azure-devices.net"},
    ):
        assert (checks.diff(created, news | change).changes, checks.diff(created, news | change).replaces) == (True, [])
    again = checks.update(created, news | {"device": "etag-2"})
    assert (again.outs["state"], len(registry.sessions())) == ("connected", 2)
    checks.delete(again)


def _recreate(registry: DeviceRegistry, _authority: RootAuthority) -> None:
    registry.delete("press-001")
    registry.client.put("press-001")


def _disable_and_enable(registry: DeviceRegistry, _authority: RootAuthority) -> None:
    registry.disable("press-001", "by hand")
    registry.client.bulk(
        {"id": "press-001", "importMode": "update", "status": "enabled", "authentication": {"type": "certificateAuthority"}}
    ).raise_for_status()


@pytest.mark.parametrize("repaired", [_recreate, _disable_and_enable])
def test_another_identity_is_not_the_one_that_connected(
    checks: Provider, registry: DeviceRegistry, authority: RootAuthority, repaired: Callable[[DeviceRegistry, RootAuthority], None]
) -> None:
    """The device was deleted or disabled, and is there again as it was. What connected before says nothing about it: it connects anew."""
    news = declared(registry, authority)
    created = checks.create(news)
    repaired(registry, authority)
    read = checks.read(created)
    assert read is not None
    last = created.outs["connectedAt"]
    assert (read.outs["state"], read.outs["reason"]) == (
        "not checked",
        f"it connected at {last}, but its identity on the hub has changed since",
    )
    assert (checks.diff(read, news).changes, len(registry.sessions())) == (True, 1)
    again = checks.update(read, news)
    assert (again.outs["state"], len(registry.sessions())) == ("connected", 2)
    assert checks.diff(checks.read(again) or again, news).changes is False


def test_a_deleted_device_is_not_connected(checks: Provider, registry: DeviceRegistry, authority: RootAuthority) -> None:
    """A refresh finds neither the device nor, later, the hub: neither of them is called connected."""
    created = checks.create(declared(registry, authority))
    registry.delete("press-001")
    read = checks.read(created)
    assert read is not None
    assert read.outs["reason"] == f"it connected at {created.outs['connectedAt']}, but the hub has no such device now"
    hub = registry.client.hub
    hub.azure.ask("DELETE", hub.id)
    assert checks.read(created) is None


def test_a_registry_that_does_not_answer_is_no_answer(checks: Provider, registry: DeviceRegistry, authority: RootAuthority) -> None:
    """A check needs no right to read devices: it connects. A refresh that can't see the device does not call it connected."""
    registry.clear("403:path=/twins/*")
    created = checks.create(declared(registry, authority))
    assert (created.outs["state"], "deviceEtag" in created.outs) == ("connected", False)
    registry.clear()
    known = checks.update(created, declared(registry, authority))
    registry.clear("403:path=/twins/*")
    with pytest.raises(CallFailedError, match="device 'press-001'"):
        checks.read(known)


def test_it_says_when_it_connected_by_azures_clock(
    azure: LocalAzure, checks: Provider, registry: DeviceRegistry, authority: RootAuthority
) -> None:
    """Azure's clock is days ahead of this machine's: the device's certificate is valid there, and its time is in the outputs."""
    news = declared(registry, authority)
    azure.control("PUT", "/clock", {"advance": 3 * 86400})
    try:
        before, created, after = _clock(azure), checks.create(news), _clock(azure)
        at = datetime.fromisoformat(created.outs["connectedAt"])
        assert before.replace(microsecond=0) - timedelta(seconds=1) <= at <= after + timedelta(seconds=1)
        assert created.outs["connectedAt"].endswith("Z")
        assert datetime.fromisoformat(created.outs["validUntil"]) == authority.certificate.not_valid_after_utc
        switched_off = checks.update(created, news | {"enabled": False})
        assert (switched_off.outs["state"], switched_off.outs["connectedAt"]) == ("not checked", created.outs["connectedAt"])
    finally:
        azure.control("DELETE", "/clock")


def test_expired_certificates_are_not_called_connected(
    azure: LocalAzure, checks: Provider, registry: DeviceRegistry, authority: RootAuthority
) -> None:
    """Fifteen years later by Azure's clock a refresh no longer says connected, and the next check names the certificate that expired."""
    news = declared(registry, authority)
    created = checks.create(news)
    azure.control("PUT", "/clock", {"advance": 15 * 365 * 86400})
    try:
        read = checks.read(created)
        assert read is not None
        assert (read.outs["state"], read.outs["connectedAt"]) == ("not checked", created.outs["connectedAt"])
        assert f"one of which expired on {created.outs['validUntil']}" in read.outs["reason"]
        assert checks.diff(read, news).changes is True
        assert re.search(r"it expired on .*; renew it", checks.create_error(news))
    finally:
        azure.control("DELETE", "/clock")
    assert len(registry.sessions()) == 1


def _clock(azure: LocalAzure) -> datetime:
    return datetime.fromisoformat(azure.control("GET", "/clock")["now"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"enabled": False}, "switched off"),
        ({"trust": [{"name": "plant-a", "state": "waiting", "verified": False}]}, "waiting for proof"),
        ({"chain": None, "signer": None}, "waiting for proof"),
        ({"signer": {"custody": "offline"}}, "the key that signs device certificates is not available here"),
        ({"signer": None}, "the key that signs device certificates is not available here"),
    ],
)
def test_a_check_that_can_not_run_gives_the_reason(
    checks: Provider, registry: DeviceRegistry, authority: RootAuthority, changes: dict[str, Any], reason: str
) -> None:
    """A connection that can't be checked yet is not an error and not reported as connected; it is checked once it can be."""
    waiting = declared(registry, authority, **changes)
    created = checks.create(waiting)
    assert (created.outs["state"], created.outs["reason"], registry.sessions()) == ("not checked", reason, [])
    assert checks.diff(created, waiting).changes is False
    news = declared(registry, authority)
    assert checks.diff(created, news).changes is True
    assert checks.update(created, news).outs["state"] == "connected"


def test_a_missing_identity_is_reported(checks: Provider, registry: DeviceRegistry, authority: RootAuthority) -> None:
    """The registry shows what MQTT alone can't: there is no such device, and the CN is case-sensitive."""
    text = checks.create_error(declared(registry, authority, deviceId="Press-001"))
    assert "identity missing: the hub has no device 'Press-001', which is the common name (CN) of its certificate; ids are case" in text
    assert "declare the device, or use another one as the canary" in text


def test_a_disabled_device_is_reported(checks: Provider, registry: DeviceRegistry, authority: RootAuthority) -> None:
    """A disabled device is reported with the reason of its status."""
    registry.disable("press-001", "stolen")
    assert "disabled: the device is disabled: stolen" in checks.create_error(declared(registry, authority))


def test_a_device_with_thumbprints_is_reported(checks: Provider, registry: DeviceRegistry, authority: RootAuthority) -> None:
    """A device with another type of authentication can't connect with a CA's certificate."""
    registry.client.put("press-002", authentication={"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "AB" * 20}})
    assert "identity: its identity is of type selfSigned, not certificateAuthority" in checks.create_error(
        declared(registry, authority, deviceId="press-002")
    )


def test_a_certificate_of_another_ca_is_refused(checks: Provider, registry: DeviceRegistry, authority: RootAuthority) -> None:
    """A device whose certificate is from another CA is refused by the hub; the error names what the hub trusts."""
    other = RootAuthority("Plant B")
    key = {"custody": "state", "privateKey": other.private_pem}
    text = checks.create_error(declared(registry, authority, chain=other.pem, signer=key))
    assert "chain not trusted: the hub trusts no certificate of press-001 < Plant B; its certificates are: 'plant-a' (verified)" in text


def test_a_ca_that_lost_its_verification_is_reported(checks: Provider, registry: DeviceRegistry, authority: RootAuthority) -> None:
    """The CA lost its verification on the hub: the error says that this chain should be trusted and is not."""
    registry.client.hub.put("plant-a", authority.pem)
    assert "chain not trusted: press-001 < Plant A is not accepted although 'plant-a' is verified" in checks.create_error(
        declared(registry, authority)
    )


def test_an_expired_authority_is_reported_before_connecting(checks: Provider, registry: DeviceRegistry, authority: RootAuthority) -> None:
    """Its devices could not connect: the certificate and its end are named."""
    now = datetime.now(UTC)
    old = Forged(start=now - timedelta(days=9), end=now - timedelta(days=1))
    key = {"custody": "state", "privateKey": private_pem(old.key)}
    text = checks.create_error(declared(registry, authority, chain=pem_of(old.certificate), signer=key))
    assert re.search(r"it expired on .*; renew it", text)
    assert registry.sessions() == []


@pytest.mark.parametrize(
    ("host", "match"),
    [
        ("no-such-hub.azure-devices.net", r"identity missing|can't be read|device: "),
        ("hub.example.com", r"name: the proxy can't reach it \(.*403.*\); check the hub's name; open port 8883"),
    ],
)
def test_an_unknown_host_name_is_reported(
    checks: Provider, registry: DeviceRegistry, authority: RootAuthority, host: str, match: str
) -> None:
    """A proxy that refuses the name, or a name that is not a hub's."""
    assert re.search(match, checks.create_error(declared(registry, authority, hostName=host)))


@pytest.fixture
def distrusting(azure: LocalAzure) -> Iterator[Provider]:
    """A provider whose machine does not trust the hub's root."""
    environment = installation.environment(azure.ready)
    roots = {name: environment.pop(name) for name in ("SSL_CERT_FILE",)}
    assert roots
    with ProviderProcess(environment) as process:
        yield process.of(ConnectionCheckProvider)


def test_an_untrusted_server_certificate_is_reported(distrusting: Provider, registry: DeviceRegistry, authority: RootAuthority) -> None:
    """A TLS error is named, with the place where roots are set; nothing is retried."""
    text = distrusting.create_error(declared(registry, authority))
    assert re.search(r"tls: TLS to the hub: its certificate is not trusted on this machine \(.*\); add its root certificate", text), text


def test_a_closed_port_is_reported(azure: LocalAzure, registry: DeviceRegistry, authority: RootAuthority) -> None:
    """Port 8883 can't be reached: the error says to open it, or to switch the check off."""
    environment = installation.environment(azure.ready) | {"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}
    with ProviderProcess(environment) as process:
        text = process.of(ConnectionCheckProvider).create_error(declared(registry, authority))
    assert "open port 8883, also in the proxy of HTTPS_PROXY, or turn the check off (connectionCheck: false)" in text


def test_a_check_is_skipped_with_its_reason(checks: Provider, registry: DeviceRegistry, authority: RootAuthority) -> None:
    """Of a private hub: nothing is sent to it, now and in a refresh, until there is no reason any more."""
    connected = checks.create(declared(registry, authority))
    registry.client.hub.set_properties(publicNetworkAccess="Disabled")
    registry.clear()
    private = declared(registry, authority, skip="the hub is private")
    assert checks.diff(connected, private).changes is True
    skipped = checks.update(connected, private)
    assert (skipped.outs["state"], skipped.outs["reason"]) == ("not checked", "the hub is private")
    assert (checks.diff(skipped, private).changes, checks.read(skipped)) == (False, skipped)
    assert registry.calls() == []
    registry.client.hub.set_properties(publicNetworkAccess="Enabled")
    assert checks.up(skipped, declared(registry, authority)).outs["state"] == "connected"
