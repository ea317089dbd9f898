"""The keys that describe the hub's devices."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from hubtrust import HubtrustError, Roster, from_file, from_pattern
from hubtrust.devices.description import require_device_id
from hubtrust.devices.id_patterns import expand
from hubtrust.devices.roster import MOST_DEVICES

from .configuration import Configured, Problem, SettingsError, checked_by, names_for
from .tag import Tag, as_mapping
from .values import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator


class DeviceConfig(Configured):
    """Which devices there are, and which of them connects at the end of an `up`."""

    devices: str = ""
    devices_file: str = ""
    device_tags: tuple[Tag, ...] = ()
    adopt_devices: Annotated[tuple[Annotated[str, checked_by(expand)], ...], names_for("adoptDevices", "press-{001..025}")] = ()
    no_devices: bool = False
    delete_devices: Annotated[int, Field(ge=0, le=MOST_DEVICES)] = 0
    canary: Annotated[str, checked_by(require_device_id)] = ""
    connection_check: Literal["", "true", "false"] = ""  # empty: connect, unless the hub admits nobody from a public network

    def device_problems(self) -> Iterator[Problem]:
        """Keys of the devices that contradict each other, and lists of devices that can't be used."""
        if self.devices and self.devices_file:
            yield Problem.of("devices and devicesFile are both set; set only one of them", "devices", "devices_file")
            return
        if self.no_devices and (self.devices or self.devices_file):
            named = "devices" if self.devices else "devicesFile"
            line = f"noDevices is true, but {named} is set too; remove one of them"
            yield Problem.of(line, "no_devices", "devices", "devices_file")
        try:
            len(self.roster if self._folder or not self.devices_file else ())
        except SettingsError as error:
            yield Problem.of(str(error), "devices", "devices_file", "device_tags")

    @property
    def check(self) -> bool | None:
        """Whether the canary connects; None: unless the hub's public network access is disabled."""
        return {"true": True, "false": False}.get(self.connection_check)

    @property
    def twin_tags(self) -> dict[str, str]:
        """The tags of every device twin."""
        return as_mapping(self.device_tags)

    @cached_property
    def roster(self) -> Roster:
        """The devices.

        Raises:
            SettingsError: the file can't be read or has no devices, or the pattern or a line of the file is not valid.
        """
        tags = self.twin_tags
        try:
            if self.devices_file:
                what = f"devicesFile {quoted(self.devices_file)}"
                found = from_file((self._folder or Path()) / self.devices_file, what=what, tags=tags)
                if not len(found):
                    remedy = "restore it; if the stack is to have no devices, remove devicesFile and set noDevices: true"
                    raise SettingsError(f"{what}: it has no devices; {remedy}")
                return found
            return from_pattern(self.devices, tags) if self.devices else Roster(())
        except HubtrustError as error:
            raise SettingsError(str(error)) from None
