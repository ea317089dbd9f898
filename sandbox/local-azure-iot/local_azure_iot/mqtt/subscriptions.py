"""A session's subscriptions. With CleanSession 0 they are kept over connections, and over restarts of local Azure.

MQTT 3.1.1, section 3.1.2.4; https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub, "Receiving cloud-to-device messages".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.messaging.addresses import address
from local_azure_iot.microsoft_devices.lifecycle import MQTT_SESSION

if TYPE_CHECKING:
    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.local_azure import Azure


class Subscriptions:
    """The topic filters of one session, each with the QoS that was granted."""

    def __init__(self, azure: Azure, admitted: AdmittedIdentity, *, clean: bool) -> None:
        """Go on with the session that is kept, or begin a new one. A device that was created again has none."""
        self._azure, self._admitted, self._clean = azure, admitted, clean
        self._key = f"{address(admitted.hub_key, admitted.device)}/{admitted.module}"  # so that it goes with its device
        kept = azure.store.get(MQTT_SESSION, self._key)
        self.present = not clean and kept is not None and kept["generation"] == admitted.generation
        self.granted: dict[str, int] = dict(kept["filters"]) if kept and self.present else {}
        if clean and kept is not None:
            with azure.store.transaction():
                azure.store.delete(MQTT_SESSION, self._key)
        elif not clean and not self.present:
            self._save()

    def add(self, granted: dict[str, int]) -> None:
        """Filters that were granted. Clients subscribe anew with each connection, which mostly changes nothing."""
        if self.granted | granted != self.granted:
            self.granted |= granted
            self._save()

    def remove(self, filters: list[str]) -> None:
        """Filters that are wanted no more."""
        for each in filters:
            self.granted.pop(each, None)
        self._save()

    def _save(self) -> None:
        if not self._clean:
            with self._azure.store.transaction():
                self._azure.store.put(MQTT_SESSION, self._key, {"generation": self._admitted.generation, "filters": self.granted})
