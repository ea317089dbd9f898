"""A provisioning service took devices of ours over: a refresh says what that means and what to do."""

from hubtrust.devices.roster_files import from_pattern
from hubtrust.dynamic.device_fleet import DeviceFleetProvider
from hubtrust.dynamic.device_identity import DeviceIdentityProvider
from local_azure_iot import installation
from tests.kit.device_registry import DeviceRegistry
from tests.kit.local_azure import LocalAzure
from tests.kit.provider_process import ProviderProcess

_THUMBPRINT = {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "AB" * 32, "secondaryThumbprint": "AB" * 32}}


def register(registry: DeviceRegistry, *device_ids: str) -> None:
    """What a provisioning service writes when a device registers whose id has an entry already."""
    items = [{"id": one, "importMode": "update", "status": "enabled", "authentication": _THUMBPRINT} for one in device_ids]
    registry.client.bulk(*items).raise_for_status()


def test_a_device_that_registered_is_told(azure: LocalAzure, registry: DeviceRegistry) -> None:
    """The drift is shown with what to do; `up` sets the identity back. What is declared by thumbprint is no news."""
    with ProviderProcess(installation.environment(azure.ready)) as process:
        devices = process.of(DeviceIdentityProvider)
        news = registry.device("press-001")
        created = devices.create(news)
        pinned = devices.create(registry.device("press-002", thumbprints=["CD" * 32]))
        register(registry, "press-001", "press-002")
        drifted = devices.read(created)
        assert drifted is not None
        assert devices.diff(drifted, news).changes is True
        assert devices.update(drifted, news).outs["authentication"] == "certificateAuthority"
        devices.read(pinned)
    (line,) = [one for one in process.printed.splitlines() if "the thumbprint of one certificate" in one]
    assert line.startswith(f"device 'press-001' on IoT hub '{registry.client.host.partition('.')[0]}': 'press-001' has the thumbprint")
    assert "must register again when it is renewed" in line
    assert "remove it from this program (with the option retain_on_delete its entry stays); otherwise `up` sets it back" in line


def test_devices_of_a_fleet_that_registered_are_told(azure: LocalAzure, registry: DeviceRegistry) -> None:
    """All of them in one line, three of them by name."""
    with ProviderProcess(installation.environment(azure.ready)) as process:
        fleets = process.of(DeviceFleetProvider)
        news = registry.fleet(from_pattern("press-{001..006}"))
        created = fleets.create(news)
        register(registry, *(f"press-00{each}" for each in range(1, 6)))
        drifted = fleets.read(created)
        assert drifted is not None
        assert fleets.diff(drifted, news).changes is True
        again = fleets.update(drifted, news)
        fleets.read(again)
    (line,) = [one for one in process.printed.splitlines() if "the thumbprint of one certificate" in one]
    assert "'press-001', 'press-002', 'press-003' and 2 more have the thumbprint of one certificate" in line
    assert "If they are to enrol, remove them from the roster; otherwise `up` sets them back, until they register again" in line
