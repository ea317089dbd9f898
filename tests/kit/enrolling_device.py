"""A device of a test that enrols through a provisioning service and connects to its hub, each time with the certificate that it has."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.paho_device import PahoDevice
from tests.kit.provisioning_client import ProvisioningClient
from tests.kit.registering_device import Answer, RegisteringDevice


@dataclass
class EnrollingDevice:
    """One device; ``identity`` is its certificate, with its issuers, which it sends too."""

    identity: Party
    folder: Path

    @property
    def name(self) -> str:
        """Its registration id and device id."""
        return self.identity.name

    def register(self, service: ProvisioningClient) -> Answer:
        """Register, until there is an outcome."""
        return self._registering(service, lambda device: device.outcome())

    def begin(self, service: ProvisioningClient) -> Answer:
        """Register, and don't wait for the outcome."""
        return self._registering(service, lambda device: device.register())

    def connects(self, hub: HubClient) -> bool:
        """Whether the hub lets it connect."""
        with PahoDevice(hub, self.name, self.folder, identity=self.identity, above=tuple(self.identity.chain[1:])) as device:
            return device.connect()[0] == "Success"

    def _registering(self, service: ProvisioningClient, ask: Callable[[RegisteringDevice], Answer]) -> Answer:
        above = tuple(self.identity.chain[1:])
        with RegisteringDevice(service, self.name, self.folder, identity=self.identity, above=above) as device:
            assert device.connect() == "Success"
            return ask(device)
