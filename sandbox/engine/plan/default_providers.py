"""Default providers: created by the engine, one for each package and version that a program uses without naming a provider."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

from sandbox.engine.providers.plugins import DYNAMIC
from sandbox.engine.providers.provider_error import ProviderError
from sandbox.engine.steps.goal import Goal
from sandbox.engine.values import property_values
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.engine.plan.registrations import Registrations
    from sandbox.engine.values.property_values import Properties, Value


class DefaultProviders:
    """Registers default providers, each when it is first needed.

    Args:
        registrations: registers them.
        config: the stack's configuration, full keys to values, secrets marked.
    """

    def __init__(self, registrations: Registrations, config: Mapping[str, Value]) -> None:
        self._registrations, self._config = registrations, config
        self._registered: dict[tuple[str, str, str], asyncio.Task[str]] = {}

    async def reference(self, package: str, version: str, url: str) -> str:
        """The reference of a package's default provider.

        Raises:
            ProviderError: the configuration forbids it.
        """
        if _denied(package, self._config):
            raise ProviderError(
                f"Default provider for '{package}' disabled: pass an explicit provider to the resource, "
                "or change the configuration `pulumi:disable-default-providers`"
            )
        task = self._registered.get((package, version, url))
        if task is None:
            task = self._registered[package, version, url] = asyncio.create_task(self._register(package, version, url))
        return await asyncio.shield(task)

    async def _register(self, package: str, version: str, url: str) -> str:
        goal = Goal(
            type=f"{urns.PROVIDER_PREFIX}{package}",
            name=_name(version, url),
            custom=True,
            inputs=_inputs(package, self._config, version, url),
        )
        provider = (await self._registrations.register(goal)).resource
        return urns.reference(provider.urn, provider.id)


def _inputs(package: str, config: Mapping[str, Value], version: str, url: str) -> Properties:
    """The inputs of a package's default provider: the configuration of its namespace; for dynamic resources, the whole configuration."""
    if package == DYNAMIC:
        inputs = dict(config)
    else:
        inputs = {key.partition(":")[2]: item for key, item in config.items() if key.partition(":")[0] == package}
    internal: Properties = {"pluginDownloadURL": url} if url else {}
    if version:
        inputs["version"] = version
    return {**inputs, "__internal": internal} if version or url else inputs


def _name(version: str, url: str) -> str:
    """The name of a default provider, with its version and download URL."""
    parts = ["default", version, re.sub(r"[^A-Za-z0-9]", "_", url)]
    return "_".join(re.sub(r"[^A-Za-z0-9]", "_", part) for part in parts if part)


def _denied(package: str, config: Mapping[str, Value]) -> bool:
    """Whether the configuration forbids a default provider (`pulumi:disable-default-providers`)."""
    text = property_values.revealed(config.get("pulumi:disable-default-providers"))
    return bool(text) and any(name in ("*", package) for name in json.loads(text))
