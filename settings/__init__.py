"""The stack's configuration as one frozen, validated object; Pulumi.yaml describes every key."""

from __future__ import annotations

import pulumi
from pydantic import ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from .authority import AuthorityConfig, replaced_keys
from .configuration import SettingsError, read
from .devices import DeviceConfig
from .hub import HubConfig

__all__ = ["Settings", "SettingsError", "load"]


class Settings(DeviceConfig, AuthorityConfig, HubConfig):
    """Every key of this project."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    @model_validator(mode="after")
    def _without_conflicts(self) -> Settings:
        conflicts = [*self.hub_conflicts(), *self.authority_conflicts(), *self.device_conflicts()]
        if conflicts:
            raise ValueError("\n".join(conflicts))
        return self


def load(config: pulumi.Config | None = None) -> Settings:
    """The settings of the running stack.

    Raises:
        SettingsError: keys are wrong or unknown; the error lists all of them.
    """
    found = config or pulumi.Config()
    return read(Settings, found, replaced_keys(found))
