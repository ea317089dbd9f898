"""The stack's configuration as one frozen, validated object; Pulumi.yaml describes every key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from .applicability import unused
from .authority import AuthorityConfig, replaced_keys
from .configuration import Problem, SettingsError, read
from .devices import DeviceConfig
from .evidence import EvidenceConfig
from .provisioning import ProvisioningConfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Settings", "SettingsError", "load"]


class Settings(EvidenceConfig, DeviceConfig, AuthorityConfig, ProvisioningConfig):
    """Every key of this project."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    def problems(self) -> Iterator[Problem]:
        """Keys that contradict each other or have no effect, and files that can't be used."""
        yield from self.hub_problems()
        yield from self.provisioning_problems()
        yield from self.authority_problems()
        yield from self.device_problems()
        yield from unused(self, errors=True)

    @property
    def enrollment_check(self) -> bool | None:
        """Whether the device without an entry enrols; None: unless the hub's public network access is disabled."""
        return False if self.check is None and self.dps_public_network_access == "Disabled" else self.check

    def notices(self) -> Iterator[str]:
        """Keys that are set and change nothing, and what was left out of a chain, a line each with what to do."""
        yield from (problem.line for problem in unused(self, errors=False))
        yield from self.chain_notices()


def load(folder: Path | None, config: pulumi.Config | None = None) -> Settings:
    """The settings of the running stack; files that they name are relative to ``folder``, and are not looked at without one.

    Raises:
        SettingsError: keys are wrong or unknown, contradict each other, or name files that can't be used; the error lists all of them.
    """
    found = config or pulumi.Config()
    return read(Settings, found, folder, replaced_keys(found))
