"""What the links of a device or module have in common. Its first link connects it, its last one disconnects it.

https://learn.microsoft.com/azure/iot-hub/iot-hub-amqp-support, "Device client". One connection may carry many devices, each with its token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.amqp.link import ConnectedDevice, Node, ReceivingNode, SendingNode, Service
from local_azure_iot.amqp.link_errors import NOT_ALLOWED, NOT_FOUND, LinkError
from local_azure_iot.hub_registry import device_access, tier
from local_azure_iot.hub_registry.errors import RegistryError

if TYPE_CHECKING:
    from proton import Link

    from local_azure_iot.hub_registry.device_access import AdmittedIdentity


class DeviceNode(Node):
    """A link of a device or module."""

    standard_only = True  # whether hubs of the basic tier lack it

    def __init__(self, service: Service, link: Link, device: str, module: str) -> None:
        super().__init__(service, link)
        self._device, self._module = device, module
        self._found: AdmittedIdentity | None = None
        self._connected: ConnectedDevice | None = None

    @property
    def admitted(self) -> AdmittedIdentity:
        """Who has this link, once it may."""
        if self._found is None:
            raise LinkError(NOT_FOUND, "the link is not open")
        return self._found

    @property
    def connected(self) -> ConnectedDevice:
        """Its connection."""
        if self._connected is None:
            raise LinkError(NOT_FOUND, "the link is not open")
        return self._connected

    def authorize(self) -> None:
        """At the beginning its token or its certificate decides; later only whether it still exists, is enabled, and the token's time."""
        if self._found is None:
            self._found = self.service.claims.require_device(self._device, self._module)
            if self.standard_only:
                try:
                    tier.require_standard(self.azure, self.service.hub_key)
                except RegistryError as error:
                    raise LinkError(NOT_ALLOWED, "hubs of the basic tier don't have this link") from error
            return
        reason = device_access.revocation(self.azure, self._found)
        if reason:
            raise LinkError(NOT_FOUND, reason)
        if self._found.expires is not None and self._found.expires <= self.azure.clock.timestamp():
            self._found = self.service.claims.require_device(self._device, self._module)

    def opened(self) -> None:
        """It is connected from now on, and no longer elsewhere."""
        super().opened()
        key = self.admitted.store_key
        self._connected = self.service.devices.get(key)
        if self._connected is None:
            self._connected = self.service.devices[key] = ConnectedDevice(self.service, self.admitted)
            before = self.azure.presence.connected(key, self._connected, self.azure.clock.now(), self.admitted.device_key)
            if before:
                before.end("the device connected again")
            self.service.plane.log_attempt(self.service.peer, self._connected.name, "")
        self._connected.nodes.append(self)

    def closed(self) -> None:
        """With its last link it is gone."""
        super().closed()
        connected, self._connected = self._connected, None
        if connected and self in connected.nodes:
            connected.nodes.remove(self)
            if not connected.nodes:
                self.service.devices.pop(self.admitted.store_key, None)
                self.azure.presence.disconnected(self.admitted.store_key, connected, self.azure.clock.now())

    def heard(self) -> None:
        """The device sent something."""
        self.azure.presence.record_message(self.admitted.store_key, self.azure.clock.now())


class FromDevice(DeviceNode, ReceivingNode):
    """A link on which a device sends."""


class ToDevice(DeviceNode, SendingNode):
    """A link on which a device receives."""
